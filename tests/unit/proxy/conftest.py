"""The function of the tests, and the stand-in for SageMaker's runtime behind it."""

import socket
import struct
import threading
from collections.abc import Iterator
from functools import cache

import pytest

from proxy.upstream import sdk

from .function import GOOD, SETTINGS, Function, Upstream, answer, fresh_handler, read_request, set_sdk


@pytest.fixture(scope="session", autouse=True)
def _one_reading_of_the_sdks_data() -> Iterator[None]:
    """Read the SDK's data once, not for each function of each test: that is most of what a start costs."""
    shared = cache(sdk._OneService)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sdk, "_OneService", shared)
        yield


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    yield from listening(Upstream(answer(200, GOOD)))


@pytest.fixture
def waker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """A stand-in for Lambda's API."""
    for server in listening(Upstream(answer(202, b""))):
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{server.port}")
        yield server


def listening(server: Upstream) -> Iterator[Upstream]:
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            # Each on its own: a connection that hangs must not keep the next one waiting.
            threading.Thread(target=answer_one, args=(connection,), daemon=True).start()

    def answer_one(connection: socket.socket) -> None:
        with connection:
            try:
                if server.deaf:
                    # Only when the request is on its way: a reset during the connect is no connection at all.
                    connection.recv(1, socket.MSG_PEEK)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    server.requests.append(b"")
                    return
                request = read_request(connection)
                server.requests.append(request)
                (server.then if server.then and len(server.requests) > 1 else server.behave)(connection, request)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield server
    listener.close()


@pytest.fixture
def function(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Function:
    set_sdk(monkeypatch, upstream)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    return Function(fresh_handler(monkeypatch).handler)
