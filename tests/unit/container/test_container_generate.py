"""The container's contract: what goes in, what comes out, what is refused."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_aws.container import CORPUS, Container, tokens
from local_aws.container.model import Model
from local_aws.runner.article import PROMPT

CONTAINER = Container.from_settings(None, None)
MODEL = Model(CORPUS.read_text("utf-8"))


def ask(container: Container = CONTAINER, **fields: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"prompt": PROMPT, **fields}).encode()
    status, content_type, answer = container.handle(body, "application/json")
    assert content_type == "application/json"
    return status, json.loads(answer)


def generation(**fields: Any) -> dict[str, Any]:
    status, answer = ask(**fields)
    assert status == 200, answer
    first: dict[str, Any] = answer["generations"][0]
    return first


def test_the_answers_shape() -> None:
    status, answer = ask(max_tokens=5)
    assert status == 200
    assert set(answer) == {"id", "generations", "prompt"}
    assert answer["prompt"] == PROMPT
    assert [set(one) for one in answer["generations"]] == [{"text"}]


def test_temperature_0_repeats_itself() -> None:
    assert generation(max_tokens=100, temperature=0) == generation(max_tokens=100, temperature=0)
    assert generation(max_tokens=50, temperature=0) == generation(max_tokens=50, temperature=3, k=1)


def test_a_seed_repeats_itself_and_none_does_not() -> None:
    assert generation(max_tokens=60, seed=7) == generation(max_tokens=60, seed=7)
    assert generation(max_tokens=60, seed=7) != generation(max_tokens=60, seed=8)
    assert generation(max_tokens=60) != generation(max_tokens=60)


def test_text_grows_with_max_tokens() -> None:
    lengths = [len(generation(max_tokens=n, temperature=0.9, seed=1)["text"]) for n in (100, 200, 300, 400, 500)]
    assert lengths == sorted(lengths)
    assert lengths[0] * 3 < lengths[-1]


def test_high_temperatures_wander() -> None:
    likelihoods = [
        generation(max_tokens=100, temperature=t, seed=1, return_likelihoods="GENERATION")["likelihood"]
        for t in (0.5, 2, 5)
    ]
    assert likelihoods == sorted(likelihoods, reverse=True)


def test_likelihoods_are_the_models_own() -> None:
    found = generation(max_tokens=30, temperature=2, seed=3, return_likelihoods="GENERATION", frequency_penalty=0.5)
    listed = found["token_likelihoods"]
    assert "".join(one["token"] for one in listed) == found["text"]
    history = MODEL.ids(tokens.split(PROMPT))
    for one in listed:
        token = MODEL.ids([one["token"]])[0]
        assert one["likelihood"] == pytest.approx(MODEL.likelihood(history, token))
        history.append(token)
    assert found["likelihood"] == pytest.approx(sum(one["likelihood"] for one in listed) / 30)


def test_all_likelihoods_include_the_prompts() -> None:
    found = generation(max_tokens=0, return_likelihoods="ALL")
    assert found["text"] == ""
    assert "".join(one["token"] for one in found["token_likelihoods"]) == PROMPT


def test_stop_sequences_end_the_text_behind_and_end_sequences_before() -> None:
    assert generation(max_tokens=200, temperature=0, stop_sequences=["touch", "broke"])["text"].endswith("to touch")
    assert generation(max_tokens=200, temperature=0, end_sequences=["touch"])["text"].endswith("afraid to ")


def test_penalties_lessen_repetition() -> None:
    def kinds(**fields: Any) -> int:
        return len(set(tokens.split(generation(max_tokens=300, temperature=0, **fields)["text"])))

    assert kinds() < kinds(presence_penalty=1) or kinds() < kinds(frequency_penalty=1)


def test_num_generations() -> None:
    assert len(ask(num_generations=3, max_tokens=5)[1]["generations"]) == 3


def test_truncation() -> None:
    long = "work " * 3000
    status, answer = ask(prompt=long, max_tokens=48, truncate="NONE")
    assert (status, answer["message"]) == (
        400,
        "too many tokens: total number of tokens (prompt and prediction) cannot exceed 2048 - received 3049",
    )
    prompt = "alpha " + "work " * 3000 + "omega"
    for truncate, kept in (("START", "omega"), ("END", "alpha")):
        shown = generation(prompt=prompt, max_tokens=48, truncate=truncate, return_likelihoods="ALL", seed=1)
        assert len(shown["token_likelihoods"]) == 2048
        assert kept in {one["token"].strip() for one in shown["token_likelihoods"]}
    assert ask(max_tokens=2048)[0] == 400


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"prompt": None}, 400, "prompt must be a string"),
        ({"prompt": 1}, 422, "prompt must be a string"),
        ({"prompt": ""}, 400, "prompt must be at least 1 token long"),
        ({"temperature": 5.5}, 400, "temperature must be between 0 and 5 inclusive"),
        ({"temperature": "hot"}, 422, "temperature must be a number"),
        ({"k": 501}, 400, "k must be between 0 and 500 inclusive"),
        ({"k": 1.5}, 422, "k must be an integer"),
        ({"p": 2}, 400, "p must be between 0 and 1 inclusive"),
        ({"max_tokens": 0}, 400, "max_tokens can only be 0 when return_likelihoods is set to ALL"),
        ({"max_tokens": True}, 422, "max_tokens must be an integer"),
        ({"num_generations": 6}, 400, "num_generations must be between 1 and 5 inclusive"),
        ({"return_likelihoods": "SOME"}, 400, "return_likelihoods must be one of NONE, GENERATION, ALL"),
        ({"truncate": "MIDDLE"}, 400, "truncate must be one of NONE, START, END"),
        ({"stop_sequences": "x"}, 422, "stop_sequences must be a list of strings"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], status: int, message: str) -> None:
    assert ask(**fields) == (status, {"message": f"invalid request: {message}"})


@pytest.mark.usefixtures("deep_nesting")
def test_other_content_and_no_json() -> None:
    assert CONTAINER.handle(b"{}", "text/csv")[0] == 415
    assert CONTAINER.handle(b"{", "application/json")[0] == 400
    assert CONTAINER.handle(b"[" * 100_000, "application/json")[0] == 400


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["prompt", "k", "p", "seed", "temperature", "truncate"]), st.none() | st.text() | st.floats()
    )
)
def test_it_never_raises(document: dict[str, Any]) -> None:
    status, _, body = CONTAINER.handle(json.dumps({"max_tokens": 3, **document}).encode(), "application/json")
    assert status in (200, 400, 422)
    assert isinstance(json.loads(body), dict)


@pytest.fixture
def openai() -> Iterator[tuple[str, list[dict[str, Any]], dict[str, Any]]]:
    """An OpenAI-compatible server: its address, the requests it received, and its response."""
    received: list[dict[str, Any]] = []
    reply: dict[str, Any] = {"status": 200, "body": {}}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append({"path": self.path, **json.loads(self.rfile.read(int(self.headers["Content-Length"])))})
            content = json.dumps(reply["body"]).encode()
            self.send_response(reply["status"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", received, reply
    server.shutdown()
    server.server_close()


def test_another_model(openai: tuple[str, list[dict[str, Any]], dict[str, Any]]) -> None:
    url, received, reply = openai
    container = Container.from_settings(url, "tiny")
    reply["body"] = {"choices": [{"text": " hi", "logprobs": {"tokens": [" h", "i"], "token_logprobs": [-1.0, -3.0]}}]}
    status, answer = ask(container, temperature=5, return_likelihoods="GENERATION", stop_sequences=["x"], seed=4)
    assert (status, answer["generations"][0]["text"], answer["generations"][0]["likelihood"]) == (200, " hi", -2.0)
    assert received[0]["path"] == "/v1/completions"
    fields = [received[0][name] for name in ("model", "temperature", "stop", "seed")]
    assert fields == ["tiny", 2.0, ["x"], 4]


def test_another_model_that_fails(openai: tuple[str, list[dict[str, Any]], dict[str, Any]]) -> None:
    url, _, reply = openai
    container = Container.from_settings(url, None)
    reply["status"] = 500
    assert ask(container) == (502, {"message": "the OpenAI-compatible server answered 500"})
    reply.update(status=200, body={"choices": "none"})
    assert ask(container)[0] == 502
    assert ask(container, return_likelihoods="ALL")[0] == 400
    assert ask(Container.from_settings("http://127.0.0.1:1", None))[0] == 502
