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
# Server-sent events: "event: name", "id: 1", "retry: 5", ": comment", "data:" before an object, and the end mark.
_BETWEEN: Final = re.compile(rb"(?:\s+|data:\s*(?:\[DONE\])?|(?:event|id|retry)?:[^\n]*(?:\n|$))*")


class Decoder:
    """Decodes one stream; its cost grows with the bytes, however they are cut."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._at = 0  # what is scanned
        self._depth = 0
        self._in_text = False

    def feed(self, part: bytes) -> list[dict[str, Any]]:
        """Return the objects that a part completes.

        Raises:
            ProxyError: ``bad_answer`` for what is no JSON object.

        """
        self._bytes += part
        found = []
        while (end := self._object_end()) is not None:
            found.append(_object(bytes(self._bytes[:end])))
            del self._bytes[:end]
            self._at = 0
        return found

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            ProxyError: ``connection_lost`` when the stream ended in the middle of an object.

        """
        if self._depth or self._between(len(self._bytes)):
            raise ProxyError("connection_lost", "the model's stream ended in the middle", cause="CutObject")

    def _object_end(self) -> int | None:
        """Return where the first whole object ends; None when there is none yet."""
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
                if self._depth:
                    self._in_text = True
            elif mark in b"{[":
                if not self._depth and mark == 0x5B:
                    continue  # of "[DONE]"; anything else is refused where the object begins, or at the end
                self._depth += 1
            elif self._depth:
                self._depth -= 1
                if not self._depth:
                    return self._at

    def _between(self, length: int) -> bytes:
        """Return what is neither an object nor allowed between them."""
        return bytes(_BETWEEN.sub(b"", bytes(self._bytes[:length]), count=1))


def _object(content: bytes) -> dict[str, Any]:
    start = content.index(b"{")
    skipped = _BETWEEN.match(content[:start])
    if skipped is None or skipped.end() != start:
        raise _bad()
    try:
        document = json.loads(content[start:])
    except (ValueError, RecursionError):
        raise _bad() from None
    if not isinstance(document, dict):
        raise _bad()
    return document


def _bad() -> ProxyError:
    return ProxyError("bad_answer", "the model's stream is not Cohere's: it holds something other than objects")
