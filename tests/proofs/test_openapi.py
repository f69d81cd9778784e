"""docs/openapi.yaml against a deployed proxy in front of every kind of container, by Schemathesis."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_aws.conditions import Conditions, set_conditions
from proxy.routes.table import ROUTES
from proxy.settings import Endpoint
from sagemaker_llm import ModelPackage
from stacks import openapi
from tests.support.cloud import Deployed
from tests.support.narrowed import narrow
from tests.support.schemathesis import Answer, run
from tests.support.served import INSTANCES, MODELS, PACKAGES, content, make_endpoints, serve

NEWEST = "command-r-plus-08-2024"
"""Its container answers chat v2 here: no package that does is known."""
ENDPOINTS = (
    Endpoint("clients-chat2", "chat_v2", (NEWEST,)),
    *(Endpoint(f"clients-{api}", api, (name,)) for api, name in MODELS.items()),
)
OPERATIONS = {f"{route.method} {path}": route for route in ROUTES for path in route.paths}
LAST_EVENTS = {
    "generate": b'"stream-end"',
    "chat": b'"stream-end"',
    "chat_v2": b'"message-end"',
    "chat_completions": b"[DONE]",
}
STREAMS = {name: LAST_EVENTS[route.name] for name, route in OPERATIONS.items() if route.streams}
EVERY_PHASE = ("--phases", "examples,coverage,fuzzing", "--max-examples")
BY_THE_CONTAINER = {"invalid_field", "model_refused"}
"""Codes of requests that the document takes and the container of the model does not."""


@pytest.fixture(scope="module")
def url(deployed: Deployed) -> str:
    package = ModelPackage.from_catalog(NEWEST, INSTANCES["chat"], "us-east-1").arn
    set_conditions(Conditions(apis={package.rpartition("/")[2]: "chat_v2"}), deployed.cloud.conditions)
    make_endpoints({**PACKAGES, "chat2": package})
    endpoints = {**content()["proxy"]["endpoints"], "clients-chat2": {"api": "chat_v2", "models": [NEWEST]}}
    return serve(deployed, "schema", endpoints=endpoints).stacks.parameter("generate-url")


def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(openapi.PATH.read_bytes(), yaml.CSafeLoader)
    return found


def by_operation(answers: Iterable[Answer]) -> dict[str, list[Answer]]:
    """Return the answers of each operation of the document."""
    found: dict[str, list[Answer]] = {name: [] for name in OPERATIONS}
    patterns = {name: re.compile(re.sub(r"{\w+}", "[^/]+", name)) for name in OPERATIONS}
    for one in answers:
        for name, pattern in patterns.items():
            if pattern.fullmatch(one.request):
                found[name].append(one)
    return found


def refused(answers: Iterable[Answer]) -> set[str]:
    return {str(one.error["code"]) for one in answers if one.status != 200}


def test_requests_that_the_document_allows(deployed: Deployed, tmp_path: Path, url: str) -> None:
    allowed = narrow(document(), ENDPOINTS, streamed=False)
    answers = run(allowed, url, deployed.cloud.url, tmp_path, "positive", *EVERY_PHASE, "10")
    for name, its in by_operation(answers).items():
        answered = [one for one in its if one.status == 200]
        least = 3 if OPERATIONS[name].translations else 1
        assert len(answered) >= max(least, len(its) // 5), name
        assert {one.media_type for one in answered} == {"application/json"}, name
        unknown = {"model_not_found"} if "{" in name else set()
        assert refused(its) <= (BY_THE_CONTAINER if OPERATIONS[name].translations else unknown), name


def test_requests_for_streams(deployed: Deployed, tmp_path: Path, url: str) -> None:
    allowed = narrow(document(), ENDPOINTS, streamed=True)
    answers = run(allowed, url, deployed.cloud.url, tmp_path, "positive", "--phases", "fuzzing", "--max-examples", "12")
    found = by_operation(answers)
    for name, last in STREAMS.items():
        answered = [one for one in found[name] if one.status == 200]
        assert answered, name
        assert {one.media_type for one in answered} <= {"text/event-stream", "application/stream+json"}, name
        assert refused(found[name]) <= BY_THE_CONTAINER, name
        assert all(last in one.content for one in answered), name


def test_requests_that_the_document_does_not_allow(deployed: Deployed, tmp_path: Path, url: str) -> None:
    answers = run(document(), url, deployed.cloud.url, tmp_path, "negative", *EVERY_PHASE, "6")
    for name, its in by_operation(answers).items():
        assert len(its) >= (6 if OPERATIONS[name].translations else 1), name
        if OPERATIONS[name].schema:
            assert not any(one.status == 200 for one in its), name
        assert all(one.status < 424 for one in its), name
