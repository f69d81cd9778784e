"""How much texts repeat: within a text, and from one text to the next."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

_MOST_PAIRS: Final = 300
"""Of one prompt's texts, for the overlap: 25 texts have as many."""
_FEWEST_GRAMS: Final = 10
"""Words, or pairs of words, below which texts do not set the sample's size: one short text would spoil all figures."""


def sample_size(groups: Iterable[Sequence[Sequence[str]]], size: int) -> int:
    """Return how many n-grams ``distinct`` samples, to compare groups of texts: as many as the shortest group has.

    Groups of fewer than 10 n-grams count only when there are no others. 0: no group has any.

    Args:
        groups: the words of each text of each group.
        size: n, of the n-grams.

    """
    counts = [count for texts in groups if (count := sum(len(_grams(words, size)) for words in texts))]
    return min([count for count in counts if count >= _FEWEST_GRAMS] or counts, default=0)


def distinct(texts: Sequence[Sequence[str]], size: int, sample: int) -> float | None:
    """Return the expected share of distinct n-grams in a random sample of the texts' n-grams.

    The plain share of distinct n-grams falls with the length of a text. The expectation for a sample of fixed size does
    not: E = sum over each n-gram of 1 - C(N - n, m) / C(N, m), where n of the N n-grams are equal and m are drawn.
    Sources: Hurlbert 1971, doi.org/10.2307/1934145 (rarefaction); McCarthy and Jarvis 2010,
    doi.org/10.3758/BRM.42.2.381 (the same for words, HD-D).

    Args:
        texts: the words of each.
        size: n, of the n-grams.
        sample: m; None is returned when the texts have fewer n-grams, or m is 0.

    """
    counts = Counter(gram for words in texts for gram in _grams(words, size))
    total = counts.total()
    if not sample or total < sample:
        return None
    drawn = {count: 1 - _absent(total, count, sample) for count in set(counts.values())}
    return sum(drawn[count] for count in counts.values()) / sample


def _absent(total: int, count: int, sample: int) -> float:
    """Return the probability that a sample holds none of ``count`` items among ``total``."""
    return math.prod((total - sample - number) / (total - number) for number in range(count))


def overlap(texts: Sequence[Sequence[str]]) -> float | None:
    """Return the mean Jaccard index of two texts' sets of neighbouring words; None with fewer than two texts.

    Of more than 300 pairs of texts, 300 are drawn, the same ones each time.
    """
    sets = [set(_grams(words, 2)) for words in texts]
    pairs = _pairs(len(sets))
    known = [len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in pairs if sets[a] | sets[b]]
    return statistics.fmean(known) if known else None


def _pairs(count: int) -> list[tuple[int, int]]:
    if math.comb(count, 2) <= _MOST_PAIRS:
        return list(itertools.combinations(range(count), 2))
    draw = random.Random(0)  # noqa: S311 - no secret; the seed keeps a report the same
    chosen: set[tuple[int, int]] = set()
    while len(chosen) < _MOST_PAIRS:
        first, second = sorted(draw.sample(range(count), 2))
        chosen.add((first, second))
    return sorted(chosen)


def _grams(words: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(size)), strict=False))
