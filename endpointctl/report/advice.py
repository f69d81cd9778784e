"""What the figures say in words, and the values that satisfy a wish, with the reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from endpointctl.failure import Failure
from endpointctl.report.statistics import Figures, Group
from endpointctl.sweep.plan import Plan

COMPLETE: Final = 0.05
"""A text is called complete at values where at most so many are cut off."""


class Wish(StrEnum):
    """What a good value is."""

    SHORTEST_COMPLETE = "shortest-complete"
    MOST_LIKELY = "most-likely"
    MOST_DIVERSE = "most-diverse"
    FASTEST = "fastest"


@dataclass(frozen=True)
class Limits:
    """What every pick has to keep to.

    Attributes:
        perplexity: at most; default any.
        cut_off: the share of texts that are cut off, at most; default any, and 5 % for ``shortest-complete``.

    """

    perplexity: float | None = None
    cut_off: float | None = None


@dataclass(frozen=True)
class Pick:
    """The values that satisfy a wish best.

    Attributes:
        wish: which.
        key: the values; empty when none satisfies it.
        reason: one sentence.

    """

    wish: Wish
    key: dict[str, Any]
    reason: str

    @property
    def values(self) -> str:
        """Return the values as text, e.g. ``max_tokens 200, temperature 1``."""
        return ", ".join(f"{name} {value}" for name, value in self.key.items()) or "none"


# What each wish looks at, and the figure that has to be small for it.
_MEASURES: Final[dict[Wish, tuple[str, Callable[[Group], float | None]]]] = {
    Wish.SHORTEST_COMPLETE: ("cut_off", lambda group: group.key.get("max_tokens")),
    Wish.MOST_LIKELY: ("perplexity", lambda group: group.figures.perplexity),
    Wish.MOST_DIVERSE: ("distinct_2", lambda group: _negative(group.figures.distinct_2)),
    Wish.FASTEST: ("seconds", lambda group: group.figures.seconds),
}


def pick(wish: Wish, cells: Sequence[Group], limits: Limits) -> Pick:
    """Return the combination of values that satisfies a wish best.

    Raises:
        Failure: the data do not have the figures that it needs.

    """
    needed, measure = _MEASURES[wish]
    if wish is Wish.SHORTEST_COMPLETE and not any("max_tokens" in cell.key for cell in cells):
        raise Failure(f"--prefer {wish}: max_tokens was not varied: sweep it with --max-tokens 100:500:100")
    limit = COMPLETE if wish is Wish.SHORTEST_COMPLETE and limits.cut_off is None else limits.cut_off
    for name, required in ((needed, True), ("perplexity", limits.perplexity), ("cut_off", limit)):
        if required is not None and all(getattr(cell.figures, name) is None for cell in cells):
            why = "likelihoods" if name == "perplexity" else "finish reasons, nor tokens"
            missing = why if name in ("perplexity", "cut_off") else name
            raise Failure(f"--prefer {wish}: no answer has {missing}: sweep a package that returns them")
    fitting = [
        cell
        for cell in cells
        if _within(cell.figures.perplexity, limits.perplexity)
        and _within(cell.figures.cut_off, limit)
        and measure(cell) is not None
    ]
    if not fitting:
        return Pick(wish, {}, f"no combination keeps to {_limits(limits.perplexity, limit)}")

    def order(cell: Group) -> tuple[float, float]:
        worse = cell.figures.perplexity
        return measure(cell) or 0.0, math.inf if worse is None else worse

    best = min(fitting, key=order)
    return Pick(wish, best.key, f"{_shown(best.figures)}; {len(fitting)} of {len(cells)} combinations fit")


def summary(plan: Plan, whole: Figures, axes: dict[str, list[Group]]) -> list[str]:
    """Return what the data show, a sentence each.

    Args:
        plan: the sweep.
        whole: the figures of all results.
        axes: for each varied parameter, the figures by its values.

    """
    missing = plan.count - whole.answers - whole.errors
    sentences = [f"{whole.answers} of {plan.count} calls were answered"]
    sentences[0] += f", {whole.errors} failed" if whole.errors else ""
    sentences[0] += f", {missing} were not made yet." if missing else "."
    if "max_tokens" in axes:
        sentences += _ends(axes["max_tokens"], "max_tokens", "cut_off", "share of texts that are cut off", percent=True)
        sentences += _ends(axes["max_tokens"], "max_tokens", "tokens", "mean length in tokens")
    if "temperature" in axes:
        sentences += _ends(axes["temperature"], "temperature", "likelihood", "mean log-probability of a token")
        sentences += _ends(
            axes["temperature"], "temperature", "distinct_2", "share of distinct word pairs", percent=True
        )
    if whole.likelihood is None:
        sentences.append("No answer has likelihoods, so the perplexity is not known.")
    if whole.overlap is None:
        sentences.append(
            "Each combination was called once a prompt: how alike repetitions are is not known (--repeats)."
        )
    elif plan.repeats < 3:
        sentences.append(
            "Two repetitions show little about chance: differences between neighbours may be noise (--repeats)."
        )
    return sentences


def _ends(groups: Sequence[Group], name: str, figure: str, called: str, *, percent: bool = False) -> list[str]:
    known = [(one.key[name], value) for one in groups if (value := getattr(one.figures, figure)) is not None]
    if len(known) < 2:
        return []
    (first, at_first), (last, at_last) = known[0], known[-1]

    def show(value: float) -> str:
        return f"{value:.0%}" if percent else f"{value:.3g}"

    if show(at_first) == show(at_last):
        return [f"From {name} {first} to {last} the {called} stays {show(at_first)}."]
    way = "rises" if at_last > at_first else "falls"
    return [f"From {name} {first} to {last} the {called} {way} from {show(at_first)} to {show(at_last)}."]


def _within(value: float | None, limit: float | None) -> bool:
    return limit is None or (value is not None and value <= limit)


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def _limits(perplexity: float | None, cut_off: float | None) -> str:
    parts = [f"a perplexity of at most {perplexity:g}"] if perplexity is not None else []
    parts += [f"at most {cut_off:.0%} cut off"] if cut_off is not None else []
    return " and ".join(parts) or "that"


def _shown(figures: Figures) -> str:
    parts = []
    if figures.cut_off is not None:
        parts.append(f"{figures.cut_off:.0%} cut off")
    if figures.perplexity is not None:
        parts.append(f"perplexity {figures.perplexity:.3g}")
    if figures.distinct_2 is not None:
        parts.append(f"{figures.distinct_2:.0%} distinct word pairs")
    parts.append(f"{figures.seconds or 0:.2f} s")
    return ", ".join(parts)
