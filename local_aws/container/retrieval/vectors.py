"""Text vectors without a language model: words and their beginnings, counted at positions that a hash selects.

Two texts are similar when they share words or beginnings of words; their meaning does not count. The cosine is a real
one, but it measures spelling. Nothing is random.
"""

from __future__ import annotations

import hashlib
import math
import re

_WORD = re.compile(r"\w+")
_STEM = 5


def vector(text: str, size: int) -> list[float]:
    """Return a vector of length 1. A text without words counts as one word.

    Args:
        text: any text.
        size: its dimensions.

    """
    words = _WORD.findall(text.lower()) or [text]
    found = [0.0] * size
    for word in words:
        for part in {word, word[:_STEM]}:
            number = int.from_bytes(hashlib.blake2b(part.encode(), digest_size=8).digest(), "big")
            found[number % size] += 1.0 if number >> 63 else -1.0
    length = math.sqrt(sum(value * value for value in found))
    if not length:  # two words that cancel each other out
        return [1.0, *([0.0] * (size - 1))]
    return [value / length for value in found]


def cosine(one: list[float], other: list[float]) -> float:
    """Return the cosine of two vectors of length 1."""
    return sum(a * b for a, b in zip(one, other, strict=True))
