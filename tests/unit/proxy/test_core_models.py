"""Which endpoint a request is for: by route and by model; and the routes that list models."""

import json
from typing import Any

import pytest

from .function import Function, Upstream, fresh_handler

MORE = [
    {"name": "cohere-embed", "api": "embed", "models": ["embed-v4.0", "text-embedding-3-small"]},
    {"name": "cohere-second", "api": "generate", "models": ["command-light"]},
]


@pytest.fixture
def several(function: Function, monkeypatch: pytest.MonkeyPatch) -> Function:
    monkeypatch.setenv("MODELS", "command medium")
    monkeypatch.setenv("ENDPOINTS", json.dumps(MORE))
    return Function(fresh_handler(monkeypatch).handler)


def get(function: Function, path: str, query: str = "") -> tuple[int, Any]:
    status, _, body = function.post(None, path=path, method="GET", rawQueryString=query)
    return status, body


@pytest.mark.parametrize(
    ("model", "endpoint"),
    [
        (None, "cohere-test"),
        ("command", "cohere-test"),
        ("medium", "cohere-test"),
        ("cohere-test", "cohere-test"),
        ("command-light", "cohere-second"),
        ("cohere-second", "cohere-second"),
    ],
)
def test_the_model_chooses_the_endpoint(
    several: Function, upstream: Upstream, capsys: pytest.CaptureFixture[str], model: str | None, endpoint: str
) -> None:
    assert several.post({"prompt": "hello", **({"model": model} if model else {})})[0] == 200
    (request,) = upstream.requests
    assert request.startswith(f"POST /endpoints/{endpoint}/invocations ".encode())
    assert b'"model"' not in request
    line = json.loads(capsys.readouterr().out)
    assert line["endpoint"] == line["Endpoint"] == endpoint


@pytest.mark.parametrize("model", ["command-r", "embed-v4.0", "my secret"])
def test_an_unknown_model_is_told_the_known_ones(several: Function, upstream: Upstream, model: str) -> None:
    status, headers, body = several.post({"prompt": "hello", "model": model})
    assert (status, body["code"]) == (404, "model_not_found")
    assert body["message"] == (
        "model: is unknown here; known are command, medium, cohere-test, command-light, cohere-second; or leave it out"
    )
    assert "retry-after" not in headers
    assert upstream.requests == []


def test_the_list_of_models(several: Function) -> None:
    status, body = get(several, "/v1/models")
    assert status == 200
    generate = ["command", "medium", "cohere-test", "command-light", "cohere-second"]
    embed = ["embed-v4.0", "text-embedding-3-small", "cohere-embed"]
    assert [(one["name"], one["endpoints"]) for one in body["models"]] == [
        *((name, use) for names, use in ((generate[:3], ["generate"]), (embed, ["embed"])) for name in names),
        *((name, ["generate"]) for name in generate[3:]),
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("endpoint=embed", ["embed-v4.0", "text-embedding-3-small", "cohere-embed"]),
        ("endpoint=generate&default_only=true", ["command"]),
        ("endpoint=chat", []),
        ("page_size=2", ["command", "medium"]),
        ("default_only=true&page_size=" + "9" * 5000, ["command"]),
    ],
)
def test_the_list_of_models_for_a_use(several: Function, query: str, names: list[str]) -> None:
    assert [one["name"] for one in get(several, "/v1/models", query)[1]["models"]] == names


def test_one_model(several: Function) -> None:
    assert get(several, "/v1/models/command-light")[1]["endpoints"] == ["generate"]
    status, body = get(several, "/v1/models/nothing")
    assert (status, body["code"]) == (404, "model_not_found")


def test_openais_list(several: Function) -> None:
    status, body = get(several, "/compatibility/v1/models")
    assert (status, body["object"]) == (200, "list")
    assert body["data"][0] == {"id": "command", "object": "model", "created": 0, "owned_by": "cohere"}
    assert len(body["data"]) == 8


def test_one_model_in_openais_shape(several: Function) -> None:
    assert get(several, "/compatibility/v1/models/gpt%2F4")[1]["error"]["code"] == "model_not_found"
    assert get(several, "/compatibility/v1/models/command-light")[1]["id"] == "command-light"


def test_a_name_with_a_slash(function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS", "CohereLabs/command")
    named = Function(fresh_handler(monkeypatch).handler)
    for path in ("/v1/models/CohereLabs/command", "/v1/models/CohereLabs%2Fcommand"):
        assert get(named, path)[0] == 200
    assert get(named, "/v1/models/")[0] == 404


def test_the_front_door_has_checked_the_key(several: Function) -> None:
    assert several.post(None, path="/v1/check-api-key")[2] == {"valid": True}


@pytest.mark.parametrize("path", ["/v2/rerank", "/v1/rerank"])
def test_a_route_that_no_model_answers(several: Function, path: str) -> None:
    status, _, body = several.post({"query": "q", "documents": ["d"]}, path=path)
    assert (status, body["code"]) == (404, "not_found")
    assert body["message"].startswith(f"no model of this environment answers {path}; use /v1/generate, /v1/embed, ")


@pytest.mark.parametrize("path", ["/v1/tokenize", "/v1/detokenize", "/v1/classify", "/v1/summarize"])
def test_what_no_container_answers_says_what_to_do(several: Function, path: str) -> None:
    status, _, body = several.post({"text": "a"}, path=path)
    assert (status, body["code"]) == (404, "not_found")
    assert body["message"].startswith(f"{path}: no model on SageMaker answers it; ")


@pytest.mark.parametrize(
    ("path", "status"), [("/compatibility/v1/nothing", 404), ("/compatibility/v1/chat/completions", 404)]
)
def test_openais_clients_get_openais_errors(several: Function, path: str, status: int) -> None:
    found, _, body = several.post({}, path=path)
    assert found == status
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "code", "param"}
    assert (body["error"]["type"], body["error"]["code"]) == ("invalid_request_error", "not_found")


@pytest.mark.parametrize("value", ["{", "{}x", "[1]", '[{"name": "e"}]', '[{"name": "e", "api": "x", "models": []}]'])
def test_wrong_endpoints_end_the_start(function: Function, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ENDPOINTS", value)
    with pytest.raises(RuntimeError, match="ENDPOINTS must be a list of objects with name, api and models"):
        fresh_handler(monkeypatch)
