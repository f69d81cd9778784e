"""What translations return: a body of bounded size, and its usage."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Final, Protocol

from proxy.errors import ProxyError

MAX_BYTES: Final = 6 * 1024 * 1024 - 64 * 1024
"""The longest body of a buffered response, in bytes, counted as the JSON string that Lambda makes of it.

Source: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (6 MB with the JSON around it).
"""


@dataclass(frozen=True)
class Answer:
    """An answer to the caller.

    Attributes:
        body: its JSON.
        generations: how many generations it holds; None when the route generates no text.
        tokens_in: the prompt's tokens; None when the container does not tell.
        tokens_out: the generated tokens; None when the container does not tell.

    """

    body: bytes
    generations: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


class Stream(Protocol):
    """Translates the objects of one stream of the container: a class to inherit from.

    Attributes:
        finished: whether the stream's last object has come.
        tokens_in: the prompt's tokens; None when the container does not tell.
        tokens_out: the generated tokens; None when the container does not tell.

    """

    finished: bool = False
    tokens_in: int | None = None
    tokens_out: int | None = None

    def events(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the events for one object of the container.

        Raises:
            ProxyError: ``bad_answer`` for an object that is none of Cohere's; ``model_failed`` for a failure in it.

        """

    def failure(self, error: ProxyError, request_id: str) -> list[dict[str, Any]]:
        """Return the events that end a stream that failed."""


class Translation(Protocol):
    """A module that translates one route to what a container answers, and back."""

    def requests(self, fields: dict[str, Any]) -> list[bytes]:
        """Return the bodies to send to the container, one or several.

        Args:
            fields: the request's; ``stream`` is there when it is true, ``model`` for OpenAI's routes only.

        Raises:
            ProxyError: ``invalid_field`` for what the container cannot do.

        """

    def answer(self, contents: list[bytes], fields: dict[str, Any]) -> Answer:
        """Return the answer to the caller.

        Raises:
            ProxyError: ``bad_answer`` or ``answer_too_large``.

        """

    def stream(self, fields: dict[str, Any]) -> Stream:
        """Return the translation of one stream. Only modules of routes that stream have it."""


def parsed(content: bytes) -> dict[str, Any]:
    """Return a container's answer.

    Raises:
        ProxyError: ``bad_answer`` when it is no JSON object.

    """
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise bad_answer("it is no JSON object")
    return document


def check_reason(reason: Any) -> None:  # noqa: ANN401 - JSON
    """Check that an answer did not end because the model failed.

    Raises:
        ProxyError: ``model_failed``. A container's own text about it may repeat the prompt, and is left out.

    """
    if reason in ("ERROR", "TIMEOUT"):
        raise ProxyError("model_failed", "the model failed in the middle of its answer", cause=f"FinishReason.{reason}")


def new_id() -> str:
    """Return an id for an answer that has none."""
    return os.urandom(16).hex()


def identified(found: dict[str, Any], version: str) -> dict[str, Any]:
    """Return the id of an answer, which clients read, and its ``meta`` with the API's version."""
    meta = found["meta"] if isinstance(found.get("meta"), dict) else {}
    return {"id": found.get("id") or new_id(), "meta": {**meta, "api_version": {"version": version}}}


def bad_answer(reason: str) -> ProxyError:
    """Return the error for an answer that is not Cohere's."""
    return ProxyError("bad_answer", f"the model's answer is not Cohere's: {reason}")


def written(document: dict[str, Any]) -> bytes:
    """Return the bytes of a body; see ``bounded``."""
    return bounded(json.dumps(document, ensure_ascii=False))


def bounded(text: str) -> bytes:
    """Return a body's bytes.

    Raises:
        ProxyError: ``answer_too_large``.

    """
    # A character is twelve bytes of JSON at most (a pair of surrogates): what is short need not be measured.
    if 12 * len(text) > MAX_BYTES and len(json.dumps(text)) > MAX_BYTES:
        raise ProxyError(
            "answer_too_large", "the answer is too large; ask for fewer tokens, texts or types, or for no likelihoods"
        )
    # Half a surrogate pair has no bytes in UTF-8: it stays the escape that it was in the container's JSON.
    return text.encode("utf-8", "backslashreplace")


def billed_tokens(document: Any) -> tuple[int, int] | None:  # noqa: ANN401 - JSON
    """Return the tokens that went in and came out, as Cohere's ``meta.billed_units`` says; None when it does not."""
    try:
        billed = document["meta"]["billed_units"]
        return int(billed["input_tokens"]), int(billed["output_tokens"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
