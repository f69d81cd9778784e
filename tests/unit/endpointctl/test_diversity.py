"""How much texts repeat: figures that do not depend on the length or the order of the texts."""

import itertools
import random
import statistics

import pytest

from endpointctl.report.diversity import distinct, overlap, sample_size
from endpointctl.report.statistics import groups
from endpointctl.sweep.plan import Plan
from tests.unit.endpointctl.test_report import generation, result

WORDS = [f"w{number}" for number in range(200)]


def test_distinct_is_the_mean_of_all_samples() -> None:
    words = list("aabbbcde")
    samples = list(itertools.combinations(range(len(words)), 4))
    by_hand = statistics.fmean(len({words[place] for place in sample}) for sample in samples) / 4
    assert distinct([words], 1, 4) == pytest.approx(by_hand)
    assert distinct([words], 1, len(words)) == pytest.approx(5 / 8), "all of them: the plain share"
    assert distinct([words], 1, 9) is None
    assert distinct([[]], 1, 0) is None


def test_a_longer_text_of_the_same_kind_is_not_less_diverse() -> None:
    draw = random.Random(3)
    short, long = draw.choices(WORDS, k=100), draw.choices(WORDS, k=1000)
    plain = [distinct([words], 1, len(words)) or 0 for words in (short, long)]
    fair = [distinct([words], 1, 100) or 0 for words in (short, long)]
    assert plain[0] > 3 * plain[1]
    assert fair[0] == pytest.approx(fair[1], rel=0.1)


def test_groups_are_compared_over_equally_many_words() -> None:
    """A long answer with more kinds of words is the more diverse one, although it repeats more."""
    draw = random.Random(5)
    plan = Plan("dev", {"max_tokens": [100, 1000]}, {"1": "p"})
    poor, rich = draw.choices(WORDS[:60], k=100), draw.choices(WORDS, k=1000)
    found = [
        result(0, generation(" ".join(poor)), max_tokens=100),
        result(1, generation(" ".join(rich)), max_tokens=1000),
    ]
    small, large = groups(plan, found, ["max_tokens"])
    assert (small.figures.distinct_1 or 0) < (large.figures.distinct_1 or 0)


def test_the_sample_is_as_large_as_the_shortest_group() -> None:
    assert sample_size([[["a"] * 30], [["a"] * 10, ["b"] * 10]], 1) == 20
    assert sample_size([[["a"] * 30], [["a"] * 10, ["b"] * 10]], 2) == 18
    assert sample_size([[["a"] * 30], [["a"] * 3], [[]]], 1) == 30, "one short text does not decide"
    assert sample_size([[["a"] * 4], [["a"] * 3]], 1) == 3
    assert sample_size([[[]]], 1) == 0


def test_the_overlap_of_many_texts_is_of_all_of_them() -> None:
    """The first texts are all the same; the later ones are not."""
    texts = [["a", "b", "c"]] * 26 + [[f"x{number}", f"y{number}", "c"] for number in range(274)]
    sets = [set(itertools.pairwise(words)) for words in texts]
    exact = statistics.fmean(len(a & b) / len(a | b) for a, b in itertools.combinations(sets, 2))
    found = overlap(texts)
    assert found == pytest.approx(exact, abs=0.02)
    assert found == overlap(texts), "the sample is the same each time"


def test_the_overlap_of_few_texts_is_exact() -> None:
    assert overlap([["a", "b", "c"], ["a", "b", "d"], ["a", "b", "c"]]) == pytest.approx((1 / 3 + 1 + 1 / 3) / 3)
    assert overlap([["a", "b"]]) is None
