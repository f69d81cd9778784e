"""The embed request of Cohere's containers, versions 2 to 5, answered with vectors of spelling (``vectors``).

Sources: docs.cohere.com, API v1 and v2 ``embed``; the sample files of cohere-aws. The error messages are those
of Cohere's platform where they are known, and ours otherwise. The embedding type ``base64`` is known of Cohere's
platform only, and is refused here: who needs it can encode the floats.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any, Final

from local_aws.container import tokens
from local_aws.container.contract import Refused
from local_aws.container.retrieval import embed_inputs
from local_aws.container.retrieval.embed_inputs import MIXED, PLAIN
from local_aws.container.retrieval.vectors import vector

INPUT_TYPES: Final = ("search_document", "search_query", "classification", "clustering", "image")
_DIMENSIONS: Final = {2: 4096, 3: 1024}
_LIGHT_DIMENSIONS: Final = 384
_CHOSEN_DIMENSIONS: Final = (256, 512, 1024, 1536)
_CONTEXT: Final = 512
_LONG_CONTEXT: Final = 128_000
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
    inputs = embed_inputs.read(document, version)
    kind = document.get("input_type")
    if version > PLAIN and kind not in INPUT_TYPES:
        raise Refused(400, "invalid request: valid input_type must be provided with the provided model")
    size = _size(document, version, package)
    cut = [_cut(text, document, version) for text in inputs.texts]
    vectors = [vector(text, size) for text in cut]
    if version == PLAIN:
        return {"embeddings": vectors}
    counted = {"input_tokens": sum(len(tokens.split(text)) for text in cut)}
    billed = {"images": inputs.images} if inputs.images else counted
    types = document.get("embedding_types")
    if types is not None and (not isinstance(types, list) or not types or not all(one in [*_TYPES] for one in types)):
        raise Refused(400, f"invalid request: embedding_types must be some of {', '.join(_TYPES)}")
    by_type = {name: [_TYPES[name](one) for one in vectors] for name in types or []}
    return {
        "id": str(uuid.uuid4()),
        **({} if inputs.shown is None else {"texts": inputs.shown}),
        "embeddings": by_type or vectors,
        "response_type": "embeddings_by_type" if by_type else "embeddings_floats",
        "meta": {"api_version": {"version": "1"}, "billed_units": billed},
    }


def _size(document: dict[str, Any], version: int, package: str) -> int:
    if "-ligh" in package:  # SageMaker's ids are cut: cohere-embed-multilingual-ligh-…
        return _LIGHT_DIMENSIONS
    if version < MIXED:
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
    found, most = tokens.split(text), _most_tokens(document, version)
    if len(found) <= most:
        return text
    if truncate == "NONE":
        raise Refused(400, f"too many tokens: max tokens per text cannot exceed {most} - received {len(found)}")
    return "".join(found[-most:] if truncate == "START" else found[:most])


def _most_tokens(document: dict[str, Any], version: int) -> int:
    """Return how many tokens of an input the model reads. Only version 4 and later know ``max_tokens``."""
    most = document.get("max_tokens")
    if version < MIXED or most is None:
        return _LONG_CONTEXT if version >= MIXED else _CONTEXT
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise Refused(422, "invalid request: max_tokens must be an integer of 1 or more")
    return min(most, _LONG_CONTEXT)
