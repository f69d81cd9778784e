"""Checks a request against a service's model, which is part of botocore.

The SDK checks names, types and required members before it sends a request; the service checks enumerations and
patterns. CloudFormation does not use the SDK here, so this module checks both.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from local_aws.server.errors import validation

_SCALARS = {"integer": int, "long": int, "float": float, "double": float}
_BOOLEANS = {"true": True, "false": False}


@cache
def _model(service: str) -> Any:  # noqa: ANN401 - botocore has no types
    return botocore.session.get_session().get_service_model(service)


def operations(service: str) -> frozenset[str]:
    """Return the names of all operations of a service."""
    return frozenset(_model(service).operation_names)


def signing_name(service: str) -> str:
    """Return the name in a service's signatures, which is also the prefix of its IAM actions."""
    return str(_model(service).signing_name)


def longest(service: str, operation: str, member: str) -> int:
    """Return how long a member of a request may be, in bytes or characters."""
    return int(_model(service).operation_model(operation).input_shape.members[member].metadata["max"])


def check(service: str, operation: str, request: dict[str, Any]) -> None:
    """Refuse a request that does not match its shape in the service's model.

    Args:
        service: its name in botocore, e.g. ``sagemaker``.
        operation: e.g. ``CreateModel``.
        request: its members.

    Raises:
        AwsError: ``ValidationException`` that names each offending member.

    """
    shape = _model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    problems = [report.generate_report()] if report.has_errors() else list(_constraints(request, shape, ""))
    if problems:
        count = f"{len(problems)} validation error{'s' * (len(problems) > 1)} detected: "
        raise validation(count + "; ".join(problems))


def from_template(service: str, operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Convert template values to the types of the API: CloudFormation accepts ``"2"`` and ``"true"`` for 2 and true."""
    shape = _model(service).operation_model(operation).input_shape
    coerced: dict[str, Any] = _coerce(properties, shape)
    return coerced


def _coerce(value: Any, shape: Shape | None) -> Any:  # noqa: ANN401 - JSON in, JSON out
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {name: _coerce(member, shape.members.get(name)) for name, member in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_coerce(member, shape.member) for member in value]
    if shape is None or not isinstance(value, str):
        return value
    if shape.type_name == "boolean":
        return _BOOLEANS.get(value.lower(), value)
    number = _SCALARS.get(shape.type_name)
    try:
        return number(value) if number else value
    except ValueError:
        return value


def _constraints(value: Any, shape: Shape, path: str) -> list[str]:  # noqa: ANN401 - JSON in
    """List the violations of enumerations, patterns and lengths, with their paths."""
    if isinstance(shape, StructureShape):
        return [
            p for name, member in value.items() for p in _constraints(member, shape.members[name], f"{path}.{name}")
        ]
    if isinstance(shape, ListShape):
        longest = shape.metadata.get("max", len(value))
        if len(value) > longest:
            return [_violation(value, path, f"have length less than or equal to {longest}")]
        return [p for i, member in enumerate(value) for p in _constraints(member, shape.member, f"{path}[{i}]")]
    if isinstance(shape, MapShape):
        return [p for key, member in value.items() for p in _constraints(member, shape.value, f"{path}[{key}]")]
    if isinstance(shape, StringShape):
        return _string_constraints(value, shape, path)
    most = shape.metadata.get("max")
    if most is not None and value > most:
        return [_violation(value, path, f"have value less than or equal to {most}")]
    return []


def _violation(value: Any, path: str, constraint: str) -> str:  # noqa: ANN401 - JSON
    return f"Value '{value}' at '{path.lstrip('.')}' failed to satisfy constraint: Member must {constraint}"


def _string_constraints(value: str, shape: StringShape, path: str) -> list[str]:
    if shape.enum and value not in shape.enum:
        return [_violation(value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")]
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(python_pattern(pattern), value):
        return [_violation(value, path, f"satisfy regular expression pattern: {pattern}")]
    longest = shape.metadata.get("max")
    if longest is not None and len(value) > longest:
        return [_violation(value, path, f"have length less than or equal to {longest}")]
    return []


def python_pattern(pattern: str) -> str:
    """Translate a Java regular expression: Unicode classes, and characters beyond 16 bits."""
    beyond = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    for java, python in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", r"\s"), (r"\p{Print}", r"[ -~]"), beyond):
        pattern = pattern.replace(java, python)
    return pattern
