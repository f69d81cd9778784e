"""What is wrong with an environment file, in sentences: key, value, what is allowed, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from sagemaker_llm import OptionError

# Where a rule that looks at several keys puts the blame.
_KEY_OF_OPTION = {
    "package_arn": "model.package_arn",
    "model": "model.catalog",
    "api": "model.api",
    "region": "region",
    "generate_timeout": "proxy.generate_timeout_seconds",
}


class SettingsError(ValueError):
    """An environment cannot be used.

    Attributes:
        problems: one line each.

    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def problems_of(error: ValidationError, root: type[BaseModel]) -> Iterator[str]:
    """Yield one line for each problem that pydantic found in a model of class ``root``."""
    for found in error.errors(include_url=False):
        key = ".".join(str(part) for part in found["loc"])
        cause = found.get("ctx", {}).get("error")
        if isinstance(cause, OptionError):
            yield problem_of(cause, key)
        elif found["type"] == "extra_forbidden":
            yield f"{key}: unknown key; {_known_keys(root, found['loc'])}"
        elif found["type"] == "missing":
            yield f"{key}: is missing; add it ({_description(root, found['loc'])})"
        else:
            words = [_allowed(found), _description(root, found["loc"])]
            yield f"{key}: {found['input']!r} is wrong; allowed: {': '.join(filter(None, words))}"


def problem_of(error: OptionError, key: str = "") -> str:
    """Return one line for what the construct library refuses.

    Args:
        error: the refusal.
        key: the key with the value; default the one that the option's name stands for.

    """
    if not key:
        where = _KEY_OF_OPTION.get(error.option, f"endpoint.{error.option}")
    else:
        where = key if key.rpartition(".")[2] == error.option else f"{key}.{error.option}"
    return f"{where}: {error.sentence}"


def _allowed(found: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    """Return what is allowed, in pydantic's words without its preamble."""
    if found["type"] == "string_pattern_mismatch":
        return ""  # the description says it in words
    message = str(found["msg"])
    for preamble in ("Input should be ", "Input should have ", "String should ", "Value error, "):
        message = message.removeprefix(preamble)
    if found["type"] == "string_type" and isinstance(found["input"], int):
        message += " in quotes"
    return message


def _known_keys(root: type[BaseModel], location: tuple[int | str, ...]) -> str:
    section = _section(root, location[:-1])
    known = list(section.model_fields) if section else []
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    return (f"did you mean {near[0]}? " if near else "") + f"allowed: {', '.join(known)}"


def _description(root: type[BaseModel], location: tuple[int | str, ...]) -> str:
    for depth in range(len(location), 0, -1):
        section = _section(root, location[: depth - 1])
        field = section.model_fields.get(str(location[depth - 1])) if section else None
        if field:
            annotation = field.annotation
            return field.description or " ".join((getattr(annotation, "__doc__", "") or "").split("\n")[:1])
    return ""


def _section(root: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model that a location leads to; the positions of lists and the names in mappings lead nowhere else."""
    for part in location:
        field = root.model_fields.get(str(part))
        inner = _model_in(field.annotation) if field else root
        if inner is None:
            return None
        root = inner
    return root


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type
    """Return the model in an annotation: itself, or that of an optional, of a tuple, or of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
