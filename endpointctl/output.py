"""What the commands print: plain text as it is, tables and progress bars by rich."""

from __future__ import annotations

import io
import sys
from typing import Final

import typer
from rich.console import Console

from endpointctl.failure import Failure

CONSOLE: Final = Console(emoji=False, markup=False, highlight=False, soft_wrap=True)
"""For tables and progress bars. Its ``print`` expands tabs and drops control characters: use ``show`` for text."""


def show(text: str) -> None:
    """Print a text and a line end, each character as it is: ``typer.echo`` would drop ANSI sequences in a pipe.

    Raises:
        Failure: stdout does not take it, e.g. a disk that is full.

    """
    try:
        # Unlike sys.stdout.write, it does nothing where stdout is closed.
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"standard output: {error.strerror}: write it to another place") from None


def show_error(text: str) -> None:
    """Print a text on stderr, red on a terminal."""
    typer.secho(text, err=True, fg="red")


def never_lose_a_text() -> None:
    r"""Print what the terminal's encoding lacks as ``\u65e5``: an answer must not end in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
