"""The embed request of Cohere's containers, versions 2 to 5, answered with vectors of spelling (``vectors.py``).

Sources: docs.cohere.com, API v1 and v2 ``embed``; the sample files of cohere-aws. The error messages are those
of Cohere's platform where they are known, and ours otherwise.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from typing import Any, Final

from local_aws.container import tokens
from local_aws.container.contract import Refused
from local_aws.container.vectors import vector

MOST_TEXTS: Final = 96
INPUT_TYPES: Final = ("search_document", "search_query", "classification", "clustering", "image")
_PLAIN, _MIXED = 2, 4
"""The last version that returns only vectors, and the first that accepts texts and images together."""

_DIMENSIONS: Final = {2: 4096, 3: 1024}
_LIGHT_DIMENSIONS: Final = 384
_CHOSEN_DIMENSIONS: Final = (256, 512, 1024, 1536)
_CONTEXT: Final = 512
_MIXED_CONTEXT: Final = 128_000
_MOST: Final = 127


def _int8(values: list[float]) -> list[int]:
    return [round(value * _MOST) for value in values]


def _bits(values: list[float]) -> list[int]:
    bits = [int(value > 0) for value in values]
    return [int("".join(str(bit) for bit in bits[at : at + 8]), 2) for at in range(0, len(bits), 8)]


_TYPES: Final[dict[str, Callable[[list[float]], list[Any]]]] = {
    "float": lambda values: values,
    "int8": _int8,
    "uint8": lambda values: [value + _MOST + 1 for value in _int8(values)],
    "binary": lambda values: [value - _MOST - 1 for value in _bits(values)],
    "ubinary": _bits,
}


def answer(document: dict[str, Any], package: str) -> dict[str, Any]:
    """Answer an embed request.

    Args:
        document: the request's body.
        package: the package's id, which contains the version.

    Raises:
        Refused: 400 for what is out of range or missing, 422 for a wrong type.

    """
    found = re.search(r"-v(\d)(-|$)", package)
    version = int(found[1]) if found else 3
    if version >= _MIXED and "inputs" in document:
        texts, images = _of_inputs(document["inputs"]), 0
    elif "images" in document and version > _PLAIN:
        texts, images = _of_images(document["images"]), 1
    else:
        texts, images = _texts(document), 0
    kind = document.get("input_type")
    if version > _PLAIN and kind not in INPUT_TYPES:
        raise Refused(400, "invalid request: valid input_type must be provided with the provided model")
    size = _size(document, version, package)
    cut = [_cut(text, document, version) for text in texts]
    vectors = [vector(text, size) for text in cut]
    if version == _PLAIN:
        return {"embeddings": vectors}
    billed = {"images": images} if images else {"input_tokens": sum(len(tokens.split(text)) for text in cut)}
    types = document.get("embedding_types")
    if types is not None and (not isinstance(types, list) or not types or set(types) - set(_TYPES)):
        raise Refused(400, f"invalid request: embedding_types must be some of {', '.join(_TYPES)}")
    by_type = {name: [_TYPES[name](one) for one in vectors] for name in types or []}
    return {
        "id": str(uuid.uuid4()),
        **({} if images else {"texts": texts}),
        "embeddings": by_type or vectors,
        "response_type": "embeddings_by_type" if by_type else "embeddings_floats",
        "meta": {"api_version": {"version": "1"}, "billed_units": billed},
    }


def _texts(document: dict[str, Any]) -> list[str]:
    texts = document.get("texts")
    if texts is None:
        raise Refused(400, "invalid request: at least one text is required")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Refused(422, "invalid request: texts must be a list of strings")
    if not 1 <= len(texts) <= MOST_TEXTS:
        raise Refused(
            400, f"invalid request: total number of texts must be at most {MOST_TEXTS} - received {len(texts)}"
        )
    return texts


def _of_images(images: Any) -> list[str]:  # noqa: ANN401 - JSON
    if not isinstance(images, list) or len(images) != 1 or not str(images[0]).startswith("data:image/"):
        raise Refused(400, "invalid request: images must be a list of one data URI of an image")
    return [hashlib.sha256(str(images[0]).encode()).hexdigest()]


def _of_inputs(inputs: Any) -> list[str]:  # noqa: ANN401 - JSON
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= MOST_TEXTS:
        raise Refused(400, f"invalid request: inputs must be a list of 1 to {MOST_TEXTS} objects")
    if not all(isinstance(one, dict) for one in inputs):
        # As seen on a Marketplace endpoint: BerriAI/litellm#28613.
        raise Refused(422, "EmbedReqV2.inputs is of type string but should be of type Object")
    parts = [[part for part in one.get("content", []) if isinstance(part, dict)] for one in inputs]
    return [" ".join(str(part.get("text") or part.get("image_url")) for part in one) for one in parts]


def _size(document: dict[str, Any], version: int, package: str) -> int:
    if "-ligh" in package:  # SageMaker's ids are cut: cohere-embed-multilingual-ligh-…
        return _LIGHT_DIMENSIONS
    if version < _MIXED:
        return _DIMENSIONS.get(version, 1024)
    chosen = document.get("output_dimension")
    if chosen is not None and chosen not in _CHOSEN_DIMENSIONS:
        allowed = ", ".join(str(size) for size in _CHOSEN_DIMENSIONS)
        raise Refused(400, f"invalid request: output_dimension must be one of {allowed}")
    return int(chosen or _CHOSEN_DIMENSIONS[-1])


def _cut(text: str, document: dict[str, Any], version: int) -> str:
    """Cut a text to the model's context by ``truncate``; default END."""
    truncate = document.get("truncate") or "END"
    if truncate not in ("NONE", "START", "END"):
        raise Refused(400, "invalid request: truncate must be one of NONE, START, END")
    found, most = tokens.split(text), _MIXED_CONTEXT if version >= _MIXED else _CONTEXT
    if len(found) <= most:
        return text
    if truncate == "NONE":
        raise Refused(400, f"too many tokens: max tokens per text cannot exceed {most} - received {len(found)}")
    return "".join(found[-most:] if truncate == "START" else found[:most])
