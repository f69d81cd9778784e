"""Streams through both front doors: the server behind the local cloud's adapter, and words from a core of ours."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from stacks.settings import ENVIRONMENTS
from tests.support.cloud import Deployed, Stacks
from tests.support.templates import content_of
from tests.support.words import CORE, Door

USER = "arn:aws:iam::111122223333:user/workstation"
REST = {"account_log_role": True}
WORDS = b"".join(b"data: %d\n\n" % number for number in range(5))
TRAILER = b"Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\n"


def content(**proxy: Any) -> dict[str, Any]:
    found = content_of(ENVIRONMENTS / "local.yaml")
    return {**found, "proxy": {**found["proxy"], "streaming": True, **proxy}}


@pytest.fixture(scope="module")
def through_url(deployed: Deployed) -> Door:
    stacks = Stacks("streamurl")
    stacks.deploy(content(), "proxy", files={"proxy/core.py": CORE})
    return Door(stacks.parameter("generate-url"), deployed.cloud.url, "lambda")


@pytest.fixture(scope="module")
def through_rest(deployed: Deployed) -> Door:
    stacks = Stacks("streamrest")
    stacks.deploy(content(rest_api=REST), "proxy", files={"proxy/core.py": CORE})
    return Door(stacks.parameter("generate-url"), deployed.cloud.url, "execute-api")


@pytest.fixture(params=["url", "rest"])
def door(request: pytest.FixtureRequest) -> Door:
    found: Door = request.getfixturevalue(f"through_{request.param}")
    return found


def lines_of(group_part: str) -> list[dict[str, Any]]:
    logs = boto3.client("logs")
    found = []
    for group in logs.describe_log_groups()["logGroups"]:
        if group_part in group["logGroupName"]:
            for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]:
                if event["message"].startswith("{"):
                    found.append(json.loads(event["message"]))
    return found


def wait_for(found: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + 20
    while not (value := found()):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    return value


def line_of(request_id: str, message: str) -> dict[str, Any]:
    """Return the function's line about a request, when it is there."""
    wanted = {"request_id": request_id, "message": message}.items()
    found: list[dict[str, Any]] = wait_for(lambda: [one for one in lines_of("ProxyLogGroup") if wanted <= one.items()])
    return found[0]


def test_each_word_arrives_when_it_is_written(door: Door, tmp_path: Path) -> None:
    """A word is written only when its caller has the one before."""
    (tmp_path / "0").touch()
    connection, response = door.open({"number": 5, "gate": str(tmp_path)})
    assert (response.status, response.headers["content-type"]) == (200, "text/event-stream")
    assert "content-length" not in response.headers
    for count in range(1, 6):
        assert response.readline() + response.readline() == b"data: %d\n\n" % (count - 1)
        (tmp_path / str(count)).touch()
    assert response.read() == b""
    connection.close()


def test_streams_side_by_side_do_not_wait_for_each_other(door: Door, tmp_path: Path) -> None:
    """No stream may end before each of them has begun."""
    (tmp_path / "0").touch()
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: door.open({"number": 2, "gate": str(tmp_path)}), range(4)))
    begun = [response.readline() for _, response in opened]
    (tmp_path / "1").touch()
    for connection, response in opened:
        assert response.read() == b"\ndata: 1\n\n"
        connection.close()
    assert begun == [b"data: 0\n"] * 4


def test_generate_is_unchanged_through_the_streaming_function(deployed: Deployed, door: Door) -> None:
    fields: dict[str, Any] = {"max_tokens": 5, "temperature": 0, "return_likelihoods": "GENERATION"}
    answer = door.ask("Hello", **fields)
    expected = deployed.proxy.generate(prompt="Hello", **fields)
    body = json.loads(answer.body)
    assert answer.status == 200
    assert [one["text"] for one in body["generations"]] == [one.text for one in expected.generations]


def test_errors_keep_their_status_and_shape(door: Door) -> None:
    answer = door.ask("Hello", frequency_penalty=7)
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "model_refused")
    answer = door.ask({"number": 1, "status": 429})
    assert (answer.status, answer.body) == (429, b"data: 0\n\n")


def test_the_function_knows_its_deadline(door: Door) -> None:
    line = line_of(door.ask({"number": 1}).headers["x-request-id"], "words")
    assert 0 <= line["age"] < 10
    assert 290 < line["left"] <= 305


def test_the_function_knows_its_caller(through_rest: Door) -> None:
    assert line_of(through_rest.ask({"number": 1}).headers["x-request-id"], "words")["caller"] == USER


def test_a_client_that_disconnects_does_not_stop_the_function(door: Door) -> None:
    connection, response = door.open({"number": 5, "gap": 0.1})
    request_id = response.headers["x-request-id"]
    assert response.read1(100) == b"data: 0\n\n"
    response.close()
    connection.close()
    assert line_of(request_id, "closed")["words"] == 5
    assert door.ask({"number": 5}).body == WORDS


@pytest.mark.parametrize("end", ["raise", "exit"])
def test_a_function_that_breaks_off_ends_the_stream_without_its_last_event(door: Door, end: str) -> None:
    """The adapter's runtime writes its trailers into the body, and the response looks whole."""
    answer = door.ask({"number": 5, "end": end})
    assert (answer.status, answer.is_whole) == (200, True)
    assert answer.body.startswith(WORDS + TRAILER)
    assert door.ask({"number": 5}).body == WORDS


def test_the_access_log_has_the_bytes_and_the_time_of_the_whole_stream(through_rest: Door) -> None:
    through_rest.ask({"number": 5, "gap": 0.1})
    line = wait_for(
        lambda: [one for one in lines_of("streamrest-proxy/DoorAccessLog") if one["response_bytes"] == str(len(WORDS))]
    )[-1]
    assert int(line["latency_ms"]) >= 400
    assert line["status"] == "200"


def test_a_rest_api_still_refuses_before_the_function(through_rest: Door) -> None:
    answer = through_rest.ask("Hello", max_tokens="many")
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "invalid_field")


# The last one of this file: the API's integration is another one then.
def test_an_integration_without_streaming_cannot_read_a_stream(through_rest: Door) -> None:
    client: Any = boto3.client("apigateway")
    api = next(one["id"] for one in client.get_rest_apis()["items"] if one["name"] == "cohere-streamrest-proxy")
    resources = client.get_resources(restApiId=api)["items"]
    resource = next(one["id"] for one in resources if one["path"] == "/v1/generate")
    method = {"restApiId": api, "resourceId": resource, "httpMethod": "POST"}
    uri = client.get_integration(**method)["uri"]
    buffered = uri.replace("2021-11-15", "2015-03-31").replace("response-streaming-invocations", "invocations")
    client.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=buffered)
    client.create_deployment(restApiId=api, stageName="live")
    answer = through_rest.ask({"number": 5})
    assert json.loads(answer.body)["code"] == "api_gateway_error"
