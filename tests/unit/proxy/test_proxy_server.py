"""The streaming function's server, over sockets: every piece leaves at once, and no request is mistaken for another."""

import contextlib
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy import server as module
from proxy.adapters import lambda_event, web_adapter
from proxy.core import Core
from proxy.errors import ProxyError
from proxy.http import Request, Response
from stacks.settings import ENVIRONMENTS

from .function import CAPS, GOOD, Function, Upstream, answer

ROOT = ENVIRONMENTS.parent
KEY = "the-key-of-the-caller"
URL_CONTEXT = {
    "http": {"method": "POST", "path": "/v1/generate"},
    "timeEpoch": 1_700_000_000_000,
    "authorizer": {"iam": {"userArn": "arn:aws:iam::111122223333:user/ä"}},
}
REST_CONTEXT = {
    "resourcePath": "/v1/generate",
    "requestTimeEpoch": 1_700_000_000_000,
    "identity": {"apiKey": KEY, "apiKeyId": "key-id", "userArn": None},
}


def headers(context: Any = URL_CONTEXT, seconds: float = 30, **more: str) -> dict[str, Any]:
    """Return the headers that the adapter sends; the context's bytes are UTF-8."""
    invocation = {"request_id": "request-1", "deadline": int((time.time() + seconds) * 1000)}
    return {
        "x-amzn-request-context": json.dumps(context, ensure_ascii=False).encode(),
        "x-amzn-lambda-context": json.dumps(invocation),
        "content-type": "application/json",
        **more,
    }


class Answers:
    """Stands for the core: reads the request, and responds with what a test gives.

    Attributes:
        pieces: called for the pieces of each response.
        requests: the requests, with their bodies.
        errors: the codes of requests that could not be read.
        reads: whether it reads bodies.

    """

    def __init__(self) -> None:
        self.pieces: Callable[[], Iterator[bytes]] = lambda: iter((b'{"a": 1}',))
        self.requests: list[tuple[Request, bytes]] = []
        self.errors: list[str] = []
        self.ids: list[str] = []
        self.seconds: list[float] = []
        self.reads = True

    def respond(
        self, read_request: Callable[[], Request], *, request_id: str, remaining_seconds: Callable[[], float]
    ) -> Response:
        self.ids.append(request_id)
        self.seconds.append(remaining_seconds())
        try:
            request = read_request()
            self.requests.append((request, request.read_body(1000) if self.reads else b""))
        except ProxyError as error:
            self.errors.append(error.code)
            return Response(error.status, {"content-type": "application/json"}, iter((b'{"code": 1}',)))
        return Response(200, {"content-type": "text/event-stream"}, self.pieces())


@pytest.fixture
def core() -> Answers:
    return Answers()


@contextlib.contextmanager
def serving(respond: Callable[..., Response]) -> Iterator[int]:
    with module.Server(0, respond) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def port(core: Answers) -> Iterator[int]:
    with serving(core.respond) as number:
        yield number


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as found:
        yield found


def send(connection: http.client.HTTPConnection, body: bytes = b"{}", **more: Any) -> tuple[int, bytes]:
    connection.request("POST", more.pop("path", "/v1/generate"), body, more.pop("headers", headers()))
    response = connection.getresponse()
    return response.status, response.read()


