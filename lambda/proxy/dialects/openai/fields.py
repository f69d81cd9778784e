"""Refusals of Cohere's fields, in OpenAI's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from proxy.errors import ProxyError
from proxy.routes.request import invalid

NO_PROBLEMS: Final[Mapping[str, str]] = {}


@contextmanager
def in_openai_words(names: Mapping[str, str], problems: Mapping[str, str] = NO_PROBLEMS) -> Iterator[None]:
    """Name the fields of refusals as OpenAI's API does.

    Args:
        names: Cohere's names of fields, and OpenAI's.
        problems: what to say of a field instead, by Cohere's name, where Cohere's words would name Cohere's values.

    """
    try:
        yield
    except ProxyError as error:
        if error.field is None:
            raise
        first = error.field.partition(".")[0].partition("[")[0]
        name = names.get(first, first)
        if first in problems:
            raise invalid(name, problems[first]) from None
        if name == first:
            raise
        problem = error.message.removeprefix(f"{error.field}: ")
        raise invalid(name + error.field[len(first) :], problem) from None
