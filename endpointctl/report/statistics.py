"""The figures of a sweep. What is not known is None, never 0."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from endpointctl.completion import Generation
from endpointctl.report.diversity import distinct, overlap, sample_size
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.result import Result

_WORD = re.compile(r"\w+")
_LIMIT_REASONS = ("MAX_TOKENS", "LENGTH", "MAX_LENGTH")
_FEWEST_FOR_SLOW: Final = 20
"""Answers that "95 of 100 within" needs: of fewer it would be the slowest one."""

SampleSizes: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Figures:
    """What a group of results shows.

    Attributes:
        answers: how many calls were answered.
        errors: how many failed.
        texts: how many generations the answers hold.
        characters: the mean length of a text.
        tokens: the mean length in tokens, of texts whose tokens are known.
        cut_off: the share of texts that ended at max_tokens instead of by themselves.
        likelihood: the mean log-probability of a token, over all tokens that have one.
        perplexity: exp(-likelihood).
        distinct_1: the share of distinct words, of the texts of one prompt and one combination of values together, in
            equally many words of each (``distinct``); the mean over those.
        distinct_2: the same of pairs of neighbouring words. Source: Li et al. 2016, arXiv:1510.03055.
        overlap: the mean Jaccard index of the sets of neighbouring words, of each two texts of one prompt and one
            combination; 1 is the same text again. None where each has one text.
        seconds: the median time of an answer.
        slow_seconds: the time that 95 of 100 answers stay within (nearest rank); None with fewer than 20 answers.
        tokens_per_second: all known tokens over the time of their answers.

    """

    answers: int
    errors: int
    texts: int
    characters: float | None = None
    tokens: float | None = None
    cut_off: float | None = None
    likelihood: float | None = None
    perplexity: float | None = None
    distinct_1: float | None = None
    distinct_2: float | None = None
    overlap: float | None = None
    seconds: float | None = None
    slow_seconds: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True)
class Group:
    """Results with the same values of some parameters.

    Attributes:
        key: those values.
        figures: what the results show.

    """

    key: dict[str, Any]
    figures: Figures


def groups(
    plan: Plan, results: Sequence[Result], names: Sequence[str], sizes: SampleSizes | None = None
) -> list[Group]:
    """Return the figures for each combination of the named parameters' values, in the plan's order.

    Args:
        plan: the sweep.
        results: results of it.
        names: the parameters.
        sizes: as of ``figures``; default those of all the results, so that the groups can be compared.

    """
    found: dict[tuple[Any, ...], list[Result]] = {}
    for result in results:
        found.setdefault(tuple(result.parameters.get(name) for name in names), []).append(result)
    order = {name: {value: place for place, value in enumerate(plan.parameters[name])} for name in names}
    keys = sorted(found, key=lambda key: [order[name].get(value, -1) for name, value in zip(names, key, strict=True)])
    sizes = sizes or sample_sizes(results)
    return [Group(dict(zip(names, key, strict=True)), figures(plan, found[key], sizes)) for key in keys]


def figures(plan: Plan, results: Sequence[Result], sizes: SampleSizes | None = None) -> Figures:
    """Return what results show together.

    Args:
        plan: the sweep.
        results: results of it.
        sizes: of the samples for ``distinct_1`` and ``distinct_2``; default those of the results.

    """
    answered = [result for result in results if result.ok]
    texts = [(result, one) for result in answered for one in result.generations]
    if not texts:
        return Figures(len(answered), len(results) - len(answered), 0)
    seconds = sorted(result.seconds for result in answered)
    likelihood = mean_likelihood([one for _, one in texts])
    alike = list(_alike(results).values())
    ones, pairs = sizes or sample_sizes(results)
    return Figures(
        answers=len(answered),
        errors=len(results) - len(answered),
        texts=len(texts),
        characters=statistics.fmean(len(one.text) for _, one in texts),
        tokens=_mean(one.tokens for _, one in texts),
        cut_off=_mean(cut_off(plan, result, one) for result, one in texts),
        likelihood=likelihood,
        perplexity=perplexity(likelihood),
        distinct_1=_mean(distinct(words, 1, ones) for words in alike),
        distinct_2=_mean(distinct(words, 2, pairs) for words in alike),
        overlap=_mean(overlap(words) for words in alike),
        seconds=statistics.median(seconds),
        slow_seconds=seconds[math.ceil(0.95 * len(seconds)) - 1] if len(seconds) >= _FEWEST_FOR_SLOW else None,
        tokens_per_second=_rate(answered),
    )


def _alike(results: Iterable[Result]) -> dict[str, list[list[str]]]:
    """Return the words of each text, by the prompt and values that it shares with others: equal but for chance."""
    found: dict[str, list[list[str]]] = {}
    for result in results:
        values = {name: value for name, value in result.parameters.items() if name != "seed"}
        for one in result.generations:
            found.setdefault(str((result.prompt, values)), []).append(_WORD.findall(one.text.lower()))
    return found


def sample_sizes(results: Iterable[Result]) -> SampleSizes:
    """Return how many words, and how many pairs of words, ``distinct`` samples to compare results with each other.

    As many as the shortest texts have that share prompt and values; texts of fewer than 10 count only when no others
    are there. 0: there are none.
    """
    alike = _alike(results).values()
    return (sample_size(alike, 1), sample_size(alike, 2))


def cut_off(plan: Plan, result: Result, generation: Generation) -> bool | None:
    """Return whether a text ended at ``max_tokens``: as the answer says, else as its number of tokens does."""
    if generation.finish_reason:
        return generation.finish_reason.upper() in _LIMIT_REASONS
    limit = plan.fields_of(result.parameters).get("max_tokens")
    if generation.tokens is None or limit is None:
        return None
    return bool(generation.tokens >= limit)


def mean_likelihood(generations: Iterable[Generation]) -> float | None:
    """Return the mean over all tokens; where only a text's own mean is known, it counts as one token."""
    found: list[float] = []
    for one in generations:
        if one.token_likelihoods:
            found += one.token_likelihoods
        elif one.likelihood is not None:
            found.append(one.likelihood)
    return statistics.fmean(found) if found else None


def perplexity(likelihood: float | None) -> float | None:
    """Return exp(-likelihood); infinite beyond what a float holds."""
    if likelihood is None:
        return None
    try:
        return math.exp(-likelihood)
    except OverflowError:
        return math.inf


def _mean(values: Iterable[float | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _rate(answered: Sequence[Result]) -> float | None:
    known = [(result.tokens_out, result.seconds) for result in answered if result.tokens_out is not None]
    seconds = sum(one for _, one in known)
    return sum(tokens for tokens, _ in known) / seconds if seconds else None
