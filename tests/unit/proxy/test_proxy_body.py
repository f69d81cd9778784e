"""Bodies that arrive over a socket: bounded while they are read, and never mistaken for the next request."""

import io
from email.message import Message

import pytest

from proxy.adapters.http_body import Body
from proxy.errors import ProxyError

NEXT = b"GET /"


def body(content: bytes, *headers: tuple[str, str]) -> tuple[Body, io.BytesIO]:
    found = Message()
    for name, value in headers:
        found[name] = value
    stream = io.BytesIO(content)
    return Body(stream, found), stream


CHUNKED = ("transfer-encoding", "chunked")
WHOLE = [
    (b"hello", [("content-length", "5")]),
    (b"hello", [("Content-Length", "5"), ("content-length", "5")]),
    (b"5\r\nhello\r\n0\r\n\r\n", [CHUNKED]),
    (b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", [("Transfer-Encoding", " Chunked ")]),
    (b"0005;name=value\r\nhello\r\n0\r\nTrailer: one\r\n\r\n", [CHUNKED]),
]


@pytest.mark.parametrize(("content", "headers"), WHOLE)
def test_a_body_and_nothing_of_what_follows(content: bytes, headers: list[tuple[str, str]]) -> None:
    found, stream = body(content + NEXT, *headers)
    assert found.read(5) == b"hello"
    found.discard()
    assert not found.is_broken
    assert stream.read() == NEXT


@pytest.mark.parametrize(("content", "headers"), WHOLE)
def test_a_body_that_nobody_reads_is_skipped(content: bytes, headers: list[tuple[str, str]]) -> None:
    found, stream = body(content + NEXT, *headers)
    found.discard()
    assert not found.is_broken
    assert stream.read() == NEXT


@pytest.mark.parametrize(
    ("content", "headers"),
    [(b"x" * 6, [("content-length", "6")]), (b"4\r\nxxxx\r\n2\r\nxx\r\n0\r\n\r\n", [CHUNKED])],
)
def test_a_body_above_the_limit_is_refused(content: bytes, headers: list[tuple[str, str]]) -> None:
    found, _ = body(content, *headers)
    with pytest.raises(ProxyError, match="request_too_large") as caught:
        found.read(5)
    assert caught.value.message == "the body is too large; send at most 5 bytes"


def test_a_body_above_the_limit_by_its_length_is_not_read() -> None:
    found, stream = body(b"x" * 6, ("content-length", "6"))
    with pytest.raises(ProxyError):
        found.read(5)
    assert stream.tell() == 0


def test_a_chunk_above_the_limit_is_not_read() -> None:
    found, stream = body(b"fffffff\r\n" + b"x" * 100, CHUNKED)
    with pytest.raises(ProxyError, match="request_too_large"):
        found.read(5)
    assert stream.read() == b"x" * 100


NO_BODY: list[tuple[bytes, list[tuple[str, str]]]] = [
    (b"", []),
    (b"", [("content-length", "0")]),
    (b"0\r\n\r\n", [CHUNKED]),
]


@pytest.mark.parametrize(("content", "headers"), NO_BODY)
def test_no_body(content: bytes, headers: list[tuple[str, str]]) -> None:
    found, stream = body(content + NEXT, *headers)
    with pytest.raises(ProxyError, match="malformed_request"):
        found.read(5)
    found.discard()
    assert not found.is_broken
    assert stream.read() == NEXT


BROKEN: list[tuple[bytes, list[tuple[str, str]]]] = [
    (b"hel", [("content-length", "5")]),
    (b"hello", [("content-length", "-5")]),
    (b"hello", [("content-length", "+5")]),
    (b"hello", [("content-length", "five")]),
    (b"hello", [("content-length", "\u0665")]),
    (b"hello", [("content-length", "5"), ("content-length", "6")]),
    (b"5\r\nhello\r\n0\r\n\r\n", [CHUNKED, ("content-length", "5")]),
    (b"hello", [("transfer-encoding", "gzip, chunked")]),
    (b"5\r\nhel", [CHUNKED]),
    (b"5\r\nhelloo\r\n0\r\n\r\n", [CHUNKED]),
    (b"5\r\nhello\r\n", [CHUNKED]),
    (b"5\r\nhello\r\n0\r\n", [CHUNKED]),
    (b"-5\r\nhello\r\n", [CHUNKED]),
    (b"many\r\nhello\r\n", [CHUNKED]),
    (b"\r\nhello\r\n", [CHUNKED]),
    (b"1" * 2000 + b"\r\n", [CHUNKED]),
]


@pytest.mark.parametrize(("content", "headers"), BROKEN)
@pytest.mark.parametrize("is_read", [True, False], ids=["read", "skipped"])
def test_a_body_without_an_end_ends_the_connection(
    content: bytes, headers: list[tuple[str, str]], is_read: bool
) -> None:
    found, _ = body(content, *headers)
    if is_read:
        with pytest.raises(ProxyError, match="malformed_request"):
            found.read(50)
    found.discard()
    assert found.is_broken


def test_a_skipped_body_is_bounded_too() -> None:
    found, stream = body(b"x" * 100, ("content-length", str(9 * 1024 * 1024)))
    found.discard()
    assert found.is_broken
    assert stream.tell() == 0
    found, _ = body(b"100000\r\n" + b"x" * 0x100000 + b"\r\n" + b"800000\r\n", CHUNKED)
    found.discard()
    assert found.is_broken
