"""Credentials, API keys, network proxies and certificates: as boto3 does it."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from botocore.credentials import Credentials, ReadOnlyCredentials

from endpointctl.client import Client
from endpointctl.failure import Failure, Lost, Unreachable
from stacks import settings
from stacks.settings import ENVIRONMENTS
from tests.unit.endpointctl.http_server import HttpServer
from tests.unit.endpointctl.test_client import FUNCTION, REST, client

KEY = "k" * 20


class Renewed(Credentials):
    """Credentials that renew themselves between two reads of their members."""

    def __init__(self) -> None:
        self.generation = 0

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        self.generation += 1
        return ReadOnlyCredentials(f"AKID{self.generation}", "secret", f"token-{self.generation}")

    def _live(self) -> str:
        raise AssertionError("members of live credentials can be of different generations")

    access_key = secret_key = token = property(_live, lambda *_: None)


def test_each_request_is_signed_with_credentials_of_one_moment(server: HttpServer) -> None:
    called = Client(FUNCTION, Renewed(), "us-east-1")
    called.generate("p")
    called.generate("p")
    for number, (_, headers, _) in enumerate(server.requests, 1):
        assert f"Credential=AKID{number}/" in headers["Authorization"]
        assert headers["X-Amz-Security-Token"] == f"token-{number}"


def test_with_a_key_nothing_is_signed(server: HttpServer) -> None:
    client(REST, api_key=KEY).generate("p")
    _, headers, _ = server.requests[0]
    assert headers["x-api-key"] == KEY
    assert "Authorization" not in headers


def test_a_bearer_key_replaces_the_signature(server: HttpServer) -> None:
    client(REST, api_key=KEY, bearer=True).generate("p")
    _, headers, _ = server.requests[0]
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert "x-api-key" not in headers


def test_no_key_is_sent_to_a_function_url(server: HttpServer) -> None:
    with pytest.raises(Failure) as caught:
        client(FUNCTION, api_key=KEY)
    assert "ENDPOINTCTL_API_KEY" in caught.value.reason
    assert KEY not in caught.value.reason
    assert "\n" not in caught.value.reason
    assert server.requests == []


@pytest.mark.parametrize(
    ("folder", "environment"), [(ENVIRONMENTS, "dev"), (ENVIRONMENTS.parent / "docs" / "examples", "rest-api-signed")]
)
def test_no_key_is_sent_where_the_environment_requires_signatures(
    monkeypatch: pytest.MonkeyPatch, folder: Path, environment: str
) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENTS", folder)
    with pytest.raises(Failure, match="ENDPOINTCTL_API_KEY"):
        Client.connect(environment, api_key=KEY)


@pytest.mark.parametrize("key", ["日本", "é" * 20, f"{KEY}\n", f"{KEY}\r", "a\x00b"])
def test_a_key_that_no_header_can_hold_is_not_sent(server: HttpServer, key: str) -> None:
    with pytest.raises(Failure, match="ENDPOINTCTL_API_KEY") as caught:
        client(REST, api_key=key).generate("p")
    assert type(caught.value) is Failure
    assert key not in caught.value.reason
    assert "\n" not in caught.value.reason
    assert server.requests == []


class Proxy:
    """A network proxy that refuses every request and records its first line."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.lines.append(connection.recv(65536).split(b"\r\n")[0])
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    yield proxy
    proxy.close()


def test_https_proxy_is_used(monkeypatch: pytest.MonkeyPatch, proxy: Proxy) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(Unreachable):
        client().generate("p")
    assert [line.split()[:2] for line in proxy.lines] == [[b"CONNECT", b"abc.lambda-url.us-east-1.on.aws:443"]]


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch, server: HttpServer, proxy: Proxy) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert client().generate("p").texts == ["hi"]
    assert proxy.lines == []


@pytest.fixture
def secure(server: HttpServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A server with a certificate of a CA that nobody knows; return the CA's file."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{server.port}")
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path


@pytest.mark.parametrize("place", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "config"])
def test_a_ca_bundle_is_used(
    secure: Path, server: HttpServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    if place == "config":
        (tmp_path / "config").write_text(f"[default]\nca_bundle = {secure}\n", "utf-8")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    else:
        monkeypatch.setenv(place, str(secure))
    assert client().generate("p").texts == ["hi"]


@pytest.mark.parametrize("bundle", [None, "/nonexistent.pem", " "])
def test_without_it_nothing_is_sent(
    secure: Path, server: HttpServer, monkeypatch: pytest.MonkeyPatch, bundle: Any
) -> None:
    if bundle:
        monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    with pytest.raises(Failure) as caught:
        client().generate("p")
    assert not isinstance(caught.value, (Lost, Unreachable))
    assert server.requests == []
