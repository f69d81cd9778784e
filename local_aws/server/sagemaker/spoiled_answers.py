"""Whole answers of containers as faults spoil them."""

from __future__ import annotations

import json
from typing import Any, Final

from local_aws.faults import FaultKind

_LONG: Final = "x" * 7_000_000
"""A text that no Lambda function can return."""


def spoiled(fault: FaultKind | None, answer: bytes) -> tuple[bytes, int]:
    """Return a whole answer as a fault spoils it, and the length that its headers tell.

    Args:
        fault: the fault; None for none.
        answer: the container's JSON.

    """
    if fault and fault.spoiled == "no_answer":
        answer = b'["neither an answer nor an error"]'
    if fault and fault.spoiled == "too_large":
        answer = json.dumps(_with_long_texts(json.loads(answer))).encode()
    # The server breaks the connection of a body that is shorter than its headers say.
    return answer, len(answer) + bool(fault and fault.spoiled == "cut_off")


def _with_long_texts(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: _LONG if name == "text" else _with_long_texts(one) for name, one in value.items()}
    return [_with_long_texts(one) for one in value] if isinstance(value, list) else value
