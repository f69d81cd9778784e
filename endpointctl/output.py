"""What the commands print: plain text as it is, tables and progress bars by rich."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
from rich.console import Console
from rich.table import Table

from endpointctl.failure import Failure

CONSOLE: Final = Console(emoji=False, markup=False, highlight=False, soft_wrap=True)
"""For progress bars. Its ``print`` expands tabs and drops control characters: use ``show`` and ``show_table``."""


def show(text: str) -> None:
    """Print a text and a line end, each character as it is: ``typer.echo`` would drop ANSI sequences in a pipe.

    Raises:
        Failure: stdout does not take it, e.g. a disk that is full.

    """
    with _as_failure():
        # Unlike sys.stdout.write, it does nothing where stdout is closed.
        print(text, flush=True)


def show_table(table: Table, width: int | None = None) -> None:
    """Print a table.

    Args:
        table: the table.
        width: in characters, where stdout is no terminal; default rich's own.

    Raises:
        Failure: as of ``show``.

    """
    console = CONSOLE if CONSOLE.is_terminal or width is None else Console(emoji=False, markup=False, width=width)
    with _as_failure():
        console.print(table)


def show_note(text: str) -> None:
    """Print a text for people on stderr, so that stdout has nothing but the result."""
    typer.echo(text, err=True)


def show_error(text: str) -> None:
    """Print a text on stderr, red on a terminal."""
    typer.secho(text, err=True, fg="red")


def escape_what_cannot_be_encoded() -> None:
    r"""Print what the terminal's encoding lacks as ``\u65e5``: an answer must not end in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _as_failure() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # nobody reads on: click ends quietly
        raise
    except OSError as error:
        raise Failure(f"standard output: {error.strerror}: write it to another place") from None
