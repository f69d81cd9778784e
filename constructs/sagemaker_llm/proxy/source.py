"""The source of the Lambda functions: in the wheel beside this library, in a checkout in ``lambda/``.

Three of its modules are data for this library too: the table of routes, the reader of their schemas, and the names of
the metrics. They import the standard library only and are loaded by themselves, so that the package ``proxy`` need not
be importable.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_cdk import aws_lambda as lambda_

_IN_THE_WHEEL: Final = Path(__file__).parents[1] / "_lambda"
_IN_A_CHECKOUT: Final = Path(__file__).parents[3] / "lambda"
# Bytecode of whoever imported the source before would change the asset's hash.
_EXCLUDED: Final = ["**/__pycache__", "**/*.pyc", "**/*.md"]
_POWER: Final = "power"


class Route(Protocol):
    """A route of the API, as the proxy's own table has it.

    Attributes:
        name: its name.
        method: the HTTP method.
        paths: every path, with a slash at its beginning.
        schema: the file of the JSON Schema of its bodies; empty for a request without a body.

    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def method(self) -> str: ...  # noqa: D102
    @property
    def paths(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def schema(self) -> str: ...  # noqa: D102


def folder() -> Path:
    """Return the folder of the source."""
    return _IN_THE_WHEEL if _IN_THE_WHEEL.is_dir() else _IN_A_CHECKOUT


def code() -> lambda_.Code:
    """Return the source as an asset."""
    from aws_cdk import aws_lambda as lambda_

    # The switch is an asset of its own: each has only what it runs, and a change of one does not deploy the other.
    return lambda_.Code.from_asset(str(folder()), exclude=[*_EXCLUDED, _POWER])


def power_code() -> lambda_.Code:
    """Return the source of the switch as an asset: the package ``power`` and nothing else."""
    from aws_cdk import IgnoreMode
    from aws_cdk import aws_lambda as lambda_

    only = ["*", f"!{_POWER}", f"!{_POWER}/*.py"]
    return lambda_.Code.from_asset(str(folder()), exclude=only, ignore_mode=IgnoreMode.GIT)


def routes(apis: Iterable[str]) -> Sequence[Route]:
    """Return the routes in front of containers, given what these answer."""
    return cast("Sequence[Route]", _module("routes/table").routes_for(set(apis)))


def apis() -> Sequence[str]:
    """Return what a container may answer for the proxy to be of use, e.g. ``chat``."""
    return cast("Sequence[str]", _module("routes/table").APIS)


def variant_header() -> str:
    """Return the name of the header that names a variant of the endpoint."""
    return str(_module("routes/table").VARIANT_HEADER)


def metrics_names() -> tuple[str, str]:
    """Return the namespace of the metrics that the function writes, and the name of their one dimension."""
    metrics = _module("metrics")
    return metrics.NAMESPACE, metrics.DIMENSION


def detailed_metrics() -> Sequence[str]:
    """Return the names of the metrics that are also counted by route, variant and client."""
    return cast("Sequence[str]", _module("metrics").DETAILS)


def metric_names() -> Sequence[str]:
    """Return the names of all metrics that the function may write; each is billed in a month in which it does."""
    return tuple(_module("metrics").UNITS)


def request_schema(route: Route, limits: Mapping[str, int]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a route's request bodies, with an environment's limits in it."""
    return cast("dict[str, Any]", _module("routes/schema").read(route.schema, limits))


@cache
def _module(name: str) -> Any:  # noqa: ANN401 - a module
    # Under a name of its own, which dataclasses look up.
    full_name = f"{__name__}.{name.replace('/', '.')}"
    spec = spec_from_file_location(full_name, folder() / "proxy" / f"{name}.py")
    if spec is None or spec.loader is None:  # pragma: no cover - the file is part of the package
        raise ImportError(full_name)
    module = module_from_spec(spec)
    sys.modules[full_name] = module
    spec.loader.exec_module(module)
    return module
