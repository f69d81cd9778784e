"""Sends requests to an OpenAI-compatible server instead of the built-in model.

Source: platform.openai.com/docs/api-reference/completions, which llama.cpp, Ollama, vLLM and others implement.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from local_aws.container import tokens
from local_aws.container.contract import Refused, Request
from local_aws.container.generation import Generation, Token

TIMEOUT_SECONDS = 55.0
"""Less than SageMaker's 60 s, so that the error is the container's own."""

_MOST_TEMPERATURE = 2.0


class Server:
    """An OpenAI-compatible server.

    Args:
        url: up to and without ``/v1``, e.g. ``http://127.0.0.1:11434``.
        model: the model's name there.

    """

    def __init__(self, url: str, model: str) -> None:
        self._url = url.rstrip("/") + "/v1/completions"
        self._model = model

    def answer(self, request: Request) -> list[Generation]:
        """Return the generations of a request.

        Temperatures above 2 are sent as 2, the most that this API accepts; k is not sent.

        Raises:
            Refused: 400 for what this API cannot do, 502 when the server does not answer.

        """
        if request.return_likelihoods == "ALL":
            raise Refused(
                400, "invalid request: return_likelihoods ALL is not possible with an OpenAI-compatible server"
            )
        body = json.dumps({name: value for name, value in self._fields(request).items() if value is not None})
        prepared = urllib.request.Request(self._url, body.encode(), {"Content-Type": "application/json"})  # noqa: S310
        try:
            with urllib.request.urlopen(prepared, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - the user's setting
                choices = json.load(response)["choices"]
            return [_generation(choice, request) for choice in choices]
        except urllib.error.HTTPError as error:
            raise Refused(502, f"the OpenAI-compatible server answered {error.code}") from None
        except (OSError, ValueError, KeyError, TypeError):
            raise Refused(502, "the OpenAI-compatible server gave no usable answer") from None

    def _fields(self, request: Request) -> dict[str, Any]:
        return {
            "model": self._model,
            "prompt": request.prompt,
            "max_tokens": request.max_tokens,
            "temperature": min(request.temperature, _MOST_TEMPERATURE),
            "top_p": request.p or 1.0,
            "n": request.num_generations,
            "stop": [*request.stop_sequences, *request.end_sequences] or None,
            "seed": request.seed,
            "frequency_penalty": request.frequency_penalty,
            "presence_penalty": request.presence_penalty,
            "logprobs": 0 if request.return_likelihoods == "GENERATION" else None,
        }


def _generation(choice: dict[str, Any], request: Request) -> Generation:
    text, stopped = str(choice["text"]), choice.get("finish_reason") == "stop"
    if request.return_likelihoods == "GENERATION":
        found = choice["logprobs"]
        pairs = zip(found["tokens"], found["token_logprobs"], strict=True)
        return Generation(text, tuple(Token(str(token), float(value)) for token, value in pairs), stopped)
    # Without log-probabilities this API does not return tokens: the counts are those of our own tokens.
    return Generation(text, tuple(Token(token, None) for token in tokens.split(text)), stopped)
