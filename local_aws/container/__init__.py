"""The stand-in for the model's container behind InvokeEndpoint. README.md describes its contract and its limits."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from local_aws.container import chat, contract, embed, generation, rerank, streams, tokens
from local_aws.container.contract import Refused, Request
from local_aws.container.generation import Generation
from local_aws.container.model import Model
from local_aws.container.openai import Server

CORPUS = Path(__file__).parent / "corpus.txt"


class Container:
    """Answers the requests of Cohere's containers. Has no state, so any number of threads can use it.

    Args:
        generate: returns the generations of a request.

    """

    def __init__(self, generate: Callable[[Request], Sequence[Generation]]) -> None:
        self._generate = generate

    @classmethod
    def from_settings(cls, openai_url: str | None, openai_model: str | None) -> Container:
        """Return the built-in model, or an OpenAI-compatible server when an address is given.

        Args:
            openai_url: the server's address without ``/v1``.
            openai_model: the model's name there; default ``default``.

        """
        if openai_url:
            return cls(Server(openai_url, openai_model or "default").answer)
        model = Model(CORPUS.read_text(encoding="utf-8"))
        return cls(lambda request: generation.answer(model, request))

    def handle(
        self, body: bytes, content_type: str, api: str = "generate", package: str = ""
    ) -> tuple[int, str, bytes]:
        """Answer one invocation with status, content type and body. Never raises.

        Args:
            body: the request's.
            content_type: its type.
            api: the API of the package's container.
            package: the package's id.

        """
        status, answer_type, pieces = self.stream(body, content_type, api, package)
        return status, answer_type, b"".join(pieces)

    def stream(
        self, body: bytes, content_type: str, api: str = "generate", package: str = ""
    ) -> tuple[int, str, Iterator[bytes]]:
        """Answer one invocation piece by piece: one piece, unless the request asks for a stream. Never raises.

        Args:
            body: the request's.
            content_type: its type.
            api: the API of the package's container.
            package: the package's id.

        """
        try:
            if content_type.partition(";")[0].strip().lower() != "application/json":
                raise Refused(415, "invalid request: content type must be application/json")
            return 200, "application/json", self._answer(contract.json_object(body), api, package)
        except Refused as refused:
            status, answer = refused.status, {"message": refused.message}
        except Exception:  # noqa: BLE001 - a container answers 500 and lives on
            status, answer = 500, {"message": "internal error"}
        return status, "application/json", _whole(answer)

    def _answer(self, document: dict[str, Any], api: str, package: str) -> Iterator[bytes]:
        streamed = document.pop("stream", None) is True
        if api == "generate":
            request = contract.parse(document)
            generations = self._generate(request)
            documents = [one.document(request.return_likelihoods) for one in generations]
            answer = {"id": str(uuid.uuid4()), "generations": documents, "prompt": request.prompt}
            return streams.generate(answer, generations) if streamed else _whole(answer)
        if api == "chat":
            answer, generation = self._chat(document)
            return streams.chat(answer, generation) if streamed else _whole(answer)
        if api == "embed":
            return _whole(embed.answer(document, package))
        if api == "rerank":
            return _whole(rerank.answer(document, package))
        raise Refused(501, f"the stand-in for the container does not implement {api}")

    def _chat(self, document: dict[str, Any]) -> tuple[dict[str, Any], Generation]:
        request, history = chat.parse(document)
        (generation,) = self._generate(request)
        return chat.answer(request, history, generation, len(tokens.split(request.prompt))), generation


def _whole(answer: dict[str, Any]) -> Iterator[bytes]:
    return iter([json.dumps(answer).encode()])
