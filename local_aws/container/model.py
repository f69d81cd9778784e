"""A small n-gram language model with real probabilities.

Witten-Bell interpolation: the probability of a token after a history is the count of both, smoothed with that after the
history without its first token, down to equal chances for every token of the vocabulary. So every distribution sums to
one and no token is impossible. Source: Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language
Modeling", 1999.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from local_aws.container import tokens

ORDER = 4
"""The length of the longest n-gram that is counted, in tokens."""

UNKNOWN = 0
"""The id of every token that is not in the training text. It has a probability, but is never chosen."""


class Model:
    """An n-gram model of one text.

    Args:
        text: the training text.

    Attributes:
        vocabulary: the token of each id; that of ``UNKNOWN`` is empty.

    """

    def __init__(self, text: str) -> None:
        learned = tokens.split(text)
        self.vocabulary = ["", *sorted(set(learned))]
        self._ids = {token: number for number, token in enumerate(self.vocabulary)}
        ids = [self._ids[token] for token in learned]
        self._follows: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for length in range(ORDER):
            for end in range(length, len(ids)):
                self._follows[tuple(ids[end - length : end])][ids[end]] += 1
        self._unigrams = self._add([1 / len(self.vocabulary)] * len(self.vocabulary), ())

    def ids(self, text_tokens: Sequence[str]) -> list[int]:
        """Return the ids of tokens; ``UNKNOWN`` for tokens that are not in the training text."""
        return [self._ids.get(token, UNKNOWN) for token in text_tokens]

    def distribution(self, history: Sequence[int]) -> list[float]:
        """Return the probability of each id to come next; they sum to one."""
        probabilities = self._unigrams
        for length in range(1, ORDER):
            context = tuple(history[-length:])
            if len(context) < length or context not in self._follows:
                break
            probabilities = self._add(probabilities, context)
        return probabilities

    def likelihood(self, history: Sequence[int], token: int) -> float:
        """Return the natural logarithm of a token's probability after a history."""
        return math.log(self.distribution(history)[token])

    def _add(self, shorter: list[float], context: tuple[int, ...]) -> list[float]:
        """Interpolate what follows a context with the probabilities after a shorter one."""
        counts = self._follows[context]
        kinds, total = len(counts), counts.total()
        share = kinds / (kinds + total)
        mixed = [share * probability for probability in shorter]
        for token, count in counts.items():
            mixed[token] += count / (kinds + total)
        return mixed
