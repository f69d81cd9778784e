"""The answer to one generate request."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from endpointctl.refused import BadAnswer, valid_unicode


@dataclass(frozen=True)
class Generation:
    """One text.

    Attributes:
        text: the text.
        finish_reason: why it ended, e.g. MAX_TOKENS; None when the answer has none.
        likelihood: the mean log-likelihood of a token; None when the request did not return likelihoods.
        token_likelihoods: the log-likelihood of each token; None likewise.

    """

    text: str
    finish_reason: str | None = None
    likelihood: float | None = None
    token_likelihoods: tuple[float, ...] | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Generation:
        """Read one of the answer's ``generations``; optional members of another type count as missing."""
        reason = body.get("finish_reason")
        return cls(
            valid_unicode(body["text"]),
            reason if isinstance(reason, str) else None,
            _number(body.get("likelihood")),
            _likelihoods(body.get("token_likelihoods")),
        )

    @property
    def tokens(self) -> int | None:
        """Return its number of tokens; None when not known."""
        return None if self.token_likelihoods is None else len(self.token_likelihoods)


@dataclass(frozen=True)
class Completion:
    """The whole answer.

    Attributes:
        body: as Cohere's API returns it.
        seconds: from sending the last request to its last byte, on this machine's clock.
        attempts: how many requests were sent.

    """

    body: dict[str, Any]
    seconds: float
    attempts: int = 1

    @property
    def generations(self) -> tuple[Generation, ...]:
        """Return its texts, with what is known of each."""
        return tuple(Generation.of(one) for one in self.body["generations"])

    @property
    def texts(self) -> list[str]:
        """Return the text of each generation."""
        return [valid_unicode(generation["text"]) for generation in self.body["generations"]]

    @property
    def tokens(self) -> int | None:
        """Return the number of generated tokens; None when the answer has neither billed units nor likelihoods."""
        billed = self._billed("output_tokens")
        if billed is not None:
            return billed
        counts = [one.tokens for one in self.generations]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    @property
    def tokens_in(self) -> int | None:
        """Return the number of the prompt's tokens; None when not known."""
        return self._billed("input_tokens")

    def _billed(self, name: str) -> int | None:
        meta = self.body.get("meta")
        units = meta.get("billed_units") if isinstance(meta, dict) else None
        number = _number(units.get(name)) if isinstance(units, dict) else None
        return None if number is None else int(number)


def completion(body: Any, seconds: float, attempts: int) -> Completion:  # noqa: ANN401 - JSON
    """Return the completion for the body of a response with status 200.

    Raises:
        BadAnswer: it has no list ``generations`` of at least one object with a string ``text``.

    """
    generations = body.get("generations") if isinstance(body, dict) else None
    if not isinstance(generations, list) or not generations or not all(_has_text(one) for one in generations):
        raise BadAnswer(200, body)
    return Completion(body, seconds, attempts)


def _has_text(generation: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(generation, dict) and isinstance(generation.get("text"), str)


def _number(value: Any) -> float | None:  # noqa: ANN401 - JSON
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    # JSON may hold NaN, an infinite number and integers beyond a float, which are no figures.
    return value if abs(value) <= sys.float_info.max else None


def _likelihoods(tokens: Any) -> tuple[float, ...] | None:  # noqa: ANN401 - JSON
    if not isinstance(tokens, list) or not all(isinstance(one, dict) for one in tokens):
        return None
    # The first token of a prompt has no likelihood: nothing stands before it.
    numbers = [_number(one["likelihood"]) for one in tokens if "likelihood" in one]
    known = tuple(number for number in numbers if number is not None)
    return known if len(known) == len(numbers) else None
