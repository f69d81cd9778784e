"""The one error that this library raises for a value that AWS would refuse, or that cannot work."""

from __future__ import annotations


class OptionError(ValueError):
    """A value given to this library is wrong; says which, what is allowed, and what to do.

    Attributes:
        option: the name of the option as the caller wrote it, e.g. ``instance_type``.
        value: what was given.
        problem: what is wrong with it.
        allowed: what is allowed instead.
        remedy: what to do.

    """

    def __init__(self, option: str, value: object, *, problem: str, allowed: str, remedy: str = "") -> None:
        self.option = option
        self.value = value
        self.problem = problem
        self.allowed = allowed
        self.remedy = remedy
        parts = [f"{option}: {value!r} {problem}", f"allowed: {allowed}"]
        if remedy:
            parts.append(remedy)
        super().__init__("; ".join(parts))
