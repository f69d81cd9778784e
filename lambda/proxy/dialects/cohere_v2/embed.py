"""Embed of API v2 in front of an embed container of any version.

Every version answers float vectors when no type is asked for, and not every version knows another type. So a type is
asked for only when it cannot be made of floats; base64 is made here. API v1 and OpenAI's route are built on
``requests`` and ``document``.
Source: docs.cohere.com, API v2 ``embed``; the sample files of github.com/cohere-ai/cohere-aws.
"""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from typing import Any, Final

from proxy.dialects.answer import Answer, bad_answer, identified, parsed, written
from proxy.routes.request import invalid

_SOURCES: Final = ("texts", "images", "inputs")


def requests(fields: dict[str, Any]) -> list[bytes]:
    """Return the one body to send.

    Raises:
        ProxyError: ``invalid_field`` for none or several of texts, images and inputs, or an image that is no data URI.

    """
    body = dict(fields)
    given = [name for name in _SOURCES if name in body]
    if len(given) != 1:
        raise invalid(given[1] if given else "texts", "send exactly one of texts, images and inputs")
    for place, url in _images(body):
        if not (url.startswith("data:image/") and ";base64," in url):
            raise invalid(place, "must be a data URI of an image, data:image/...;base64,...: the model has no network")
    if texts := _plain_texts(body.get("inputs", ())):
        # Versions before 4 know texts only.
        del body["inputs"]
        body["texts"] = texts
    types = _asked_of_the_container(body.pop("embedding_types", None))
    if types != ["float"]:
        body["embedding_types"] = types
    return [json.dumps(body).encode()]


def answer(contents: list[bytes], fields: dict[str, Any]) -> Answer:
    """Return Cohere's embed answer, API v2.

    Raises:
        ProxyError: see ``document``; ``answer_too_large``.

    """
    (content,) = contents
    found = document(parsed(content), fields)
    return Answer(written(found), tokens_in=tokens_of(found))


def document(found: dict[str, Any], fields: dict[str, Any], version: str = "2") -> dict[str, Any]:
    """Return Cohere's embed answer, with the types that were asked for.

    Args:
        found: the container's answer.
        fields: the request's.
        version: the API's, for ``meta``.

    Raises:
        ProxyError: ``bad_answer`` when it holds no vectors; ``invalid_field`` when the model has not the types or the
            dimension that were asked for.

    """
    asked = fields.get("embedding_types") or ["float"]
    vectors = _by_type(found, asked, _count(fields))
    _check_dimension(vectors, fields.get("output_dimension"))
    if "base64" in asked:
        vectors["base64"] = [_base64(one) for one in vectors["float"]]
    texts = {"texts": fields["texts"]} if "texts" in fields else {}
    return {
        **found,
        **texts,
        **identified(found, version),
        "embeddings": {name: vectors[name] for name in asked},
        "response_type": "embeddings_by_type",
    }


def tokens_of(found: dict[str, Any]) -> int | None:
    """Return the tokens of the texts, as Cohere bills them; None when the container does not tell."""
    try:
        return int(found["meta"]["billed_units"]["input_tokens"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _images(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Return every image of a request, with its place."""
    found = [(f"images[{number}]", url) for number, url in enumerate(body.get("images", ()))]
    for number, one in enumerate(body.get("inputs", ())):
        for part, content in enumerate(one["content"]):
            if content["type"] == "image_url":
                found.append((f"inputs[{number}].content[{part}].image_url.url", content["image_url"]["url"]))
    return found


def _plain_texts(inputs: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Return the texts of inputs that hold one text each; nothing when one of them holds anything else."""
    if all(len(one["content"]) == 1 and one["content"][0]["type"] == "text" for one in inputs):
        return [one["content"][0]["text"] for one in inputs]
    return []


def _asked_of_the_container(types: list[str] | None) -> list[str]:
    return list(dict.fromkeys("float" if one == "base64" else one for one in types or ["float"]))


def _count(fields: dict[str, Any]) -> int:
    return next(len(fields[name]) for name in _SOURCES if name in fields)


def _by_type(found: dict[str, Any], asked: list[str], count: int) -> dict[str, list[Any]]:
    given = found.get("embeddings")
    if isinstance(given, list):
        given = {"float": given}
    if not isinstance(given, dict):
        raise bad_answer("it holds no embeddings")
    vectors = {}
    for name in _asked_of_the_container(asked):
        if name not in given:
            known = ", ".join(given) if set(given) <= {"float", "int8", "uint8", "binary", "ubinary"} else "others"
            raise invalid("embedding_types", f"this model has no {name}; it answered {known}")
        rows = given[name]
        if not isinstance(rows, list) or len(rows) != count or not all(isinstance(row, list) and row for row in rows):
            raise bad_answer("it holds no embedding for each input")
        vectors[name] = rows
    return vectors


def _check_dimension(vectors: dict[str, list[Any]], wanted: int | None) -> None:
    """Refuse a dimension that the model has ignored: the versions before 4 have one only."""
    for name, rows in vectors.items():
        size = len(rows[0]) * (8 if name in ("binary", "ubinary") else 1)
        if wanted is not None and size != wanted:
            raise invalid("output_dimension", f"must be {size} or left out: this model has no other dimension")


def _base64(vector: list[Any]) -> str:
    """Return a vector as its floats of 32 bits, little-endian, in base64."""
    try:
        return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
    except (struct.error, OverflowError):
        raise bad_answer("an embedding is no list of numbers") from None
