"""The answers of ``make demo``: a table that fits on a screen, and a file with the full texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from endpointctl.completion import Completion


@dataclass(frozen=True)
class Answer:
    """A request and what the proxy answered.

    Attributes:
        study: the study that the request belongs to.
        request: its fields.
        completion: the answer.

    """

    study: str
    request: dict[str, Any]
    completion: Completion

    @property
    def text(self) -> str:
        """Return the text of the first generation."""
        return self.completion.texts[0]


def table(answers: Sequence[Answer]) -> Table:
    """Return one line for each answer; the last column has the first line of the text, cut to the terminal's width."""
    found = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    found.add_column("study", no_wrap=True)
    for heading in ("max_tokens", "temperature", "tokens", "characters"):
        found.add_column(heading, justify="right", no_wrap=True)
    found.add_column("first line", no_wrap=True, overflow="ellipsis", ratio=1)
    for answer in answers:
        fields = (answer.request["max_tokens"], answer.request["temperature"], answer.completion.tokens)
        numbers = [str(number) for number in (*fields, len(answer.text))]
        found.add_row(answer.study, *numbers, Text(_first_line(answer.text)))
    return found


def write(answers: Sequence[Answer], path: Path) -> None:
    """Write the full texts as Markdown, in place of the file's former content."""
    parts = ["# The answers of `make demo`\n\nThe texts are a small n-gram model's, not Cohere's.\n"]
    for number, answer in enumerate(answers, start=1):
        fields = ", ".join(f"{name} {answer.request[name]}" for name in ("max_tokens", "temperature"))
        counts = f"{answer.completion.tokens} tokens, {len(answer.text)} characters"
        quoted = "\n".join(f"    {line}" for line in answer.text.splitlines())
        parts.append(f"## {number}. {answer.study}: {fields}\n\n{counts}\n\n{quoted}\n")
    draft = path.with_suffix(".draft")
    draft.write_text("\n".join(parts), encoding="utf-8")
    draft.replace(path)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
