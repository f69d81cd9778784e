"""OpenAI's embeddings in front of an embed container of any version.

``input_type``, which the models since version 3 require, has no field in OpenAI's API: it is search_document unless the
request says so. ``user`` is accepted and not sent on.
Sources: platform.openai.com/docs/api-reference/embeddings; docs.cohere.com, "Using Cohere models via the OpenAI SDK".
"""

from __future__ import annotations

from typing import Any, Final

from proxy.dialects.answer import Answer, parsed, written
from proxy.dialects.cohere_v2 import embed
from proxy.dialects.openai.fields import in_openai_words

_NAMES: Final = {"output_dimension": "dimensions", "texts": "input", "embedding_types": "encoding_format"}
"""Cohere's names of fields, and OpenAI's."""


def requests(fields: dict[str, Any]) -> list[bytes]:
    """Return the one body to send.

    Raises:
        ProxyError: ``invalid_field``.

    """
    with in_openai_words(_NAMES):
        return embed.requests(_to_v2(fields))


def answer(contents: list[bytes], fields: dict[str, Any]) -> Answer:
    """Return OpenAI's answer.

    Raises:
        ProxyError: ``bad_answer``, ``answer_too_large``; ``invalid_field`` when the model has not the dimension.

    """
    (content,) = contents
    form = fields.get("encoding_format", "float")
    with in_openai_words(_NAMES):
        found = embed.document(parsed(content), {**_to_v2(fields), "embedding_types": [form]})
    tokens = embed.tokens_of(found)
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(found["embeddings"][form])
    ]
    # A model before version 3 does not count its tokens.
    usage = {"prompt_tokens": tokens or 0, "total_tokens": tokens or 0}
    body = {"object": "list", "data": data, "model": fields["model"], "usage": usage}
    return Answer(written(body), tokens_in=tokens)


def _to_v2(fields: dict[str, Any]) -> dict[str, Any]:
    given = fields["input"]
    found = {
        "texts": [given] if isinstance(given, str) else given,
        "input_type": fields.get("input_type", "search_document"),
    }
    for name, theirs in (("dimensions", "output_dimension"), ("truncate", "truncate")):
        if name in fields:
            found[theirs] = fields[name]
    return found
