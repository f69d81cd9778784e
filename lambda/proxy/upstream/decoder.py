"""Reads the JSON objects of a stream, whose parts can end anywhere and can hold several objects.

Between objects there may be blanks, line ends, and the field names of server-sent events: what a container
writes is not published for every package.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from proxy.errors import ProxyError

_OUTSIDE: Final = re.compile(rb'[{}\[\]"]')
_INSIDE: Final = re.compile(rb'["\\]')
# What server-sent events have around an object, and the mark at their end.
_BETWEEN: Final = re.compile(rb"(?:\s+|data:|\[DONE\])*")
# The beginnings of their other lines, which are skipped: "event: name", "id: 1", "retry: 5", ": comment".
_LINE: Final = re.compile(rb"(?:event|id|retry)?:")
_MARKS: Final = (b"data:", b"[DONE]", b"event:", b"id:", b"retry:")


class Decoder:
    """Decodes one stream; its cost grows with the bytes, however they are cut."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._in_line = False  # a line that is skipped
        self._at = 0  # what is scanned of an object
        self._depth = 0
        self._in_text = False

    def feed(self, part: bytes) -> list[dict[str, Any]]:
        """Return the objects that a part completes.

        Raises:
            ProxyError: ``bad_answer`` for what is no JSON object.

        """
        self._bytes += part
        found = []
        while (self._depth or self._at_object()) and (end := self._object_end()) is not None:
            found.append(_object(self._bytes[:end]))
            del self._bytes[:end]
            self._at = 0
        return found

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            ProxyError: ``connection_lost`` when the stream ended in the middle of an object.

        """
        if self._bytes:
            raise ProxyError("connection_lost", "the model's stream ended in the middle", cause="CutObject")

    def _at_object(self) -> bool:
        """Drop what is between objects, and return whether one begins."""
        data = self._bytes
        while data:
            if self._in_line:
                end = data.find(b"\n") + 1
                if not end:
                    data.clear()
                    break
                del data[:end]
                self._in_line = False
            if skipped := _BETWEEN.match(data):
                del data[: skipped.end()]
            if data.startswith(b"{"):
                return True
            if line := _LINE.match(data):
                del data[: line.end()]
                self._in_line = True
            elif data and not any(mark.startswith(bytes(data)) for mark in _MARKS):
                raise _bad()
            else:
                break  # nothing, or the beginning of a mark
        return False

    def _object_end(self) -> int | None:
        """Return where the object at the beginning ends; None when it is not whole yet."""
        data = self._bytes
        while True:
            found = (_INSIDE if self._in_text else _OUTSIDE).search(data, self._at)
            if found is None:
                self._at = len(data)
                return None
            mark, self._at = data[found.start()], found.end()
            if self._in_text:
                if mark == 0x5C:  # a backslash: the next byte, which may not be there yet, is part of the text
                    if self._at == len(data):
                        self._at = found.start()
                        return None
                    self._at += 1
                else:
                    self._in_text = False
            elif mark == 0x22:
                self._in_text = True
            else:
                self._depth += 1 if mark in b"{[" else -1
                if not self._depth:
                    return self._at


def _object(content: bytearray) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise _bad() from None
    # It begins with a brace, so it is an object.
    return document


def _bad() -> ProxyError:
    return ProxyError("bad_answer", "the model's stream is not Cohere's: it holds something other than objects")
