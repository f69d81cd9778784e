"""What an environment lets one request cost: the most tokens, generations and prompt, and the tokens by default.

Beside the API's own limits (``request``) and the container's, which it tells itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from generate.errors import ProxyError


@dataclass(frozen=True)
class Caps:
    """The environment's limits.

    Attributes:
        default_max_tokens: what is sent when a request names no ``max_tokens``: containers differ (20 tokens, 400, or
            until the model has ended).
        max_tokens: the most that a request may ask for, for each generation.
        max_generations: the most ``num_generations``.
        max_prompt_characters: the longest prompt, in characters.

    """

    default_max_tokens: int
    max_tokens: int
    max_generations: int
    max_prompt_characters: int


def limited(fields: dict[str, Any], caps: Caps) -> dict[str, Any]:
    """Return a request's fields with ``max_tokens`` in any case.

    Raises:
        ProxyError: ``invalid_field`` when it asks for more than the environment allows.

    """
    bounded = {"max_tokens": caps.max_tokens, "num_generations": caps.max_generations}
    for name, most in bounded.items():
        if fields.get(name, 0) > most:
            raise ProxyError("invalid_field", f"{name}: must be at most {most} here")
    if len(fields["prompt"]) > caps.max_prompt_characters:
        raise ProxyError("invalid_field", f"prompt: must have at most {caps.max_prompt_characters} characters here")
    return {"max_tokens": caps.default_max_tokens, **fields}
