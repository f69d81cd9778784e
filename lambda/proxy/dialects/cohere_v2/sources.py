"""Documents to chat v1, and citations back: chat v1 names documents by ids, chat v2 repeats them.

Sources: docs.cohere.com, "Migrating from API v1 to API v2"; API v1, "Single step vs. multi-step tool use", for the ids
of what tools returned: tool, number of the call, number of the turn, number of the output (``get_weather:0:2:0``).
"""

from __future__ import annotations

import json
from typing import Any

from proxy.dialects.answer import bad_answer
from proxy.dialects.cohere_v2.messages import V1, outputs
from proxy.errors import ProxyError
from proxy.routes.request import invalid


def documents(given: list[Any]) -> list[dict[str, str]]:
    """Return chat v2's documents as chat v1 has them: objects of texts, each with an id.

    Raises:
        ProxyError: ``invalid_field`` when ids do not name one document each.

    """
    found = [_flat(one, number) for number, one in enumerate(given)]
    if len({one["id"] for one in found}) != len(found):
        raise invalid("documents", "must have ids that differ")
    return found


def _flat(given: Any, number: int) -> dict[str, str]:  # noqa: ANN401 - JSON
    data = _data(given)
    flat = {name: one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for name, one in data.items()}
    name = _id(given, number)
    if data.get("id") is None:
        flat["id"] = name
    elif flat["id"] != name:
        raise invalid(f"documents[{number}].data", f"must have no other id than the document's: {V1}")
    return flat


def _data(given: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    data = given if isinstance(given, str) else given["data"]
    return {"content": data} if isinstance(data, str) else data


def _id(given: Any, number: int) -> str:  # noqa: ANN401 - JSON
    """Return a document's id: its own, else that of its data, else the id that Cohere's chat v2 makes."""
    name = None if isinstance(given, str) else given.get("id") or _data(given).get("id")
    if isinstance(name, str):
        return name
    return f"doc:{number}" if name is None else json.dumps(name, ensure_ascii=False)


class Sources:
    """What an answer may cite.

    Args:
        fields: the request.

    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self._by_id: dict[str, dict[str, Any]] | None = None
        self._told: dict[str, dict[str, Any]] = {}

    def tell(self, documents: Any) -> None:  # noqa: ANN401 - JSON
        """Add the documents that the container tells: not every one is the request's."""
        for one in documents if isinstance(documents, list) else ():
            if isinstance(one, dict) and isinstance(one.get("id"), str):
                self._told[one["id"]] = one

    def citation(self, citation: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return chat v1's citation as chat v2 has it.

        Raises:
            ProxyError: ``bad_answer`` when it is none.

        """
        try:
            found = {name: citation[name] for name in ("start", "end", "text")}
            found["sources"] = [self._source(one) for one in citation["document_ids"]]
            kind = citation.get("type")
        except (TypeError, KeyError, AttributeError):
            raise _no_citation() from None
        if kind == "PLAN":
            return {**found, "type": kind}
        return {**found, "content_index": 0, "type": "TEXT_CONTENT"}

    def _source(self, name: str) -> dict[str, Any]:
        if self._by_id is None:
            self._by_id = _sources(self._fields)
        if source := self._by_id.get(name):
            return source
        document = self._told.get(name, {})
        if "tool_name" in document:
            output = {key: one for key, one in document.items() if key not in ("id", "tool_name")}
            return {"type": "tool", "id": name, "tool_output": output}
        return {"type": "document", "id": name, "document": {**document, "id": name}}


def _sources(fields: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the request itself offers, by the ids of chat v1."""
    found = _tool_outputs(fields["messages"])
    for number, given in enumerate(fields.get("documents", ())):
        name = _id(given, number)
        found[name] = {"type": "document", "id": name, "document": {**_data(given), "id": name}}
    return found


def _tool_outputs(messages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    names: dict[str, str] = {}
    turn, call, before = -1, 0, ""
    for number, message in enumerate(messages):
        role = message["role"]
        for one in message.get("tool_calls", ()):
            names[one["id"]] = one["function"]["name"]
        if role == "tool":
            turn, call = (turn, call + 1) if before == role else (turn + 1, 0)
            called = message["tool_call_id"]
            for index, (output, own_id) in enumerate(outputs(message["content"])):
                source = {"type": "tool", "id": own_id or f"{called}:{index}", "tool_output": output}
                # In single-step answers, the ids are without the turn: it is the last.
                found[f"{names[called]}:{call}:{turn}:{index}"] = source
                found[f"{names[called]}:{call}:{index}"] = source
        elif number or role in ("user", "assistant"):
            turn += 1
        before = role
    return found


def _no_citation() -> ProxyError:
    return bad_answer("a citation of it has no start, end, text or documents")
