"""Chat completions in front of a container that answers chat v2."""

from __future__ import annotations

from proxy.dialects.cohere_v2 import chat
from proxy.dialects.openai.completions import Completions

_completions = Completions(chat)
requests, answer, stream = _completions.requests, _completions.answer, _completions.stream
