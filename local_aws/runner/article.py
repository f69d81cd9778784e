"""The requests of the 2023 article: one sample, a study of ``max_tokens`` and a study of ``temperature``.

Source: "Deploying Cohere Language Models On Amazon SageMaker", Ram Vegiraju, Towards Data Science, 2023-05-18.
"""

from __future__ import annotations

from typing import Any, Final

PROMPT: Final = "Write a LinkedIn post about starting a career in tech:"
_COMMON: Final = {"prompt": PROMPT, "return_likelihoods": "GENERATION"}

SAMPLE: Final[dict[str, Any]] = {**_COMMON, "max_tokens": 100, "temperature": 0}
TOKEN_STUDY: Final[list[dict[str, Any]]] = [
    {**_COMMON, "max_tokens": tokens, "temperature": 0.9} for tokens in (100, 200, 300, 400, 500)
]
# The article shows a picture of temperature 5, although its loop ends at 4.
TEMPERATURE_STUDY: Final[list[dict[str, Any]]] = [
    {**_COMMON, "max_tokens": 100, "temperature": temperature} for temperature in range(6)
]
