"""The stand-in for the model's container behind InvokeEndpoint. README.md describes its contract and its limits."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from local_aws.container import contract, generation, streams
from local_aws.container.chat import v1, v2
from local_aws.container.contract import Refused, Request
from local_aws.container.generation import Generation
from local_aws.container.model import Model
from local_aws.container.openai import Server
from local_aws.container.retrieval import embed, rerank

CORPUS = Path(__file__).parent / "corpus.txt"
JSON: Final = "application/json"
SERVER_SENT: Final = "text/event-stream"

_CHATS: Final = {"chat": v1.respond, "chat_v2": v2.respond}


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
        self, body: bytes, content_type: str, api: str = "generate", package: str = "", *, server_sent: bool = False
    ) -> tuple[int, str, Iterator[bytes]]:
        """Answer one invocation object by object: one object, unless the request asks for a stream. Never raises.

        Args:
            body: the request's.
            content_type: its type.
            api: the API of the package's container.
            package: the package's id.
            server_sent: whether a stream of ``chat_v2`` has server-sent events; default JSON lines.

        """
        try:
            if content_type.partition(";")[0].strip().lower() != JSON:
                raise Refused(415, "invalid request: content type must be application/json")
            document = contract.json_object(body)
            if document.pop("stream", None) is not True:
                return 200, JSON, _whole(self._answer(document, api, package))
            events = self._events(document, api)
            if events is None:  # embed and rerank have no streams
                return 200, JSON, _whole(self._answer(document, api, package))
            server_sent = server_sent and api == "chat_v2"
            return 200, SERVER_SENT if server_sent else JSON, streams.written(events, server_sent=server_sent)
        except Refused as refused:
            status, answer = refused.status, {"message": refused.message}
        except Exception:  # noqa: BLE001 - a container answers 500 and lives on
            status, answer = 500, {"message": "internal error"}
        return status, JSON, _whole(answer)

    def _answer(self, document: dict[str, Any], api: str, package: str) -> dict[str, Any]:
        if api == "generate":
            return self._generations(document)[0]
        if respond := _CHATS.get(api):
            return respond(document, self._generate)[0]
        if api == "embed":
            return embed.answer(document, package)
        if api == "rerank":
            return rerank.answer(document, package)
        raise Refused(501, f"the stand-in for the container does not implement {api}")

    def _events(self, document: dict[str, Any], api: str) -> list[dict[str, Any]] | None:
        """Return the objects of a stream; None for an API that has none."""
        if api == "generate":
            return streams.of_generations(*self._generations(document))
        if respond := _CHATS.get(api):
            return respond(document, self._generate)[1]()
        return None

    def _generations(self, document: dict[str, Any]) -> tuple[dict[str, Any], Sequence[Generation]]:
        request = contract.parse(document)
        generations = self._generate(request)
        documents = [one.document(request.return_likelihoods) for one in generations]
        return {"id": str(uuid.uuid4()), "generations": documents, "prompt": request.prompt}, generations


def _whole(answer: dict[str, Any]) -> Iterator[bytes]:
    return iter([json.dumps(answer).encode()])
