"""Metrics by route, client and variant: bounded by the configuration, and without a word or a key of the caller."""

import json
from typing import Any

import pytest

from proxy import clients
from proxy.adapters import lambda_event
from proxy.http import Request
from proxy.metrics import DETAILS
from stacks.names import KEY_BEGINNING, key_beginning

from .function import GOOD, SETTINGS, Function, Upstream, answer, fresh_handler, rest_event, set_sdk

SECRET = key_beginning("search-team") + "00112233445566778899aabbccddeeff00112233"
CLIENTS = {key_beginning("search-team"): "search-team", "111122223333:search": "search", "222233334444": "222233334444"}
USER = "arn:aws:iam::111122223333:user/ann"


@pytest.fixture
def detailed(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Function:
    set_sdk(monkeypatch, upstream)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("METRICS_ENVIRONMENT", "dev")
    monkeypatch.setenv("METRICS_CLIENTS", json.dumps({**CLIENTS, USER: "ann"}))
    return Function(fresh_handler(monkeypatch).handler)


def _event(body: Any, **identity: str) -> dict[str, Any]:
    found = rest_event(body)
    found["requestContext"]["identity"] |= identity
    return found


def _sets(line: dict[str, Any]) -> list[dict[str, str]]:
    """Return the dimensions of the further metrics of a line."""
    _, details = line["_aws"]["CloudWatchMetrics"]
    assert {metric["Name"] for metric in details["Metrics"]} <= set(DETAILS)
    return [{name: line[name] for name in names} for names in details["Dimensions"]]


def test_a_request_is_counted_for_its_route_and_client(
    detailed: Function, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    upstream.behave = answer(200, GOOD)
    detailed.call(_event({"prompt": "a canary"}, apiKey=SECRET, apiKeyId="k1"))
    out = capsys.readouterr().out
    assert SECRET not in out
    assert "canary" not in out
    assert _sets(json.loads(out)) == [
        {"Environment": "dev"},
        {"Environment": "dev", "Route": "generate"},
        {"Environment": "dev", "Client": "search-team"},
    ]


def test_what_a_caller_writes_is_no_dimension(detailed: Function, capsys: pytest.CaptureFixture[str]) -> None:
    """A path, a variant, a key and a model of the caller's own: nothing of them becomes a metric."""
    event = _event({"prompt": "p", "model": "x-model"}, apiKey="x-owner-x-secret-x", apiKeyId="k2")
    event |= {"resource": "/x-path", "headers": {"Content-Type": "application/json", "x-target-variant": "x-variant"}}
    detailed.call(event)
    line = json.loads(capsys.readouterr().out)
    assert _sets(line) == [{"Environment": "dev"}, {"Environment": "dev", "Client": "other"}]
    assert "x-" not in json.dumps(line)


def test_a_request_that_is_none_has_no_client(detailed: Function, capsys: pytest.CaptureFixture[str]) -> None:
    detailed.call({"what": "ever"})
    assert _sets(json.loads(capsys.readouterr().out)) == [{"Environment": "dev"}]


@pytest.mark.parametrize(
    ("caller", "owner", "name"),
    [
        (USER, "", "ann"),
        ("arn:aws:sts::111122223333:assumed-role/search/a-session", "", "search"),
        ("arn:aws:sts::333344445555:assumed-role/search/a-session", "", "other"),
        ("arn:aws:iam::222233334444:user/bob", "", "222233334444"),
        ("arn:aws:sts::222233334444:assumed-role/any/s", "", "222233334444"),
        ("k1", key_beginning("search-team"), "search-team"),
        ("k1", "search", "other"),
        ("k1", "", "other"),
        ("", "", "other"),
        ("arn:aws:x", "", "other"),
        (f"{USER}:search-team", "", "other"),
    ],
)
def test_a_client_is_known_by_its_caller_or_its_key(caller: str, owner: str, name: str) -> None:
    request = Request("POST", "/v1/generate", {}, {}, caller, 0, lambda _: b"", owner)
    assert clients.client_of(request, {**CLIENTS, USER: "ann"}) == name


@pytest.mark.parametrize(
    ("key", "owner"),
    [(SECRET, key_beginning("search-team")), ("short", "short"), ("", ""), (None, ""), (7, "7")],
    ids=["ours", "short", "empty", "none", "a number"],
)
def test_the_owner_of_a_key_is_its_beginning(key: Any, owner: str) -> None:
    request = lambda_event.request_of(_event({}, apiKey=key))
    assert request.key_owner == owner
    assert "key_owner" not in repr(request)
    assert KEY_BEGINNING == lambda_event.KEY_BEGINNING
