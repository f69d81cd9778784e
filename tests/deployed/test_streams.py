"""Streams of the runtime with faults in their content, at their times, and with a caller that leaves."""

import json
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EventStreamError

from local_aws.conditions import Conditions, Fault
from tests.support.cloud import Deployed


def stream(**fields: Any) -> Any:
    client = boto3.client("sagemaker-runtime", config=Config(retries={"total_max_attempts": 1}))
    body = json.dumps({"prompt": "a", "max_tokens": 6, "stream": True, **fields})
    return client.invoke_endpoint_with_response_stream(
        EndpointName="cohere-local", ContentType="application/json", Body=body
    )


def parts(**fields: Any) -> list[bytes]:
    return [event["PayloadPart"]["Bytes"] for event in stream(**fields)["Body"]]


def objects(**fields: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(parts(**fields)).splitlines()]


@pytest.mark.parametrize("count", [1, 3])
def test_parts_arrive_before_the_next_is_written(
    deployed: Deployed, account: Callable[[Conditions], None], count: int
) -> None:
    account(Conditions(faults=(Fault("StreamStalls", after=count),)))
    events = iter(stream()["Body"])
    assert all(next(events)["PayloadPart"]["Bytes"] for _ in range(count))
    assert deployed.invocations[-1].state == "running"


def test_parts_are_written_one_by_one(deployed: Deployed, account: Callable[[Conditions], None]) -> None:
    account(Conditions(part_delay_seconds=0.1))
    started = time.monotonic()
    found = parts(seed=1)
    assert len(found) > 3
    assert time.monotonic() - started >= 0.1 * (len(found) - 1)


@pytest.mark.parametrize(
    ("error", "finish"), [("StreamEndsEarly", None), ("StreamErrorEvent", "ERROR"), ("StreamErrorObject", None)]
)
def test_a_stream_whose_content_ends_otherwise(
    deployed: Deployed, account: Callable[[Conditions], None], error: str, finish: str | None
) -> None:
    account(Conditions(faults=(Fault(error, times=1, after=2),)))
    found = objects()
    assert [one["is_finished"] for one in found[:2]] == [False, False]
    assert len(found) == 2 + (error != "StreamEndsEarly")
    assert found[-1].get("finish_reason") == finish
    assert objects()[-1]["finish_reason"] == "MAX_TOKENS"


@pytest.mark.parametrize("error", ["StreamOfBytes", "StreamOfPairs"])
def test_a_stream_with_other_parts(deployed: Deployed, account: Callable[[Conditions], None], error: str) -> None:
    account(Conditions(faults=(Fault(error),)))
    found = parts(seed=1)
    assert b"".join(found).count(b"\n") == 7
    assert len(found) == (len(b"".join(found)) if error == "StreamOfBytes" else 4)


def test_a_stream_that_stalls_ends_at_sagemakers_limit(
    deployed: Deployed, account: Callable[[Conditions], None]
) -> None:
    account(Conditions(faults=(Fault("StreamStalls"),), stream_limit_seconds=0.5))
    started, events = time.monotonic(), iter(stream()["Body"])
    assert next(events)["PayloadPart"]["Bytes"]
    with pytest.raises(EventStreamError, match="ModelStreamError"):
        next(events)
    assert 0.4 < time.monotonic() - started < 10


def test_a_container_of_chat_v2_streams_lines_or_events(
    deployed: Deployed, account: Callable[[Conditions], None]
) -> None:
    fields = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
    account(Conditions(apis={"cohere": "chat_v2"}))
    assert objects(**fields)[-1]["type"] == "message-end"
    account(Conditions(apis={"cohere": "chat_v2"}, stream_format="server_sent_events"))
    assert stream(**fields)["ContentType"] == "text/event-stream"
    assert parts(**fields)[0].startswith(b"event: message-start\ndata: ")


def test_the_requests_that_reached_a_container_are_counted(
    deployed: Deployed, account: Callable[[Conditions], None]
) -> None:
    before = len(deployed.invocations)
    account(Conditions(faults=(Fault("ModelError500", times=1),)))
    with pytest.raises(Exception, match="ModelError"):
        parts()
    account(Conditions(faults=(Fault("ThrottlingException", times=1),)))
    with pytest.raises(Exception, match="ThrottlingException"):
        parts()
    parts()
    account(Conditions(faults=(Fault("StreamBroken", times=1),)))
    with pytest.raises(EventStreamError):
        parts()
    found = deployed.invocations[before:]
    assert [one.state for one in found] == ["failed", "answered", "failed"]
    assert {(one.endpoint, one.api, one.streamed) for one in found} == {("cohere-local", "generate", True)}


def test_a_caller_that_leaves_frees_its_place(deployed: Deployed, account: Callable[[Conditions], None]) -> None:
    account(Conditions(part_delay_seconds=30, concurrency=1, queue=0))
    body = stream()["Body"]
    next(iter(body))
    body.close()
    until = time.monotonic() + 10
    while deployed.invocations[-1].state == "running" and time.monotonic() < until:
        time.sleep(0.02)
    assert deployed.invocations[-1].state == "disconnected"
    account(Conditions(concurrency=1, queue=0))
    assert parts()
