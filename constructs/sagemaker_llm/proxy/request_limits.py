"""What one request to the proxy may ask for."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sagemaker_llm.errors import OptionError
from sagemaker_llm.limits import MAX_GENERATIONS, check_range


@dataclass(frozen=True)
class RequestLimits:
    """The limits of one request.

    Attributes:
        default_max_tokens: the ``max_tokens`` of a request that names none; default 200. Containers differ: 20 tokens,
            400, or until the model ends by itself.
        max_tokens: the most that a request may ask for, for each generation; default 4096.
        max_generations: the most ``num_generations``, 1 to 5; default 5.
        max_prompt_characters: the longest prompt, in characters; default 262144.

    Raises:
        OptionError: a value is out of range.

    """

    default_max_tokens: int = 200
    max_tokens: int = 4096
    max_generations: int = MAX_GENERATIONS
    max_prompt_characters: int = 262_144

    def __post_init__(self) -> None:
        for option in ("max_tokens", "max_prompt_characters"):
            check_range(option, getattr(self, option), 1, float("inf"))
        check_range("max_generations", self.max_generations, 1, MAX_GENERATIONS)
        check_range("default_max_tokens", self.default_max_tokens, 1, float("inf"))
        if self.default_max_tokens > self.max_tokens:
            raise OptionError(
                "default_max_tokens",
                self.default_max_tokens,
                problem="is more than max_tokens",
                allowed=f"at most {self.max_tokens}",
            )

    @property
    def by_name(self) -> dict[str, int]:
        """Return the numbers by their names in the schemas of requests."""
        return {name.upper(): value for name, value in asdict(self).items()}
