"""Whatever fails, at most one request reaches a model: the newest clients with their retries, against every fault."""

from collections.abc import Callable

import pytest

from local_aws.conditions import Conditions, Fault
from tests.support.clients import Clients, Result
from tests.support.cloud import Deployed
from tests.support.outcomes import ended, failed
from tests.support.served import BEARER, MODELS, Served, log_lines, serve, signer

WHOLE = ("cohere_sdk.generate", "cohere_sdk.chat", "cohere_sdk.v2_chat", "openai_sdk.chat")
STREAMED = ("cohere_sdk.generate_stream", "cohere_sdk.chat_stream", "cohere_sdk.v2_chat_stream")
STREAMS = (*STREAMED, "openai_sdk.chat_stream")
# Fault, status, code, and how many requests reach the container.
FINAL = [
    ("InternalFailure", 424, "sagemaker_failed", 0),
    ("ServiceUnavailable", 424, "sagemaker_failed", 0),
    ("InternalDependencyException", 424, "sagemaker_failed", 0),
    ("ModelError400", 400, "model_refused", 1),
    ("ModelError500", 424, "model_failed", 1),
    ("ModelErrorTimeout", 424, "timed_out", 1),
]
OF_ANSWERS = [
    ("AnswerOfAnotherKind", 424, "bad_answer", 1),
    ("AnswerTooLarge", 424, "answer_too_large", 1),
    ("AnswerCutOff", 424, "connection_lost", 1),
]
OF_STREAMS = [
    ("ModelInvocationTimeExceeded", "model_failed"),
    ("StreamBroken", "model_failed"),
    ("InternalStreamFailure", "sagemaker_failed"),
    ("StreamEndsEarly", "connection_lost"),
    ("StreamCutOff", "connection_lost"),
    ("StreamErrorEvent", "model_failed"),
    ("StreamErrorObject", "bad_answer"),
]
BUSY = [("ThrottlingException", 2, 429, "throttled", 1), ("ModelError429", 1, 429, "throttled", 2)]
"""Refused before the model: the fault, how often the proxy meets it in one request, and what reached the container."""

Inject = Callable[..., None]


@pytest.fixture(scope="module")
def impatient(endpoints: Deployed) -> Served:
    """A proxy that waits 2 s for a model."""
    return serve(endpoints, "impatient", rest_api=BEARER, generate_timeout_seconds=2, stream_timeout_seconds=2)


class Caller:
    """Calls and counts the requests that reach the container of the chat model."""

    def __init__(self, clients: Clients, deployed: Deployed) -> None:
        self._client, self._deployed = clients["newest"], deployed

    def call(self, scenario: str, served: Served, reached: int) -> Result:
        before = len(self._deployed.invocations)
        auth = signer() if "lambda-url" in served.url else None
        result = self._client.call(scenario, served.url, key=served.key, model=MODELS["chat"], auth=auth)
        assert len(self._deployed.invocations) - before == reached
        return result


@pytest.fixture
def caller(clients: Clients, endpoints: Deployed) -> Caller:
    return Caller(clients, endpoints)


@pytest.fixture(scope="module")
def buffered(endpoints: Deployed) -> Served:
    """A proxy that does not stream, behind a Function URL."""
    return serve(endpoints, "buffered", streaming=False)


@pytest.fixture
def inject(account: Callable[[Conditions], None]) -> Inject:
    """Injects a fault into the next requests of the runtime, by default one: a second request would be answered."""

    def inject(fault: str, *, times: int = 1, after: int = 1) -> None:
        account(Conditions(faults=(Fault(fault, times=times, after=after),)))

    return inject


@pytest.fixture(params=["served", "buffered"])
def door(request: pytest.FixtureRequest) -> Served:
    found: Served = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize(("fault", "status", "code", "reached"), [*FINAL, *OF_ANSWERS])
@pytest.mark.parametrize("scenario", WHOLE)
def test_a_failure_is_told_and_nothing_is_sent_again(
    scenario: str,
    fault: str,
    status: int,
    code: str,
    reached: int,
    caller: Caller,
    door: Served,
    inject: Inject,
) -> None:
    inject(fault)
    assert failed(caller.call(scenario, door, reached)) == (status, code)


@pytest.mark.parametrize(("fault", "status", "code", "reached"), FINAL)
@pytest.mark.parametrize("scenario", STREAMS)
def test_a_failure_before_a_stream_is_an_exception(
    scenario: str,
    fault: str,
    status: int,
    code: str,
    reached: int,
    caller: Caller,
    served: Served,
    inject: Inject,
) -> None:
    inject(fault)
    assert failed(caller.call(scenario, served, reached)) == (status, code)


