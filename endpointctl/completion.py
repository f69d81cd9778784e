"""The answer to one generate request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Generation:
    """One text.

    Attributes:
        text: the text.
        finish_reason: why it ended, e.g. MAX_TOKENS; None when the answer does not tell.
        likelihood: the mean log-likelihood of a token; None when the request asked for none.
        token_likelihoods: the log-likelihood of each token; None likewise.

    """

    text: str
    finish_reason: str | None = None
    likelihood: float | None = None
    token_likelihoods: tuple[float, ...] | None = None

    @classmethod
    def of(cls, body: dict[str, Any]) -> Generation:
        """Read one of the answer's ``generations``."""
        tokens = body.get("token_likelihoods")
        # The first token of a prompt has no likelihood: nothing stands before it.
        told = None if tokens is None else tuple(one["likelihood"] for one in tokens if "likelihood" in one)
        return cls(body["text"], body.get("finish_reason"), body.get("likelihood"), told)

    @property
    def tokens(self) -> int | None:
        """Return how many tokens it has; None when the answer does not tell."""
        return None if self.token_likelihoods is None else len(self.token_likelihoods)


@dataclass(frozen=True)
class Completion:
    """The whole answer.

    Attributes:
        body: as Cohere's API gives it.
        seconds: from sending the last request to its last byte, on this machine's clock.
        attempts: how many requests were sent.

    """

    body: dict[str, Any]
    seconds: float
    attempts: int = 1

    @property
    def generations(self) -> tuple[Generation, ...]:
        """Return its texts, with what is told of each."""
        return tuple(Generation.of(one) for one in self.body["generations"])

    @property
    def texts(self) -> list[str]:
        """Return the text of each generation."""
        return [generation["text"] for generation in self.body["generations"]]

    @property
    def tokens(self) -> int | None:
        """Return the number of generated tokens; None when the answer tells neither bill nor likelihoods."""
        billed = self._billed("output_tokens")
        if billed is not None:
            return billed
        counts = [len(one["token_likelihoods"]) for one in self.body["generations"] if "token_likelihoods" in one]
        return sum(counts) if len(counts) == len(self.body["generations"]) else None

    @property
    def tokens_in(self) -> int | None:
        """Return the number of the prompt's tokens; None when the answer does not tell."""
        return self._billed("input_tokens")

    def _billed(self, name: str) -> int | None:
        units = (self.body.get("meta") or {}).get("billed_units") or {}
        return int(units[name]) if name in units else None