def raw(port: int, content: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(content)
    return client


def head(length: int | str, **more: Any) -> bytes:
    lines = b"".join(
        b"%s: %s\r\n" % (name.encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in {**headers(**more), "content-length": str(length)}.items()
    )
    return b"POST /v1/generate HTTP/1.1\r\nhost: a\r\n" + lines + b"\r\n"


def everything(client: socket.socket) -> bytes:
    """Return what arrives until the server closes the connection."""
    found = b""
    with client, contextlib.suppress(ConnectionError):
        while part := client.recv(65536):
            found += part
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def test_the_readiness_check_reaches_no_core(connection: http.client.HTTPConnection, core: Answers) -> None:
    connection.request("GET", "/healthz")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b'{"status": "ok"}')
    assert core.ids == []


def test_a_callers_health_request_does(connection: http.client.HTTPConnection, core: Answers) -> None:
    core.reads = False
    connection.request("GET", "/healthz", headers=headers())
    assert connection.getresponse().read() == b'{"a": 1}'
    assert core.requests[0][0].path == "/healthz"


def test_a_request_through_a_function_url(connection: http.client.HTTPConnection, core: Answers) -> None:
    assert send(connection, b'{"prompt": "\xc3\xa4"}') == (200, b'{"a": 1}')
    request, body = core.requests[0]
    assert (request.method, request.path, body) == ("POST", "/v1/generate", b'{"prompt": "\xc3\xa4"}')
    assert (request.caller, request.received_at) == ("arn:aws:iam::111122223333:user/ä", 1_700_000_000)
    assert core.ids == ["request-1"]
    assert 29 < core.seconds[0] <= 30


@pytest.mark.parametrize(
    ("resource", "target", "path"),
    [
        ("/v1/generate", "/v1/generate", "/v1/generate"),
        ("/v1/generate", "/llm/v1/generate?a=b", "/v1/generate"),
        ("/{proxy+}", "/v1/models/a%20b", "/v1/models/a b"),
        ("/v1/models/{name}", "/v1/models/a", "/v1/models/a"),
    ],
)
def test_a_request_through_a_rest_api(
    connection: http.client.HTTPConnection, core: Answers, resource: str, target: str, path: str
) -> None:
    send(connection, path=target, headers=headers({**REST_CONTEXT, "resourcePath": resource}))
    request, _ = core.requests[0]
    assert (request.path, request.caller, request.received_at) == (path, "key-id", 1_700_000_000)


def test_the_query_is_where_the_event_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[dict[str, Any]] = []
    original = lambda_event.request_of

    def keep(event: Any) -> Request:
        events.append(event)
        return original(event)

    monkeypatch.setattr(lambda_event, "request_of", keep)
    context = [("x-amzn-request-context", json.dumps(REST_CONTEXT))]
    web_adapter.request_of("GET", "/v1/models?endpoint=chat&a=%20&b=", context, lambda _: b"")
    assert events[0]["rawQueryString"] == "endpoint=chat&a=%20&b="
    assert events[0]["queryStringParameters"] == {"endpoint": "chat", "a": " ", "b": ""}


def test_the_key_of_a_caller_goes_nowhere(
    connection: http.client.HTTPConnection, core: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Iterator[bytes]:
        yield b"one"
        raise ValueError(KEY)

    core.pieces = broken
    with pytest.raises(http.client.IncompleteRead):
        send(connection, headers=headers(REST_CONTEXT))
    wait_for(lambda: bool(core.requests))
    assert KEY not in repr(core.requests[0][0])
    assert not [name for name in core.requests[0][0].headers if name.startswith("x-amzn")]
    written = capsys.readouterr()
    assert KEY not in written.out + written.err
    assert json.loads(written.out) == {
        "level": "ERROR",
        "message": "response broken",
        "cause": "ValueError",
        "request_id": "request-1",
    }


@pytest.mark.parametrize("context", [None, [], "text", {}, {"http": "no"}, {"resourcePath": 1, "identity": 2}])
def test_what_came_through_no_front_door(connection: http.client.HTTPConnection, core: Answers, context: Any) -> None:
    expected = (200, []) if context in ({}, {"resourcePath": 1, "identity": 2}) else (400, ["malformed_request"])
    assert (send(connection, headers=headers(context))[0], core.errors) == expected


@pytest.mark.parametrize("value", [None, "", "no JSON", "[]", '{"request_id": "a"}', '{"deadline": "soon"}'])
def test_without_a_context_of_lambda_no_time_is_left(
    connection: http.client.HTTPConnection, core: Answers, value: str | None
) -> None:
    sent = {**headers(), "x-amzn-lambda-context": value}
    status, _ = send(connection, headers={name: text for name, text in sent.items() if text is not None})
    assert (status, core.ids) == (200, [""])
    assert core.seconds[0] < 0


def test_each_piece_leaves_at_once(connection: http.client.HTTPConnection, core: Answers) -> None:
    may_go_on = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"one"
        assert may_go_on.wait(10)
        yield b""  # nothing to send, and not the end
        yield b"two"

    core.pieces = pieces
    connection.request("POST", "/v1/generate", b"{}", headers())
    response = connection.getresponse()
    assert response.read1() == b"one"
    may_go_on.set()
    assert response.read() == b"two"


def test_the_head_does_not_wait_for_the_first_piece(connection: http.client.HTTPConnection, core: Answers) -> None:
    may_go_on = threading.Event()

    def pieces() -> Iterator[bytes]:
        assert may_go_on.wait(10)
        yield b"one"

    core.pieces = pieces
    connection.request("POST", "/v1/generate", b"{}", headers())
    response = connection.getresponse()
    assert response.status == 200
    may_go_on.set()
    assert response.read() == b"one"


def test_a_response_without_a_body_gets_one(connection: http.client.HTTPConnection, core: Answers) -> None:
    core.pieces = lambda: iter(())
    assert send(connection) == (200, b"\n")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_every_method_reaches_the_core(connection: http.client.HTTPConnection, core: Answers, method: str) -> None:
    core.reads = False
    connection.request(method, "/v1/generate", headers=headers())
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"" if method == "HEAD" else b'{"a": 1}')
    assert core.requests[0][0].method == "POST"  # as the Function URL's context says
    assert send(connection)[0] == 200


def test_a_connection_serves_many_requests(connection: http.client.HTTPConnection, core: Answers) -> None:
    for number in range(5):
        send(connection, str(number).encode())
        assert connection.sock
    assert [body for _, body in core.requests] == [b"0", b"1", b"2", b"3", b"4"]


def test_requests_that_arrive_together_are_answered_in_turn(port: int, core: Answers) -> None:
    client = raw(port, head(3) + b"one" + head(3) + b"two" + head("wrong"))
    found = everything(client)
    assert [body for _, body in core.requests] == [b"one", b"two"]
    assert found.count(b"HTTP/1.1 200 OK") == 2
    assert found.count(b"HTTP/1.1 400 Bad Request") == 1


def test_a_body_that_nobody_reads_is_not_the_next_request(
    connection: http.client.HTTPConnection, core: Answers
) -> None:
    core.reads = False
    send(connection, b"POST /evil HTTP/1.1\r\n\r\n")
    core.reads = True
    send(connection, b"two")
    assert [body for _, body in core.requests] == [b"", b"two"]


def test_a_body_in_chunks(connection: http.client.HTTPConnection, core: Answers) -> None:
    connection.request("POST", "/v1/generate", iter((b"on", b"e")), headers(), encode_chunked=True)
    assert connection.getresponse().read() == b'{"a": 1}'
    assert core.requests[0][1] == b"one"


def test_a_slow_body_is_waited_for(port: int, core: Answers) -> None:
    client = raw(port, head(6) + b"one")
    wait_for(lambda: bool(core.ids))
    client.sendall(b"two")
    assert client.recv(15) == b"HTTP/1.1 200 OK"
    assert core.requests[0][1] == b"onetwo"
    client.close()


def test_a_body_that_never_comes_is_given_up_at_the_deadline(port: int, core: Answers) -> None:
    found = everything(raw(port, head(6, seconds=0) + b"one"))
    assert found.startswith(b"HTTP/1.1 400 Bad Request")
    assert core.errors == ["malformed_request"]


def test_a_body_that_ends_early(port: int, core: Answers) -> None:
    client = raw(port, head(6) + b"one")
    client.shutdown(socket.SHUT_WR)
    assert everything(client).startswith(b"HTTP/1.1 400 Bad Request")
    assert core.errors == ["malformed_request"]


def test_a_body_that_is_too_large(connection: http.client.HTTPConnection, core: Answers) -> None:
    assert send(connection, b"x" * 1001)[0] == 413
    assert send(connection, b"x" * 1000)[0] == 200
    assert core.errors == ["request_too_large"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST /v1/generate HTTP/9.9\r\n\r\n", b"505"),
        (b"BREW /v1/generate HTTP/1.1\r\n\r\n", b"501"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", b"431"),
    ],
)
def test_what_is_no_request_is_not_repeated(
    port: int, content: bytes, status: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    found = everything(raw(port, content))
    assert found.startswith(b"HTTP/1.1 " + status)
    assert b"nonsense" not in found
    assert b"BREW" not in found
    assert json.loads(found.partition(b"\r\n\r\n")[2])["message"]
    assert capsys.readouterr() == ("", "")


class Pieces:
    """Pieces without an end; tells when it was closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __iter__(self) -> "Pieces":
        return self

    def __next__(self) -> bytes:
        time.sleep(0.001)
        return b"x" * 100_000

    def close(self) -> None:
        self.closed.set()


@pytest.mark.parametrize("is_reset", [True, False], ids=["reset", "closed"])
def test_a_client_that_disconnects_ends_the_response(
    port: int, core: Answers, is_reset: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    pieces = Pieces()
    core.pieces = lambda: pieces
    client = raw(port, head(2) + b"{}")
    assert client.recv(15) == b"HTTP/1.1 200 OK"
    if is_reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert pieces.closed.wait(10)
    assert capsys.readouterr() == ("", "")


def test_a_client_that_does_not_read_is_left_at_the_deadline(port: int, core: Answers) -> None:
    pieces = Pieces()
    core.pieces = lambda: pieces
    with raw(port, head(2, seconds=0) + b"{}"):
        assert pieces.closed.wait(10)


def test_the_pieces_are_closed_at_the_end(connection: http.client.HTTPConnection, core: Answers) -> None:
    ended = threading.Event()

    def pieces() -> Iterator[bytes]:
        try:
            yield b"one"
        finally:
            ended.set()

    core.pieces = pieces
    assert send(connection) == (200, b"one")
    assert ended.wait(10)


def test_after_a_broken_response_the_server_goes_on(connection: http.client.HTTPConnection, core: Answers) -> None:
    def broken() -> Iterator[bytes]:
        yield b"one"
        raise OSError

    core.pieces = broken
    with pytest.raises(http.client.IncompleteRead) as caught:
        send(connection)
    assert caught.value.partial == b"one"
    connection.close()
    core.pieces = lambda: iter((b"two",))
    assert send(connection) == (200, b"two")


def test_a_hundred_streams_at_once(port: int, core: Answers) -> None:
    """None waits for another: all have their first piece before any has its second."""
    everyone = threading.Barrier(100)

    def pieces() -> Iterator[bytes]:
        yield b"one"
        everyone.wait(20)
        yield b"two"

    core.pieces = pieces
    results: list[bytes] = []

    def ask() -> None:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as one:
            results.append(send(one)[1])

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [b"onetwo"] * 100


SETTINGS = {"API": "generate", "ENDPOINT_NAME": "e", "GENERATE_TIMEOUT_SECONDS": "65", "MAX_REQUEST_BYTES": "1000"}


def test_the_real_core_answers_as_behind_the_buffered_handler(
    function: Function, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxy import settings

    upstream.behave = answer(200, GOOD)
    with (
        serving(Core(settings.read(os.environ)).respond) as port,
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection,
    ):
        now = {**REST_CONTEXT, "requestTimeEpoch": int(time.time() * 1000)}
        status, body = send(connection, b'{"prompt": "p"}', headers=headers(now))
        assert (status, json.loads(body)) == (200, function.post({"prompt": "p"})[2])
        status, body = send(connection, b'{"prompt": "p"}', path="/elsewhere", headers=headers(URL_CONTEXT))
        assert (status, json.loads(body)["id"]) == (404, "request-1")


@contextlib.contextmanager
def started(variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run the start script as the adapter does."""
    root = ROOT / "lambda"
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LAMBDA_TASK_ROOT": str(root),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **variables,
    }
    process = subprocess.Popen(
        [root / "proxy" / "start.sh"],
        env=environment,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def test_it_starts_and_ends_cleanly_at_sigterm() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with started({**SETTINGS, **CAPS, "AWS_LWA_PORT": str(port)}) as process:

        def ready() -> bool:
            assert process.poll() is None
            with (
                contextlib.suppress(OSError),
                contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection,
            ):
                connection.request("GET", "/healthz")
                return connection.getresponse().status == 200
            return False

        wait_for(ready)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=10)[0] == ""
        assert process.returncode == 0


def test_with_wrong_settings_it_does_not_start() -> None:
    with started({**SETTINGS, **CAPS, "ENDPOINT_NAME": ""}) as process:
        output, _ = process.communicate(timeout=10)
        assert process.returncode == 1
        assert output == "the environment variable ENDPOINT_NAME is missing: deploy the proxy's stack again\n"
