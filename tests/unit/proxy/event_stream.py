"""Frames of ``application/vnd.amazon.eventstream``, as SageMaker sends a stream.

Source: docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html (prelude, headers, payload, two CRCs).
"""

import json
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from .function import Behaviour

Step = bytes | Callable[[], object]


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    packed = b"".join(
        struct.pack("!B", len(name)) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", len(packed) + len(payload) + 16, len(packed))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + packed + payload
    return message + struct.pack("!I", zlib.crc32(message))


def part(content: bytes) -> bytes:
    headers = {":message-type": "event", ":event-type": "PayloadPart", ":content-type": "application/octet-stream"}
    return frame(headers, content)


def broken(name: str, body: Any) -> bytes:
    headers = {":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}
    return frame(headers, json.dumps(body).encode())


def lines(*documents: Any) -> list[bytes]:
    """Return a part for each object."""
    return [part(json.dumps(document).encode() + b"\n") for document in documents]


def stream(steps: Sequence[Step], *, cut: bool = False) -> Behaviour:
    """Return the behaviour that sends frames one after the other; a step that is no bytes is called in its place.

    Args:
        steps: the frames.
        cut: whether the connection breaks at the end, without the last chunk.

    """

    def behave(connection: socket.socket, _request: bytes) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n"
        connection.sendall(head.encode() + b"Connection: close\r\n\r\n")
        for step in steps:
            if isinstance(step, bytes):
                connection.sendall(b"%x\r\n%s\r\n" % (len(step), step))
            else:
                step()
        if not cut:
            connection.sendall(b"0\r\n\r\n")

    return behave


def wait(gate: threading.Event) -> Callable[[], object]:
    """Return a step that waits for an event, at most 10 s."""
    return lambda: gate.wait(10)
