"""What the commands print: plain text as it is, tables and progress bars by rich."""

from __future__ import annotations

import io
import sys
from typing import Final

import typer
from rich.console import Console

CONSOLE: Final = Console(emoji=False, markup=False, highlight=False, soft_wrap=True)
"""For tables and progress bars. Its ``print`` expands tabs and drops control characters: use ``show`` for text."""


def show(text: str) -> None:
    """Print a text and a line end, each character as it is: ``typer.echo`` would drop ANSI sequences in a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def show_error(text: str) -> None:
    """Print a text on stderr, red on a terminal."""
    typer.secho(text, err=True, fg="red")


def never_lose_a_text() -> None:
    r"""Print what the terminal's encoding lacks as ``\u65e5``: an answer must not end in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
