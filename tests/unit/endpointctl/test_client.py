"""The client: signed for the door it asks, led astray by nothing, patient when that can help, clear when refused."""

import io
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from endpointctl import cli, client
from endpointctl.client import Client, EndpointClient
from endpointctl.completion import Completion
from endpointctl.failure import Failure, Lost, Unreachable
from endpointctl.refused import (
    EndpointAway,
    NotAllowed,
    QuotaExceeded,
    Refused,
    Throttled,
    TimedOut,
    Unavailable,
    WrongRequest,
)

FUNCTION = "https://abc.lambda-url.us-east-1.on.aws/"
REST = "https://abc.execute-api.us-east-1.amazonaws.com/live/"
GOOD = b'{"generations": [{"text": "hi"}]}'
Answer = tuple[int, dict[str, str], bytes]


class Door:
    """A server that answers as told: the given answers in turn, then the last one again."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [(200, {}, GOOD)]
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.seconds = 0.0
        self.hangs_up = False


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    door = Door()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            door.asked.append((self.path, dict(self.headers), json.loads(body)))
            time.sleep(door.seconds)
            if door.hangs_up:
                self.close_connection = True
                return
            status, headers, content = door.answers[min(len(door.asked), len(door.answers)) - 1]
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{http.server_port}")
    yield door
    http.shutdown()
    http.server_close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(client, "time", type("Time", (), {"sleep": found.append, "monotonic": time.monotonic}))
    return found


def of(url: str = FUNCTION, **options: Any) -> Client:
    return Client(url, Credentials("AKIDEXAMPLE", "secret"), "us-east-1", **options)


@pytest.mark.parametrize(
    ("url", "path", "service"),
    [(FUNCTION, "/v1/generate", "lambda"), (REST, "/live/v1/generate", "execute-api")],
)
def test_it_signs_for_the_door_wherever_it_connects(door: Door, url: str, path: str, service: str) -> None:
    completion = of(url).generate("p", max_tokens=5, seed=None)
    assert (completion.texts, completion.tokens) == (["hi"], None)
    asked, headers, body = door.asked[0]
    assert (asked, body) == (path, {"prompt": "p", "max_tokens": 5})
    assert headers["Host"] == url.split("/")[2]
    assert f"/us-east-1/{service}/aws4_request" in headers["Authorization"]
    assert "host" in headers["Authorization"]


def test_with_a_key_nothing_is_signed(door: Door) -> None:
    of(REST, api_key="k" * 20).generate("p")
    _, headers, _ = door.asked[0]
    assert headers["x-api-key"] == "k" * 20
    assert "Authorization" not in headers


def test_what_an_answer_tells() -> None:
    one = {
        "text": "a b",
        "token_likelihoods": [{"token": "a", "likelihood": -1.0}, {"token": " b", "likelihood": -3.0}],
    }
    whole = Completion({"generations": [{**one, "likelihood": -2.0}, one]}, 0.1)
    assert (whole.tokens, whole.tokens_in) == (4, None)
    first, second = whole.generations
    assert (first.text, first.tokens, first.likelihood, first.token_likelihoods) == ("a b", 2, -2.0, (-1.0, -3.0))
    assert second.likelihood is None
    assert Completion({"generations": [one, {"text": ""}]}, 0.1).tokens is None
    billed = {"billed_units": {"input_tokens": 3, "output_tokens": 4}}
    chat = Completion({"generations": [{"text": "", "finish_reason": "COMPLETE"}], "meta": billed}, 0.1)
    assert (chat.tokens, chat.tokens_in, chat.generations[0].finish_reason) == (4, 3, "COMPLETE")


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (
            400,
            {"message": "p: must be", "id": "1", "code": "invalid_field"},
            WrongRequest,
            "HTTP 400 [invalid_field]: p",
        ),
        (400, {"message": "too long", "id": "1", "code": "model_refused"}, WrongRequest, "HTTP 400 [model_refused]"),
        (403, {"Message": "Forbidden"}, NotAllowed, "HTTP 403: Forbidden"),
        (429, {"message": "m", "id": "1", "code": "quota_exceeded"}, QuotaExceeded, "HTTP 429 [quota_exceeded]"),
        (500, {"message": "m", "id": "1", "code": "access_denied"}, NotAllowed, "HTTP 500 [access_denied]"),
        (500, {"message": "m", "id": "1", "code": "internal_error"}, Refused, "HTTP 500 [internal_error]"),
        (502, {"message": "m", "id": "1", "code": "endpoint_unavailable"}, EndpointAway, "HTTP 502"),
        (504, {"message": "m", "id": "1", "code": "timed_out"}, TimedOut, "HTTP 504 [timed_out]"),
        (504, {"message": "m", "id": "1", "code": "connection_lost"}, TimedOut, "HTTP 504 [connection_lost]"),
        (502, "Bad Gateway", Refused, "HTTP 502: Bad Gateway"),
        (500, [], Refused, "HTTP 500: []"),
    ],
)
def test_a_refusal_is_sent_once_and_says_what_it_is(
    door: Door, status: int, body: Any, kind: type[Refused], said: str
) -> None:
    door.answers = [(status, {}, body.encode() if isinstance(body, str) else json.dumps(body).encode())]
    with pytest.raises(kind) as caught:
        of().generate("p")
    assert type(caught.value) is kind
    assert (caught.value.status, len(door.asked)) == (status, 1)
    assert caught.value.reason.startswith(said)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, "throttled", Throttled),
        (503, "not_ready", Unavailable),
        (503, "unavailable", Unavailable),
        (429, "", Throttled),
    ],
)
def test_what_is_busy_is_asked_again_after_the_time_it_names(
    door: Door, pauses: list[float], status: int, code: str, kind: type[Refused]
) -> None:
    busy: Answer = (status, {"Retry-After": "7"}, json.dumps({"message": "m", "code": code}).encode())
    door.answers = [busy, busy, (200, {}, GOOD)]
    assert of().generate("p").attempts == 3
    assert len(pauses) == 2
    assert all(7 <= seconds <= 7 * 1.25 for seconds in pauses)
    door.asked.clear()
    door.answers = [busy]
    with pytest.raises(kind) as caught:
        of(attempts=2).generate("p")
    assert (caught.value.retry_after, len(door.asked)) == (7.0, 2)


def test_ten_at_once_take_as_long_as_one(door: Door) -> None:
    door.seconds = 0.3
    asking = of(at_once=10)
    began = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        assert len(list(pool.map(lambda number: asking.generate("p", seed=number).texts, range(10)))) == 10
    assert time.monotonic() - began < 2
    assert {body["seed"] for _, _, body in door.asked} == set(range(10))


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Unreachable, match=r"^no answer from http://127\.0\.0\.1:1: NewConnectionError$"):
        of().generate("p")


def test_a_connection_that_breaks_is_told_apart_and_nothing_is_sent_again(door: Door) -> None:
    door.hangs_up = True
    with pytest.raises(Lost, match="no answer from"):
        of().generate("p")
    assert len(door.asked) == 1


def test_direct_mode_asks_sagemaker_itself_and_once(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    endpoint = EndpointClient("cohere-x", "us-east-1")
    assert endpoint.generate("p", k=3).generations[0].text == "hi"
    assert door.asked[0][0] == "/endpoints/cohere-x/invocations"
    assert door.asked[0][2] == {"prompt": "p", "k": 3}
    for error, kind in (
        ("ThrottlingException", Throttled),
        ("ValidationError", EndpointAway),
        ("ExpiredTokenException", NotAllowed),
    ):
        door.asked.clear()
        door.answers = [(400, {"x-amzn-ErrorType": error}, b'{"message": "m"}')]
        with pytest.raises(kind):
            endpoint.generate("p")
        assert len(door.asked) == 1
    told = json.dumps({"Message": "m", "OriginalStatusCode": 400, "OriginalMessage": "{}"}).encode()
    door.answers = [(424, {"x-amzn-ErrorType": "ModelError"}, told)]
    with pytest.raises(WrongRequest):
        endpoint.generate("p")


def test_direct_mode_is_for_packages_that_answer_generate() -> None:
    with pytest.raises(Failure, match="answers chat, which is no generate: leave --direct out"):
        Client.direct("prod")


@pytest.mark.parametrize(
    ("argument", "content", "prompt"), [("hello", None, "hello"), ("-", "in", "in"), (None, "in", "in")]
)
def test_where_a_prompt_comes_from(
    monkeypatch: pytest.MonkeyPatch, argument: str | None, content: str | None, prompt: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(content or ""))
    assert cli._prompt(argument, None) == prompt


def test_a_prompt_from_a_file_and_prompts_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text("from a file", "utf-8")
    assert cli._prompt(None, file) == "from a file"
    with pytest.raises(Failure, match="exclude each other"):
        cli._prompt("hello", file)
    with pytest.raises(Failure, match="give a file of UTF-8 text"):
        cli._prompt(None, tmp_path / "missing.txt")
    monkeypatch.setattr("sys.stdin", io.StringIO(" \n"))
    with pytest.raises(Failure, match="the prompt is empty"):
        cli._prompt(None, None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Failure("x"), 1),
        (NotAllowed(403, {}), 1),
        (WrongRequest(400, {}), 3),
        (Throttled(429, {}), 4),
        (Unavailable(503, {}), 4),
        (TimedOut(504, {}), 5),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, error: Failure, code: int) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == code
