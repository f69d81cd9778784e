"""What an embed request embeds: ``texts``, ``images``, or ``inputs`` with both.

Sources: docs.cohere.com, API v1 and v2 ``embed``. An image is the hash of its bytes here: equal images are similar, and
no others. SageMaker's limit for a body, 6,291,456 bytes, is smaller than an image of 5 MB in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final

from local_aws.container.contract import Refused

MOST_INPUTS: Final = 96
MOST_IMAGE_BYTES: Final = 5_000_000
"""Of one image, for version 3."""

MOST_IMAGES_BYTES: Final = 20_000_000
"""Of all images together, for version 4 and later."""

PLAIN, MIXED = 2, 4
"""The last version that returns only vectors, and the first that accepts texts and images together."""

_IMAGE: Final = re.compile(r"data:image/(?:jpeg|png|webp|gif);base64,(?P<data>.*)", re.DOTALL)
_FIELDS: Final = ("texts", "images", "inputs")


@dataclass(frozen=True)
class Inputs:
    """What a request embeds.

    Attributes:
        texts: a text for each vector; of an image, its hash.
        images: how many images there are.
        shown: the texts that the answer repeats; None when there are images or mixed inputs.

    """

    texts: list[str]
    images: int = 0
    shown: list[str] | None = None


def read(document: dict[str, Any], version: int) -> Inputs:
    """Return what a request embeds.

    Args:
        document: the request's body.
        version: the model's version.

    Raises:
        Refused: 400 for what is out of range or missing, 422 for a wrong type.

    """
    known = _FIELDS if version >= MIXED else _FIELDS[:2] if version > PLAIN else _FIELDS[:1]
    given = [name for name in known if document.get(name) is not None]
    if len(given) > 1:
        raise Refused(
            400, f"invalid request: only one of {', '.join(known)} is allowed - received {' and '.join(given)}"
        )
    if given == ["inputs"]:
        return _of_inputs(document["inputs"])
    if given == ["images"]:
        return _of_images(document["images"], version)
    texts = _texts(document.get("texts"))
    return Inputs(texts, shown=texts)


def _texts(texts: Any) -> list[str]:  # noqa: ANN401 - JSON
    if texts is None:
        raise Refused(400, "invalid request: at least one text is required")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Refused(422, "invalid request: texts must be a list of strings")
    if not 1 <= len(texts) <= MOST_INPUTS:
        raise Refused(
            400, f"invalid request: total number of texts must be at most {MOST_INPUTS} - received {len(texts)}"
        )
    return texts


def _of_images(images: Any, version: int) -> Inputs:  # noqa: ANN401 - JSON
    if not isinstance(images, list) or not images:
        raise Refused(422, "invalid request: images must be a list of data URIs")
    if version < MIXED and len(images) > 1:
        raise Refused(400, f"invalid request: images must be at most 1 - received {len(images)}")
    found = [_image(one) for one in images]
    _check_sizes(found, version)
    return Inputs([_hash(one) for one in found], len(found))


def _of_inputs(inputs: Any) -> Inputs:  # noqa: ANN401 - JSON
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= MOST_INPUTS:
        raise Refused(400, f"invalid request: inputs must be a list of 1 to {MOST_INPUTS} objects")
    if not all(isinstance(one, dict) for one in inputs):
        # As seen on a Marketplace endpoint: BerriAI/litellm#28613.
        raise Refused(422, "EmbedReqV2.inputs is of type string but should be of type Object")
    texts, images = [], list[bytes]()
    for one in inputs:
        content = one.get("content")
        if not isinstance(content, list) or not content:
            raise Refused(422, "invalid request: content of each of inputs must be a list of objects")
        parts = [_part(part) for part in content]
        images += [part for part in parts if isinstance(part, bytes)]
        texts.append(" ".join(part if isinstance(part, str) else _hash(part) for part in parts))
    _check_sizes(images, MIXED)
    return Inputs(texts, len(images))


def _part(part: Any) -> str | bytes:  # noqa: ANN401 - JSON
    """Return a text, or the bytes of an image."""
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    if kind == "image_url" and isinstance(part.get("image_url"), dict):
        return _image(part["image_url"].get("url"))
    raise Refused(422, "invalid request: each content must be of type text with text, or image_url with image_url.url")


def _image(uri: Any) -> bytes:  # noqa: ANN401 - JSON
    found = _IMAGE.fullmatch(uri) if isinstance(uri, str) else None
    try:
        return base64.b64decode(found["data"] if found else "?", validate=True)
    except (ValueError, binascii.Error):
        raise Refused(
            400, "invalid request: each image must be a data URI of a jpeg, png, webp or gif image in base64"
        ) from None


def _check_sizes(images: list[bytes], version: int) -> None:
    size, most = sum(len(one) for one in images), MOST_IMAGES_BYTES if version >= MIXED else MOST_IMAGE_BYTES
    if size > most:
        raise Refused(400, f"invalid request: images must be at most {most} bytes - received {size}")


def _hash(image: bytes) -> str:
    return hashlib.sha256(image).hexdigest()
