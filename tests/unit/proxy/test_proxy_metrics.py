"""The metrics in the log line: CloudWatch's own format, a constant set of names, and numbers that add up."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from proxy.dialects.cohere_v1.generate import answer as generate_answer
from proxy.metrics import UNITS, embedded

from .function import GOOD, Function, Upstream, answer, event

README = Path(__file__).parents[3] / "lambda" / "proxy" / "README.md"


def values(line: dict[str, Any]) -> dict[str, float]:
    """Return the metrics that a line declares, as CloudWatch reads them."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("CohereProxy", [["Endpoint"]])
    assert line["Endpoint"] == "cohere-test"
    assert abs(line["_aws"]["Timestamp"] / 1000 - time.time()) < 60
    found = {one["Name"]: line[one["Name"]] for one in directive["Metrics"]}
    assert all(isinstance(value, (int, float)) for value in found.values())
    return found


def test_a_request_that_was_answered(
    function: Function, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    billed = {"billed_units": {"input_tokens": 3, "output_tokens": 40}}
    upstream.behave = answer(200, {**GOOD, "meta": billed})
    function.post({"prompt": "hello"})
    line = json.loads(capsys.readouterr().out)
    found = values(line)
    assert {name: found[name] for name in ("Requests", "ClientErrors", "ServerErrors", "Throttles", "Attempts")} == {
        "Requests": 1,
        "ClientErrors": 0,
        "ServerErrors": 0,
        "Throttles": 0,
        "Attempts": 1,
    }
    assert (found["TokensIn"], found["TokensOut"]) == (3, 40)
    assert found["UpstreamLatency"] + found["ProxyOverhead"] == line["duration_ms"]


@pytest.mark.parametrize(
    ("error", "status", "client", "server", "throttles", "attempts"),
    [("ThrottlingException", 400, 1, 0, 1, 2), ("ServiceUnavailable", 503, 0, 1, 0, 1)],
)
def test_a_request_that_failed(
    function: Function,
    upstream: Upstream,
    capsys: pytest.CaptureFixture[str],
    error: str,
    status: int,
    client: int,
    server: int,
    throttles: int,
    attempts: int,
) -> None:
    upstream.behave = answer(status, {"Message": ""}, error=error)
    function.post({"prompt": "hello"})
    found = values(json.loads(capsys.readouterr().out))
    assert [found[n] for n in ("ClientErrors", "ServerErrors", "Throttles", "Attempts")] == [
        client,
        server,
        throttles,
        attempts,
    ]
    assert "TokensOut" not in found


def test_a_request_that_never_got_to_the_model(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    function.post("{")
    assert set(values(json.loads(capsys.readouterr().out))) == {"Requests", "ClientErrors", "ServerErrors", "Throttles"}


def test_a_health_check_is_not_counted(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    function.call(event(None, path="/healthz", method="GET"))
    assert "_aws" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("more", "tokens"),
    [
        ({}, (None, None)),
        ({"meta": {"billed_units": {"input_tokens": 2, "output_tokens": 5}}}, (2, 5)),
        ({"meta": {"billed_units": {"input_tokens": "x"}}}, (None, None)),
        ({"meta": {"billed_units": {"input_tokens": float("inf"), "output_tokens": 5}}}, (None, None)),
        ({"meta": None}, (None, None)),
        (
            {"generations": [{"text": "a", "token_likelihoods": [{}, {}]}, {"text": "b", "token_likelihoods": [{}]}]},
            (None, 3),
        ),
        ({"generations": [{"text": "a", "token_likelihoods": 5}]}, (None, None)),
    ],
)
def test_where_the_tokens_come_from(more: dict[str, Any], tokens: tuple[int | None, int | None]) -> None:
    found = generate_answer([json.dumps({**GOOD, **more}).encode()], {})
    assert (found.tokens_in, found.tokens_out) == tokens


def test_tokens_a_second() -> None:
    fields = {"duration_ms": 2100, "upstream_ms": 2000, "attempts": 1, "tokens_out": 50}
    assert embedded("e", 200, 0.0, fields, failed=False)["TokensPerSecond"] == 25.0
    assert "TokensPerSecond" not in embedded("e", 200, 0.0, {**fields, "upstream_ms": 0}, failed=False)


def test_the_readme_lists_them_all() -> None:
    table = README.read_text("utf-8").partition("## Logs and metrics")[2]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(UNITS)
