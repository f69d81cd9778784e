"""Chat completions, built on a translation of Cohere's chat v2."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from proxy.dialects.answer import Answer, written
from proxy.dialects.cohere_v2.events import tokens_of
from proxy.dialects.openai.fields import in_openai_words
from proxy.dialects.openai.from_v2 import from_v2
from proxy.dialects.openai.to_v2 import to_v2

if TYPE_CHECKING:
    from proxy.dialects.openai.stream import CompletionStream

_NAMES: Final = {"p": "top_p", "stop_sequences": "stop", "strict_tools": "tools", "thinking": "reasoning_effort"}
_PROBLEMS: Final = {
    "strict_tools": "must not be strict: this model does not hold to the schemas",
    "thinking": "must be none or left out: this model does not think",
    "tool_choice": "must be auto, none or left out: this model cannot be forced to call a tool",
}


class Completions:
    """Translates chat completions to what a container answers; see ``proxy.dialects.answer.Translation``.

    Args:
        v2: the module that translates chat v2 to it: ``requests``, ``document`` and ``stream``.

    """

    def __init__(self, v2: ModuleType) -> None:
        self._v2 = v2

    def requests(self, fields: dict[str, Any]) -> list[bytes]:
        """Return the one body to send.

        Raises:
            ProxyError: ``invalid_field`` for what the container cannot do.

        """
        found = to_v2(fields)
        with in_openai_words(_NAMES, _PROBLEMS):
            contents: list[bytes] = self._v2.requests(found)
        return contents

    def answer(self, contents: list[bytes], fields: dict[str, Any]) -> Answer:
        """Return the chat completion.

        Raises:
            ProxyError: ``bad_answer``, ``model_failed`` or ``answer_too_large``.

        """
        document = self._v2.document(contents, to_v2(fields))
        return Answer(written(from_v2(document, fields)), 1, *tokens_of(document.get("usage")))

    def stream(self, fields: dict[str, Any]) -> CompletionStream:
        """Return the translation of one stream."""
        from proxy.dialects.openai.stream import CompletionStream  # not needed by buffered answers

        return CompletionStream(self._v2.stream(to_v2(fields)), fields)
