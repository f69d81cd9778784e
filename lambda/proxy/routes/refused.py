"""Why a value of a request is refused, and where it is."""

from __future__ import annotations


class ValueRefused(Exception):
    """A value is refused.

    Attributes:
        problem: what is wrong, and what is allowed.
        place: the members and the indexes that lead to it, e.g. ``("messages", 1, "content")``.

    """

    def __init__(self, problem: str, place: tuple[str | int, ...] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place

    def below(self, step: str | int) -> ValueRefused:
        """Return the same refusal, seen from one level higher."""
        return ValueRefused(self.problem, (step, *self.place))


def wrong(allowed: str) -> ValueRefused:
    """Return the refusal of a value, given what is allowed."""
    return ValueRefused(f"must be {allowed}")


def missing() -> ValueRefused:
    """Return the refusal of an object that lacks a member."""
    return ValueRefused("is missing")


def unknown(name: str, known: list[str]) -> ValueRefused:
    """Return the refusal of a member that no schema knows."""
    import difflib  # not needed at a cold start

    near = difflib.get_close_matches(name, known, n=1)
    # A name that is close to none of ours may be anybody's text: it is not repeated.
    return ValueRefused(
        f"unknown field; did you mean {near[0]}?" if near else f"unknown field; known are {', '.join(known) or 'none'}"
    )
