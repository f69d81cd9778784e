"""The plan of a sweep: every call, known before the first one is sent."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from endpointctl.failure import Failure

Mode = Literal["product", "zip"]

MOST_CALLS: Final = 100_000


@dataclass(frozen=True)
class Call:
    """One request of a plan.

    Attributes:
        number: its place, from 0.
        prompt: the prompt's id.
        repeat: which repetition, from 0.
        parameters: what is varied, with the seed where repetitions have one.

    """

    number: int
    prompt: str
    repeat: int
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """A sweep.

    Attributes:
        environment: the environment whose model is called.
        parameters: the values of each parameter that is varied.
        mode: product: each value with each; zip: the first with the first, and so on.
        prompts: by their ids.
        repeats: how many times each is called.
        seed: of the first repetition; the next has one more. None: the model's own choice.
        fixed: fields that all requests have.

    Raises:
        Failure: it makes no call, too many, or zips lists of different lengths.

    """

    environment: str
    parameters: Mapping[str, Sequence[Any]]
    prompts: Mapping[str, str]
    mode: Mode = "product"
    repeats: int = 1
    seed: int | None = None
    fixed: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in self.parameters.items()}
        if self.mode == "zip" and len(set(lengths.values())) > 1:
            counts = ", ".join(f"{name} {count}" for name, count in lengths.items())
            raise Failure(
                f"--zip: the parameters have different numbers of values ({counts}): give each the same number"
            )
        if self.repeats < 1:
            raise Failure(f"--repeats: {self.repeats} is too few; allowed: 1 or more")
        if self.count > MOST_CALLS:
            raise Failure(f"the sweep has {self.count} calls; allowed: at most {MOST_CALLS}: take fewer values")

    @property
    def cells(self) -> list[dict[str, Any]]:
        """Return each combination of values."""
        names, values = list(self.parameters), list(self.parameters.values())
        combined = itertools.product(*values) if self.mode == "product" else zip(*values, strict=True)
        return [dict(zip(names, one, strict=True)) for one in combined] if names else [{}]

    @property
    def count(self) -> int:
        """Return how many calls it has."""
        sizes = [len(values) for values in self.parameters.values()]
        combinations = sizes[0] if self.mode == "zip" and sizes else _product(sizes)
        return combinations * len(self.prompts) * self.repeats

    @property
    def calls(self) -> list[Call]:
        """Return every call. Repetitions come last, so that an interrupted sweep has seen the whole grid."""
        found = itertools.product(range(self.repeats), self.prompts, self.cells)
        return [
            Call(number, prompt, repeat, {**cell, **({} if self.seed is None else {"seed": self.seed + repeat})})
            for number, (repeat, prompt, cell) in enumerate(found)
        ]

    @property
    def id(self) -> str:
        """Return the sweep's identity: a hash of everything that decides which requests are made."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def most_tokens(self, calls: Iterable[Call] | None = None) -> int | None:
        """Return how many tokens calls generate at most: ``max_tokens`` times ``num_generations`` of each.

        Args:
            calls: calls of this plan; default all.

        Returns:
            None when one of them has no ``max_tokens``.

        """
        total = 0
        for call in self.calls if calls is None else calls:
            fields = self.fields(call)
            if fields.get("max_tokens") is None:
                return None
            total += int(fields["max_tokens"] * (fields.get("num_generations") or 1))
        return total

    def fields(self, call: Call) -> dict[str, Any]:
        """Return the fields of a call's request, but the prompt."""
        return self.fields_of(call.parameters)

    def fields_of(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a request with these parameters, but the prompt."""
        return {**(self.fixed or {}), **parameters}

    @property
    def varied(self) -> list[str]:
        """Return the names of the parameters with more than one value."""
        return [name for name, values in self.parameters.items() if len(values) > 1]


def _product(sizes: list[int]) -> int:
    found = 1
    for size in sizes:
        found *= size
    return found
