"""docs/openapi.yaml with an environment's names, and with the rules of its containers.

The document leaves names and many rules to environments and containers. Nearly every request that is made of it alone
is refused for the same few reasons, and proves nothing of answers.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from proxy.routes.table import ROUTES, VARIANT_HEADER
from proxy.settings import Endpoint

Rules = dict[str, Any]

VARIANT = "AllTraffic"
UNKNOWN = "unknown"
"""A name that no model has."""

_IMAGE = "data:image/png;base64,iVBORw0KGgo="
_PROMPT = 262144
"""The most characters of a prompt."""
_NOTHING: Rules = {"type": "null"}
_TEXT: Rules = {"type": "string", "minLength": 1, "maxLength": 100}
_DIMENSION: Rules = {"enum": [256, 512, 1024, 1536, None]}
_PENALTY: Rules = {"type": "number", "minimum": 0, "maximum": 1}
_ASKED: Rules = {
    "type": "object",
    "required": ["role", "content"],
    "additionalProperties": False,
    "properties": {"role": {"enum": ["user"]}, "content": _TEXT},
}
_ONE_OF: Rules = {"EmbedRequest": ("texts", "images"), "EmbedV2Request": ("texts", "images", "inputs")}
_INPUT_TYPE: Rules = {"enum": ["search_document", "search_query", "classification", "clustering"]}
_P: Rules = {"type": ["number", "null"], "minimum": 0.01, "maximum": 0.99}
_NO_THOUGHTS: Rules = {"enum": [{"type": "disabled"}, None]}
_FIELDS: dict[str, Rules] = {
    "GenerateRequest": {
        "max_tokens": {"type": ["integer", "null"], "minimum": 1, "maximum": 50},
        "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "p": _P,
        # A chat package takes none of them.
        **dict.fromkeys(("end_sequences", "preset", "logit_bias", "truncate", "return_likelihoods"), _NOTHING),
    },
    "ChatRequest": {"message": _TEXT, "tool_results": _NOTHING, "p": _P},
    "ChatV2Request": {"p": _P, "thinking": _NO_THOUGHTS},
    # The older name of max_completion_tokens: not both.
    "ChatCompletionsRequest": {"max_tokens": _NOTHING, "tool_choice": {"enum": ["auto", "none", None]}},
    "EmbedRequest": {"input_type": _INPUT_TYPE},
    "EmbedV2Request": {"input_type": _INPUT_TYPE, "output_dimension": _DIMENSION},
    "EmbeddingsRequest": {"dimensions": _DIMENSION},
    "RerankRequest": {
        "documents": {
            "type": "array",
            "minItems": 1,
            "maxItems": 5,
            "items": {"anyOf": [_TEXT, {"type": "object", "required": ["text"], "additionalProperties": _TEXT}]},
        },
        "rank_fields": {"type": ["array", "null"], "minItems": 1, "items": {"enum": ["text"]}},
    },
}
"""What the containers take, by schema and field."""

_PENALTIES = dict.fromkeys(("frequency_penalty", "presence_penalty"), _PENALTY)


def narrow(document: Rules, endpoints: Sequence[Endpoint], *, streamed: bool) -> Rules:
    """Return the document with what an environment's endpoints take.

    Args:
        document: the OpenAPI document; it is changed.
        endpoints: the endpoints; the first of a route's names is sent most.
        streamed: whether every answer is to be a stream; then only the routes that stream are in it.

    """
    schemas = document["components"]["schemas"]
    names = [name for one in endpoints for name in one.names]
    parameters: Rules = {VARIANT_HEADER: {"enum": [VARIANT]}, "name": {"enum": [*names, UNKNOWN]}}
    if streamed:
        document["paths"] = {path: document["paths"][path] for one in ROUTES if one.streams for path in one.paths}
    for operation in _operations(document):
        for media_type, content in operation["responses"]["200"]["content"].items():
            if media_type != "application/json":
                # Schemathesis reads one event, or one JSON object, where the document describes the whole text.
                del content["schema"]
        for one in operation.get("parameters", ()):
            one["schema"] = parameters.get(one["name"], one["schema"])
    for route in ROUTES:
        if route.schema and route.path in document["paths"]:
            its = [name for one in endpoints if one.api in route.translations for name in one.names]
            operation = document["paths"][route.path][route.method.lower()]
            title = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            schemas[title] = _request(title, schemas[title], its, streamed=streamed)
    return document


def _operations(document: Rules) -> Iterator[Rules]:
    for methods in document["paths"].values():
        yield from methods.values()


def _request(title: str, rules: Rules, names: list[str], *, streamed: bool) -> Rules:
    known: Rules = _filled(rules["properties"])
    known |= {name: its for name, its in _PENALTIES.items() if name in known}
    known |= _FIELDS.get(title, {})
    known["model"] = {"enum": names}
    if "messages" in known:
        known["messages"] = {
            "anyOf": [{"type": "array", "minItems": 1, "maxItems": 3, "items": _ASKED}, known["messages"]]
        }
    if "stream" in known:
        known["stream"] = {"enum": [True] if streamed else [False, None]}
    if "stream_options" in known and not streamed:
        known["stream_options"] = _NOTHING
    found = {**rules, "properties": known}
    if streamed:
        found["required"] = [*rules["required"], "stream"]
    return _with_one_of(_ONE_OF[title], found) if title in _ONE_OF else found


def _with_one_of(names: Sequence[str], rules: Rules) -> Rules:
    """Return rules that require exactly one of some fields."""
    known = rules["properties"]
    return {
        "anyOf": [
            {
                **rules,
                "required": [*rules.get("required", ()), name],
                "properties": {
                    **{key: its for key, its in known.items() if key not in names},
                    name: {**known[name], "type": "array"},
                },
            }
            for name in names
        ]
    }


def _filled(value: Any, name: str = "") -> Any:
    """Return rules with an image in them, and without empty prompts."""
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if not isinstance(value, dict):
        return value
    if name == "url":
        return {"enum": [_IMAGE]}
    if name == "images":
        return {**value, "items": {"enum": [_IMAGE]}}
    least = {"minLength": 1} if value.get("maxLength") == _PROMPT else {}
    return {key: _filled(one, key) for key, one in value.items()} | least
