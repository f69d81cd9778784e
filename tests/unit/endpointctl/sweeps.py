"""A small sweep for tests, and a model that answers at once."""

from pathlib import Path
from typing import Any

from endpointctl.completion import Completion
from endpointctl.sweep.backoff import Backoff
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.results import opened
from endpointctl.sweep.run import Progress, pending, run


def plan(**changes: Any) -> Plan:
    given: dict[str, Any] = {
        "environment": "dev",
        "parameters": {"max_tokens": [100, 200], "temperature": [0, 0.5, 1]},
        "prompts": {"a": "A", "b": "B"},
        **changes,
    }
    return Plan(**given)


def body(text: str = "t") -> dict[str, Any]:
    tokens = [{"token": "t", "likelihood": -0.5}, {"token": "u", "likelihood": -1.5}]
    return {"generations": [{"text": text, "likelihood": -1.0, "token_likelihoods": tokens}]}


def answer(prompt: str, **fields: Any) -> Completion:
    return Completion(body(f"{prompt} {fields}"), 0.25)


def sweep(path: Path, planned: Plan, generate: Any, at_once: int = 4) -> Progress:
    with opened(path, planned) as (results, earlier):
        return run(planned, pending(planned, earlier), generate, results, at_once=at_once, backoff=Backoff(0.02))
