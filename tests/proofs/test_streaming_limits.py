"""Where a stream ends before its end; and a server that does not start."""

import json
from typing import Any

import boto3
import pytest

from stacks.settings import ENVIRONMENTS
from tests.support.cloud import Deployed, StackFailed, Stacks
from tests.support.templates import content_of
from tests.support.words import CORE, Door

WORDS = b"".join(b"data: %d\n\n" % number for number in range(5))
NEVER_READY = "import time\n\nwhile True:\n    time.sleep(1)\n"


def content(**proxy: Any) -> dict[str, Any]:
    found = content_of(ENVIRONMENTS / "local.yaml")
    shortest = {"streaming": True, "generate_timeout_seconds": 1, "stream_timeout_seconds": 1}
    return {**found, "proxy": {**found["proxy"], **shortest, **proxy}}


@pytest.fixture(scope="module")
def through_url(deployed: Deployed) -> Door:
    stacks = Stacks("short")
    stacks.deploy(content(), "proxy", files={"proxy/core.py": CORE})
    return Door(stacks.parameter("generate-url"), deployed.cloud.url, "lambda")


@pytest.fixture(scope="module")
def through_rest(deployed: Deployed) -> Door:
    stacks = Stacks("shortrest")
    rest = {"account_log_role": True, "timeout_seconds": 2}
    stacks.deploy(content(rest_api=rest), "proxy", files={"proxy/core.py": CORE})
    return Door(stacks.parameter("generate-url"), deployed.cloud.url, "execute-api")


def test_lambda_cuts_a_stream_off_at_the_functions_time_out(through_url: Door) -> None:
    through_url.ask({"number": 1})
    answer = through_url.ask({"number": 3, "gap": 4})
    assert (answer.status, answer.body, answer.is_whole) == (200, b"data: 0\n\ndata: 1\n\n", False)
    assert through_url.ask({"number": 5}).body == WORDS


def test_without_a_head_the_functions_time_out_is_an_error(through_url: Door) -> None:
    assert through_url.ask({"number": 1, "before": 20}).status == 502


def test_api_gateway_cuts_a_stream_off_at_its_time_out(through_rest: Door) -> None:
    through_rest.ask({"number": 1})
    answer = through_rest.ask({"number": 3, "gap": 1.5})
    assert (answer.status, answer.body, answer.is_whole) == (200, b"data: 0\n\ndata: 1\n\n", False)
    assert through_rest.ask({"number": 5}).body == WORDS


def test_without_a_head_api_gateways_time_out_is_its_own_answer(through_rest: Door) -> None:
    answer = through_rest.ask({"number": 1, "before": 4})
    assert json.loads(answer.body)["code"] == "timed_out"


def test_a_version_that_cannot_start_fails_the_deployment(through_url: Door) -> None:
    broken = 'raise RuntimeError("the environment variable X is missing")'
    expected = r"cannot start: Runtime\.ExitError: Runtime exited with error: exit status 1\. Callers keep the former"
    with pytest.raises(StackFailed, match=expected):
        Stacks("short").deploy(content(), "proxy", files={"proxy/settings.py": broken})
    assert through_url.ask({"number": 5}).body == WORDS
    logs: Any = boto3.client("logs")
    groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    (group,) = [name for name in groups if "short-proxy" in name and "ProxyLogGroup" in name]
    assert any("X is missing" in one["message"] for one in logs.filter_log_events(logGroupName=group)["events"])


def test_a_server_that_is_never_ready_fails_the_deployment(through_url: Door) -> None:
    """The adapter asks for ever: Lambda's own time-outs end it, first the start's and then the function's."""
    with pytest.raises(StackFailed, match=r"cannot start: Sandbox\.Timedout: Task timed out after 6\.00 seconds"):
        Stacks("short").deploy(content(), "proxy", files={"proxy/core.py": NEVER_READY})
    assert through_url.ask({"number": 5}).body == WORDS


def test_streaming_can_be_turned_on_and_off(deployed: Deployed) -> None:
    stacks = Stacks("turned")
    urls = []
    for streaming in (False, True, False):
        given = content(streaming=streaming)
        if not streaming:
            del given["proxy"]["stream_timeout_seconds"]
        stacks.deploy(given, "proxy")
        urls.append(stacks.parameter("generate-url"))
        answer = Door(urls[-1], deployed.cloud.url, "lambda").ask("Hello", max_tokens=1)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert len(set(urls)) == 1
