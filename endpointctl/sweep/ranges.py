"""The values of one parameter, as written on the command line: ``100:500:100``, ``0,0.5,1``, ``0:1:0.25,5``."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from endpointctl.failure import Failure

MOST_VALUES: Final = 10_000
"""Of one parameter; a step that is too small by mistake would make millions."""

Number = int | float
# Of the largest number and of the smallest: far beyond any parameter's range, and within a float's.
_DIGITS: Final = 18
_ALLOWED: Final = "allowed: a number, a list (0,0.5,1), or a range from:to:step with both ends (100:500:100)"


def numbers(option: str, text: str) -> list[Number]:
    """Return the values that a text names, without repetition, in its order.

    Decimals are exact: ``0:1:0.1`` has eleven values and ends at 1.

    Args:
        option: the option's name, for the error.
        text: what was written.

    Raises:
        Failure: it is no such text, or names too many.

    """
    found: dict[Decimal, None] = {}
    for part in text.split(","):
        for value in _values(option, part.strip()):
            found[value] = None
            if len(found) > MOST_VALUES:
                raise Failure(f"{option}: {text!r} has more than {MOST_VALUES} values; {_ALLOWED}")
    return [int(value) if value == value.to_integral_value() else float(value) for value in found]


def _values(option: str, part: str) -> list[Decimal]:
    ends = part.split(":")
    try:
        values = [Decimal(end) for end in ends]
    except InvalidOperation:
        raise Failure(f"{option}: {part!r} is no number; {_ALLOWED}") from None
    if not all(value.is_finite() for value in values):
        raise Failure(f"{option}: {part!r} is not finite; {_ALLOWED}")
    if any(value and not -_DIGITS < value.adjusted() < _DIGITS for value in values):
        raise Failure(f"{option}: {part!r} is too large or too small; {_ALLOWED}; between 1e-{_DIGITS} and 1e{_DIGITS}")
    if len(values) == 1:
        return values
    if len(values) > 3:
        raise Failure(f"{option}: {part!r} has more than three parts; {_ALLOWED}")
    first, last = values[:2]
    step = values[2] if len(values) == 3 else Decimal(1)
    if step <= 0 or last < first:
        raise Failure(f"{option}: {part!r} never ends; {_ALLOWED}; the step is above 0 and the first end the smaller")
    count = int((last - first) / step)
    if count >= MOST_VALUES:
        raise Failure(f"{option}: {part!r} has {count + 1} values; allowed: at most {MOST_VALUES}")
    return [first + step * number for number in range(count + 1)]