@pytest.mark.parametrize(("fault", "code"), OF_STREAMS)
@pytest.mark.parametrize("scenario", STREAMS)
def test_a_stream_that_fails_ends_with_an_event_that_says_so(
    scenario: str,
    fault: str,
    code: str,
    caller: Caller,
    served: Served,
    inject: Inject,
) -> None:
    inject(fault, after=3)
    result = caller.call(scenario, served, 1)
    assert ended(result) == code
    assert result.events


@pytest.mark.parametrize(("fault", "code"), OF_STREAMS)
@pytest.mark.parametrize("scenario", STREAMS)
def test_a_stream_that_fails_at_its_beginning_is_an_exception(
    scenario: str,
    fault: str,
    code: str,
    caller: Caller,
    served: Served,
    inject: Inject,
) -> None:
    inject(fault, after=0)
    result = caller.call(scenario, served, 1)
    assert failed(result) == (424, "bad_answer" if fault == "StreamEndsEarly" else code)


@pytest.mark.parametrize("fault", ["StreamOfBytes", "StreamOfPairs"])
@pytest.mark.parametrize("scenario", STREAMS)
def test_a_stream_in_other_parts_is_whole(
    scenario: str, fault: str, caller: Caller, served: Served, inject: Inject
) -> None:
    inject(fault)
    assert ended(caller.call(scenario, served, 1)) == ""


@pytest.mark.parametrize("scenario", [*WHOLE, *STREAMS])
def test_a_model_that_hangs_ends_at_the_deadline(
    scenario: str, caller: Caller, impatient: Served, inject: Inject
) -> None:
    caller.call(scenario, impatient, 1).unwrap()
    inject("Slow")
    assert failed(caller.call(scenario, impatient, 1)) == (424, "timed_out")


@pytest.mark.parametrize("scenario", STREAMS)
def test_a_stream_that_stalls_ends_at_the_deadline(
    scenario: str, caller: Caller, impatient: Served, inject: Inject
) -> None:
    caller.call(scenario, impatient, 1).unwrap()
    inject("StreamStalls", after=3)
    assert ended(caller.call(scenario, impatient, 1)) == "timed_out"


@pytest.mark.parametrize(("fault", "times", "status", "code", "reached"), BUSY)
@pytest.mark.parametrize("scenario", STREAMED)
def test_coheres_client_repeats_no_stream(
    scenario: str,
    fault: str,
    times: int,
    status: int,
    code: str,
    reached: int,
    caller: Caller,
    served: Served,
    inject: Inject,
) -> None:
    inject(fault, times=times)
    assert failed(caller.call(scenario, served, reached - 1)) == (status, code)


@pytest.mark.parametrize(("fault", "times", "reached"), [(row[0], row[1], row[-1]) for row in BUSY])
@pytest.mark.parametrize(
    ("scenario", "name"),
    [*((one, name) for one in WHOLE for name in ("served", "buffered")), ("openai_sdk.chat_stream", "served")],
)
def test_what_no_model_has_seen_is_tried_again(
    scenario: str,
    name: str,
    fault: str,
    times: int,
    reached: int,
    caller: Caller,
    request: pytest.FixtureRequest,
    inject: Inject,
) -> None:
    inject(fault, times=times)
    result = caller.call(scenario, request.getfixturevalue(name), reached)
    result.unwrap()
    assert result.seconds > 0.9, "the client waits as long as retry-after says"


@pytest.mark.parametrize("scenario", ["cohere_sdk.v2_chat", "openai_sdk.chat_stream"])
def test_a_model_that_loads_is_waited_for(scenario: str, caller: Caller, served: Served, inject: Inject) -> None:
    caller.call(scenario, served, 1).unwrap()
    inject("ModelNotReadyException", times=2)
    result = caller.call(scenario, served, 1)
    result.unwrap()
    assert result.seconds > 9, "the client waits as long as retry-after says"


AWAY = """
import os

os.environ["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] = "http://127.0.0.1:9"

from proxy._original_core import *
"""


def test_a_sagemaker_that_is_away_is_tried_again(caller: Caller, endpoints: Deployed) -> None:
    away = serve(endpoints, "away", {"proxy/core.py": AWAY}, rest_api=BEARER)
    for requests, scenario in ((1, "cohere_sdk.v2_chat_stream"), (4, "openai_sdk.chat")):
        assert failed(caller.call(scenario, away, 0)) == (503, "unavailable")
        assert sum('"code": "unavailable"' in line for line in log_lines("cohere-away-proxy")) == requests
