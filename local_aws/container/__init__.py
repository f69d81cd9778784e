"""The stand-in for the model's container behind InvokeEndpoint. README.md says what it is, and what it is not."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local_aws.container import chat, contract, generation, tokens
from local_aws.container.contract import Refused, Request
from local_aws.container.model import Model
from local_aws.container.openai import Server

_APIS = ("generate", "chat")
CORPUS = Path(__file__).parent / "corpus.txt"


class Container:
    """Answers generate requests. Keeps no state, so any number of threads may use it.

    Args:
        generate: makes the generations of a request.

    """

    def __init__(self, generate: Callable[[Request], list[dict[str, Any]]]) -> None:
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

    def handle(self, body: bytes, content_type: str, api: str = "generate") -> tuple[int, str, bytes]:
        """Answer one invocation with status, content type and body. Never raises.

        Args:
            body: the request's.
            content_type: its type.
            api: what the package's container answers.

        """
        try:
            if content_type.partition(";")[0].strip().lower() != "application/json":
                raise Refused(415, "invalid request: content type must be application/json")
            if api not in _APIS:
                raise Refused(501, f"the stand-in for the container does not speak {api}")
            status, answer = 200, self._chat(body) if api == "chat" else self._generations(body)
        except Refused as refused:
            status, answer = refused.status, {"message": refused.message}
        except Exception:  # noqa: BLE001 - a container answers 500 and lives on
            status, answer = 500, {"message": "internal error"}
        return status, "application/json", json.dumps(answer).encode()

    def _generations(self, body: bytes) -> dict[str, Any]:
        request = contract.parse(body)
        return {"id": str(uuid.uuid4()), "generations": self._generate(request), "prompt": request.prompt}

    def _chat(self, body: bytes) -> dict[str, Any]:
        request, history = chat.parse(body)
        (generation,) = self._generate(request)
        text = generation["text"]
        return chat.answer(request, history, text, (len(tokens.split(request.prompt)), len(tokens.split(text))))
