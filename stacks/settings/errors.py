"""Errors of an environment file, in sentences: key, value, what is allowed, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from sagemaker_llm import OptionError

_UNITS = ("", "_seconds", "_arn")
"""What a key has beside the name of the library's option: a time-out in seconds, a key by its ARN."""


_RENAMED = {"model": "catalog"}
"""The key of an option of the library that has another name there: a model of the catalogue."""


MORE_VARIANTS = "endpoint.more_variants"
"""Where the further variants stand."""


class SettingsError(ValueError):
    """An environment cannot be used.

    Attributes:
        problems: one line each.

    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@contextmanager
def within(path: str) -> Iterator[None]:
    """Let a refusal of the library be about one variant of the file.

    Args:
        path: ``endpoint`` for the main variant and its model, or ``endpoint.more_variants.<name>``.

    """
    try:
        yield
    except OptionError as error:
        error.within = path
        raise


def problems_of(
    error: ValidationError,
    root: type[BaseModel],
    content: Any,  # noqa: ANN401 - YAML
) -> Iterator[tuple[str, str]]:
    """Yield the key and a sentence for each problem that pydantic found.

    Args:
        error: pydantic's error.
        root: the model of the whole file.
        content: the file's content.

    """
    for found in error.errors(include_url=False):
        key = ".".join(str(part) for part in found["loc"])
        cause = found.get("ctx", {}).get("error")
        if isinstance(cause, OptionError):
            where = f"{key}.{cause.option}" if key and key.rpartition(".")[2] != cause.option else key
            yield where or key_of(cause, root, content), cause.sentence
        elif found["type"] == "extra_forbidden":
            yield key, f"unknown key; {_known_keys(root, found['loc'])}"
        elif found["type"] == "missing":
            yield key, f"is missing; add it ({_description(root, found['loc'])})"
        else:
            words = [_allowed(found), _description(root, found["loc"])]
            yield key, f"{found['input']!r} is wrong; allowed: {': '.join(filter(None, words))}"


def key_of(error: OptionError, root: type[BaseModel], content: Any) -> str:  # noqa: ANN401 - YAML
    """Return the key in the file for an option of the library: where the value stands, else where it belongs."""
    option = _RENAMED.get(error.option, error.option)
    if option.partition(".")[0] in root.model_fields:
        return option
    *_, last = option.split(".")
    names = [last + unit for unit in _UNITS]
    with_name = [
        (key, value)
        for key, value in _leaves(content)
        if key.rpartition(".")[2] in names and _is_within(key, error.within)
    ]
    with_value = [key for key, value in with_name if value == error.value]
    in_the_file = with_value or [key for key, _ in with_name]
    section = _section(root, tuple(error.within.split("."))) if error.within else None
    not_in_it = _keys_of(section, names, f"{error.within}.") if section else _keys_of(root, names)
    return next(iter([*in_the_file, *not_in_it, option]))


def _is_within(key: str, path: str) -> bool:
    """Return whether a key of the file is of one variant: the main one's model stands beside it."""
    if path == "endpoint":
        return key.startswith(("endpoint.", "model.")) and not key.startswith(f"{MORE_VARIANTS}.")
    return not path or key.startswith(f"{path}.")


def _leaves(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - YAML
    """Yield every key of the file with its value, the outer ones first."""
    members = content.items() if isinstance(content, Mapping) else ()
    for name, value in members:
        yield f"{prefix}{name}", value
    for name, value in members:
        yield from _leaves(value, f"{prefix}{name}.")
        for number, one in enumerate(value if isinstance(value, (list, tuple)) else ()):
            yield from _leaves(one, f"{prefix}{name}.{number}.")


def _keys_of(root: type[BaseModel], names: list[str], prefix: str = "") -> Iterator[str]:
    """Yield every key with one of the names that a file may have, the outer ones first."""
    yield from (prefix + name for name in root.model_fields if name in names)
    for name, field in root.model_fields.items():
        inner = model_in(field.annotation)
        if inner:
            yield from _keys_of(inner, names, f"{prefix}{name}.")


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
        inner = model_in(field.annotation) if field else root
        if inner is None:
            return None
        root = inner
    return root


def model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type
    """Return the model in an annotation: itself, or that of an optional, of a tuple, or of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(model_in, get_args(annotation))), None)
