"""Every fault of SageMaker, of the container and of the way there: its answer, one attempt, and not a word too much."""

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from typing import Any

import pytest
import trustme
from botocore import exceptions as sdk

from proxy.upstream.errors import before_the_model, container_message, proxy_error_of

from .function import GOOD, Behaviour, Function, Upstream, answer, event, fresh_handler, read_request

CANARY = "the canary sings at midnight in the coal mine"
ACCOUNT = "111122223333"


def model_error(status: int, original: Any, message: str = "") -> Behaviour:
    text = original if isinstance(original, str) else json.dumps(original)
    content = {
        "Message": message
        or f'Received client error ({status}) from primary with message "{text}". See https://example.test in account '
        f"{ACCOUNT} for more information.",
        "OriginalStatusCode": status,
        "OriginalMessage": text,
        "LogStreamArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/e",
    }
    return answer(424, content, error="ModelError")


def fault(status: int, code: str) -> Behaviour:
    return answer(status, {"Message": f"{CANARY} {ACCOUNT}"}, error=code)


def hang(connection: socket.socket, _request: bytes) -> None:
    connection.settimeout(5)
    while connection.recv(1):
        time.sleep(0.01)


def reset(connection: socket.socket, _request: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def close(connection: socket.socket, _request: bytes) -> None:
    connection.close()


def stall(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    hang(connection, request)


def drip_body(connection: socket.socket, _request: bytes) -> None:
    """Send one byte at a time, each well within any time-out between two bytes."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b" ")
        time.sleep(0.02)


def drip_head(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(90):
        connection.sendall(b"x-%d: y\r\n" % number)
        time.sleep(0.05)


def nonsense(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x28" * 3)


SENT_TWICE = ("throttled with 400", "throttled with null", "not ready")
"""What cannot have reached the model."""

FAULTS: list[tuple[str, Behaviour, int, str]] = [
    ("validation", fault(400, "ValidationError"), 424, "endpoint_unavailable"),
    ("throttled with 400", fault(400, "ThrottlingException"), 429, "throttled"),
    ("throttled with null", answer(400, {"message": None}, error="ThrottlingException"), 429, "throttled"),
    ("not ready", fault(429, "ModelNotReadyException"), 503, "not_ready"),
    ("internal failure", fault(500, "InternalFailure"), 424, "sagemaker_failed"),
    ("service unavailable", fault(503, "ServiceUnavailable"), 424, "sagemaker_failed"),
    ("dependency", fault(530, "InternalDependencyException"), 424, "sagemaker_failed"),
    ("denied", fault(403, "AccessDeniedException"), 424, "access_denied"),
    ("expired", fault(403, "ExpiredTokenException"), 424, "access_denied"),
    ("unknown code", fault(418, "TeapotException"), 424, "bad_answer"),
    ("no error body", answer(500, b"<html>"), 424, "sagemaker_failed"),
    ("503 without a code", answer(503, b"<html>"), 424, "sagemaker_failed"),
    ("unknown code with 503", fault(503, "SomethingNew"), 424, "sagemaker_failed"),
    ("container 400", model_error(400, {"message": "too many tokens"}), 400, "model_refused"),
    ("container 413", model_error(413, {"message": "too long"}), 400, "model_refused"),
    ("container 422", model_error(422, {"message": "wrong type"}), 400, "model_refused"),
    ("container 429", model_error(429, {"message": "busy"}), 429, "throttled"),
    ("container 500", model_error(500, {"message": CANARY}), 424, "model_failed"),
    (
        "container timed out",
        model_error(0, "", "Your invocation timed out while waiting for a response from container primary."),
        424,
        "timed_out",
    ),
    ("hang", hang, 424, "timed_out"),
    ("stalled body", stall, 424, "timed_out"),
    ("reset", reset, 424, "connection_lost"),
    ("close", close, 424, "connection_lost"),
    ("body byte by byte", drip_body, 424, "timed_out"),
    ("head line by line", drip_head, 424, "timed_out"),
    ("no HTTP", nonsense, 424, "connection_lost"),
    ("cut body", answer(200, GOOD, length=5000), 424, "connection_lost"),
    ("not JSON", answer(200, b"hello"), 424, "bad_answer"),
    ("no generations", answer(200, {"embeddings": [[0.1]]}), 424, "bad_answer"),
    ("empty generations", answer(200, {"generations": []}), 424, "bad_answer"),
    ("wrong text", answer(200, {"generations": [{"text": 1}]}), 424, "bad_answer"),
    ("too large", answer(200, {"generations": [{"text": "x" * 6_300_000}]}), 424, "answer_too_large"),
]


@pytest.mark.parametrize(("what", "behave", "status", "code"), FAULTS, ids=[f[0] for f in FAULTS])
def test_a_fault(
    function: Function,
    upstream: Upstream,
    capsys: pytest.CaptureFixture[str],
    what: str,
    behave: Behaviour,
    status: int,
    code: str,
) -> None:
    upstream.behave = behave
    # What lasts until the deadline need not last long; whatever answers has time, on a busy machine too.
    budget = 0.6 if code == "timed_out" else 20
    started = time.monotonic()
    found, headers, body = function.call(event({"prompt": CANARY}), remaining_ms=int(1000 * (budget + 1)))
    assert (found, body["code"]) == (status, code)
    assert time.monotonic() - started < budget + 3, "it outlived the function"
    assert ("retry-after" in headers) == (status in (429, 503))
    attempts = 2 if what in SENT_TWICE else 1
    upstream.wait_for(attempts)
    assert len(upstream.requests) == attempts, "a generation must not run twice"
    printed = capsys.readouterr()
    written = json.dumps(body) + printed.out + printed.err
    assert CANARY not in written
    assert ACCOUNT not in written
    line = json.loads(printed.out)
    assert (line["status"], line["code"], line["request_id"]) == (status, code, "request-1")
    failed = status == 424 or status >= 500
    assert line["level"] == ("ERROR" if failed else "INFO")
    assert (headers.get("x-should-retry") == "false") == (failed and status != 503)
    assert line["attempts"] == attempts


@pytest.mark.parametrize("what", SENT_TWICE)
def test_what_never_reached_the_model_is_sent_once_more(function: Function, upstream: Upstream, what: str) -> None:
    upstream.behave, upstream.then = next(fault[1] for fault in FAULTS if fault[0] == what), answer(200, GOOD)
    status, _, body = function.post({"prompt": CANARY})
    assert (status, body["generations"], len(upstream.requests)) == (200, GOOD["generations"], 2)


def test_nothing_is_sent_again_when_no_time_is_left_for_it(function: Function, upstream: Upstream) -> None:
    upstream.behave = fault(400, "ThrottlingException")
    assert function.call(event({"prompt": CANARY}), remaining_ms=3000)[2]["code"] == "throttled"
    assert len(upstream.requests) == 1


def test_without_time_nothing_is_sent(function: Function, upstream: Upstream) -> None:
    """What is left is the proxy's reserve: an answer could never be passed on."""
    upstream.behave = answer(200, GOOD)
    assert function.call(event({"prompt": CANARY}), remaining_ms=900)[2]["code"] == "timed_out"
    assert not upstream.requests


def test_what_came_too_late_is_not_waited_for(function: Function, upstream: Upstream) -> None:
    """And does no harm to the next request."""
    upstream.behave, upstream.then = hang, answer(200, GOOD)
    assert function.call(event({"prompt": CANARY}), remaining_ms=1300)[2]["code"] == "timed_out"
    assert function.post({"prompt": CANARY})[0] == 200


def test_a_connection_that_was_idle_is_not_used_again(
    function: Function, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a freeze: the other end closed it meanwhile, and who sends into it cannot know what became of it."""
    ports: list[int] = []

    def stay_open(connection: socket.socket, request: bytes) -> None:
        ports.append(connection.getpeername()[1])
        content = json.dumps(GOOD).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
        while more := read_request(connection):
            ports.append(connection.getpeername()[1])
            upstream.requests.append(more)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)

    upstream.behave = stay_open
    assert function.post({"prompt": CANARY})[0] == 200
    assert function.post({"prompt": CANARY})[0] == 200
    assert len(set(ports)) == 1, "a connection that is fresh is kept"
    now = time.time() + 3600
    monkeypatch.setattr("proxy.upstream.client.time.time", lambda: now)
    assert function.post({"prompt": CANARY})[0] == 200
    assert len(set(ports)) == 2


def test_nobody_listens(function: Function, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", f"http://127.0.0.1:{port}")
    status, headers, body = Function(fresh_handler(monkeypatch).handler).post({"prompt": CANARY})
    assert (status, body["code"], headers["retry-after"]) == (503, "unavailable", "5")


def test_a_reset_before_the_request_was_read(function: Function, upstream: Upstream) -> None:
    """The proxy cannot know that: what it sent is gone either way, and is not sent again."""
    upstream.deaf = True
    status, _, body = function.post({"prompt": CANARY})
    assert (status, body["code"], len(upstream.requests)) == (424, "connection_lost", 1)


def test_a_certificate_that_is_not_trusted(
    function: Function, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    received: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                received.append(context.wrap_socket(connection, server_side=True).recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", f"https://localhost:{port}")
        status, headers, body = Function(fresh_handler(monkeypatch).handler).post({"prompt": CANARY})
    assert (status, body["code"], headers["retry-after"]) == (503, "unavailable", "5")
    assert not any(received), "the prompt was sent to somebody"
    assert json.loads(capsys.readouterr().out)["cause"] == "SSLError"


def test_no_credentials(upstream: Upstream, function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    status, _, body = Function(fresh_handler(monkeypatch).handler).post({"prompt": CANARY})
    assert (status, body["code"]) == (424, "access_denied")
    assert upstream.requests == []


def test_a_defect_of_ours_is_told_without_its_text(
    function: Function, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError(CANARY)

    monkeypatch.setattr("proxy.routes.request.FieldReader.read", broken)
    status, _, body = function.post({"prompt": CANARY})
    assert (status, body["code"]) == (500, "internal_error")
    printed = capsys.readouterr()
    assert CANARY not in json.dumps(body) + printed.out + printed.err
    assert json.loads(printed.out)["cause"] == "KeyError"


def test_a_defect_after_the_model_ran_is_not_retried(
    function: Function, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError(CANARY)

    monkeypatch.setattr("proxy.dialects.cohere_v1.generate.answer", broken)
    status, headers, body = function.post({"prompt": CANARY})
    assert (status, body["code"], headers["x-should-retry"]) == (424, "proxy_failed", "false")
    assert json.loads(capsys.readouterr().out)["code"] == "proxy_failed"


def test_one_log_line_without_prompt_or_completion(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    sent = json.dumps({"prompt": CANARY, "max_tokens": 7})
    function.post(sent)
    function.post({"prompt": CANARY})
    printed = capsys.readouterr().out
    first, second = map(json.loads, printed.splitlines())
    assert (first["request_bytes"], first["max_tokens"], first["generations"]) == (len(sent), 7, 1)
    assert (first["cold_start"], second["cold_start"]) == (True, False)
    assert "a good answer" not in printed
    assert CANARY not in printed


def test_at_the_level_error_answered_requests_are_counted_and_no_more(
    function: Function, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    function = Function(fresh_handler(monkeypatch).handler)
    function.post({"prompt": CANARY})
    function.call(event(None, path="/healthz", method="GET"))
    upstream.behave = fault(500, "InternalFailure")
    function.post({"prompt": CANARY})
    answered, failed = map(json.loads, capsys.readouterr().out.splitlines())
    assert answered["Requests"] == 1
    assert not {"status", "request_id", "request_bytes"} & set(answered)
    assert (failed["level"], failed["code"], failed["Requests"]) == ("ERROR", "sagemaker_failed", 1)


@pytest.mark.parametrize(
    ("original", "shown"),
    [
        ({"message": "too many tokens: received 2049"}, "too many tokens: received 2049"),
        ({"message": "line\none\x00two"}, "line one two"),
        ({"message": f"you said {CANARY}"}, None),
        ({"message": f"you said {CANARY.upper()[5:25]}"}, None),
        ({"message": f"see account {ACCOUNT}"}, None),
        ({"message": "see https://example.test"}, None),
        ({"message": "arn:aws:s3:::bucket"}, None),
        ({"message": ""}, None),
        ({"message": 5}, None),
        ({}, None),
        ([], None),
    ],
)
def test_what_a_container_says(original: Any, shown: str | None) -> None:
    assert container_message(json.dumps(original), CANARY) == (shown or "the model refused the request")


def test_a_prompt_of_several_lines_is_not_repeated_on_one() -> None:
    prompt = "the\ncanary\nsings\n\nat\nmidnight\nin the\ncoal\nmine"
    original = json.dumps({"message": "bad text: the canary sings at midnight in the coal mine"})
    assert container_message(original, prompt) == "the model refused the request"


def test_a_short_prompt_is_not_repeated_either() -> None:
    assert container_message('{"message": "bad word: hunter2"}', "hunter2") == "the model refused the request"


def test_a_container_that_talks_without_end_is_cut() -> None:
    assert len(container_message(json.dumps({"message": "word " * 1000}), CANARY)) <= 300


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (sdk.CredentialRetrievalError(provider="p", error_msg=CANARY), "access_denied"),
        (sdk.MetadataRetrievalError(error_msg=CANARY), "access_denied"),
        (sdk.ProxyConnectionError(proxy_url="http://127.0.0.1:1", error=OSError()), "unavailable"),
        (sdk.ConnectTimeoutError(endpoint_url="https://x"), "unavailable"),
        (sdk.ReadTimeoutError(endpoint_url="https://x"), "timed_out"),
        (sdk.ConnectionClosedError(endpoint_url="https://x"), "connection_lost"),
    ],
)
def test_errors_of_the_sdk_that_hold_no_response(error: Exception, code: str) -> None:
    found = proxy_error_of(error, CANARY)
    assert (found.code, CANARY in found.message) == (code, False)
    assert before_the_model(error) == (code == "unavailable")
