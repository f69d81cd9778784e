"""The body of a request that arrives over a socket."""

from __future__ import annotations

from email.message import Message
from io import BufferedIOBase
from typing import Final

from proxy.errors import ProxyError

MOST_DISCARDED: Final = 8 * 1024 * 1024
"""The most bytes of an unread body that are read to keep a connection: more than a Lambda event can hold."""

_LONGEST_LINE: Final = 1024  # of a chunk's size, its extensions included


class Body:
    """The body of one request, with a content length or in chunks.

    Args:
        stream: what follows the request's headers.
        headers: the request's headers.

    Attributes:
        is_broken: whether the stream holds no further request: the body's end is unknown, or the client is gone.

    """

    def __init__(self, stream: BufferedIOBase, headers: Message) -> None:
        self._stream = stream
        self._is_chunked = headers.get("transfer-encoding", "").strip().lower() == "chunked"
        self._left = 0
        self.is_broken = False
        lengths = {value.strip() for value in headers.get_all("content-length", [])}
        if "transfer-encoding" in headers:
            # Both headers, or another encoding: where the body ends is anybody's guess.
            self.is_broken = bool(lengths) or not self._is_chunked
        elif lengths:
            length = lengths.pop()
            self.is_broken = bool(lengths) or not (length.isascii() and length.isdigit())
            self._left = 0 if self.is_broken else int(length)

    def read(self, max_bytes: int) -> bytes:
        """Return the body.

        Args:
            max_bytes: the most bytes that are allowed; a longer body is refused before it is read.

        Raises:
            ProxyError: ``malformed_request`` or ``request_too_large``.

        """
        if self.is_broken:
            raise _malformed("the body has no valid length")
        if self._left > max_bytes:
            raise _too_large(max_bytes)
        parts = [self._read(self._left)] if self._left else []
        size = len(parts[0]) if parts else 0
        while self._is_chunked and (part := self._chunk(max_bytes - size, max_bytes)):
            size += len(part)
            parts.append(part)
        if not size:
            raise _malformed("the request has no body; send a JSON object")
        return b"".join(parts)

    def discard(self) -> None:
        """Read what was not read, so that the next request on the connection can be."""
        most = MOST_DISCARDED
        self.is_broken = self.is_broken or self._left > most
        try:
            while self._left and not self.is_broken:
                self._read(min(self._left, 65536))
            while self._is_chunked and not self.is_broken and (part := self._chunk(most, MOST_DISCARDED)):
                most -= len(part)
        except ProxyError:
            self.is_broken = True

    def _read(self, size: int) -> bytes:
        found = self._bytes(size)
        self._left -= size
        return found

    def _chunk(self, room: int, max_bytes: int) -> bytes:
        """Return the next chunk, for which there is room; nothing at the end, behind the trailers."""
        try:
            size = int(self._line().partition(b";")[0].strip() or b"none", 16)
        except ValueError:
            size = -1
        if size < 0:
            self.is_broken = True
            raise _malformed("the body is not valid chunks")
        if size > room:
            self.is_broken = True  # within the body, whose end is not known
            raise _too_large(max_bytes)
        if not size:
            self._is_chunked = False
            while self._line():
                pass
            return b""
        found = self._bytes(size)
        if self._line():
            self.is_broken = True
            raise _malformed("the body is not valid chunks")
        return found

    def _line(self) -> bytes:
        try:
            line = self._stream.readline(_LONGEST_LINE)
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            self.is_broken = True
            raise _malformed("the body is not whole")
        return line.rstrip(b"\r\n")

    def _bytes(self, size: int) -> bytes:
        try:
            found = self._stream.read(size)
        except OSError:  # a time-out is one
            found = b""
        if len(found) < size:
            self.is_broken = True
            raise _malformed("the body is not whole")
        return found


def _malformed(message: str) -> ProxyError:
    return ProxyError("malformed_request", message)


def _too_large(max_bytes: int) -> ProxyError:
    return ProxyError("request_too_large", f"the body is too large; send at most {max_bytes} bytes")
