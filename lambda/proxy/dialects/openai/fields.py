"""Refusals of Cohere's fields, in OpenAI's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from proxy.errors import ProxyError
from proxy.routes.request import invalid


@contextmanager
def in_openai_words(names: Mapping[str, str]) -> Iterator[None]:
    """Name the fields of refusals as OpenAI's API does.

    Args:
        names: Cohere's names of fields, and OpenAI's.

    """
    try:
        yield
    except ProxyError as error:
        if error.field is None:
            raise
        first = error.field.partition(".")[0].partition("[")[0]
        if first not in names:
            raise
        problem = error.message.removeprefix(f"{error.field}: ")
        raise invalid(names[first] + error.field[len(first) :], problem) from None
