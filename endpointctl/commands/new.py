"""``endpointctl new``: an environment file from options, or from questions on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from endpointctl import new_environment as environment
from endpointctl.failure import Failure
from endpointctl.files import write
from endpointctl.new_environment import Choices, FrontDoor
from endpointctl.output import show
from sagemaker_llm.models import catalog
from sagemaker_llm.models.instance_type import instance_types
from stacks import settings

_PRICES = "us-east-1's list prices, for one instance, without the seller's software"


def new(
    name: Annotated[str, typer.Argument(help="The environment's name: environments/NAME.yaml.")],
    region: Annotated[str | None, typer.Option(help="The AWS region.")] = None,
    account: Annotated[str | None, typer.Option(help="The AWS account, 12 digits.")] = None,
    model: Annotated[
        str | None, typer.Option(help="A model of the catalogue; `endpointctl models` lists them.")
    ] = None,
    instance_type: Annotated[str | None, typer.Option(help="The GPU type, e.g. ml.g5.xlarge.")] = None,
    front_door: Annotated[
        FrontDoor | None, typer.Option(help="What HTTP clients call. Default: the Lambda function's URL.")
    ] = None,
    caller: Annotated[
        list[str] | None,
        typer.Option(help="A principal that may call it; may be given again. Default: the account itself."),
    ] = None,
    extends: Annotated[
        str | None, typer.Option(help="A file to take the other values from, e.g. defaults/team.yaml.")
    ] = None,
) -> None:
    """Write a new environment's file and validate it; it replaces no file.

    On a terminal it asks for what no option and no extended file gives.
    """
    path = settings.ENVIRONMENTS / f"{name}.yaml"
    settings.check_name(name, remedy="choose another name")
    if os.path.lexists(path):
        raise Failure(f"environments/{name}.yaml exists: choose another name, or edit the file")
    below = environment.extended(name, extends)
    given = Choices(region, account, model, instance_type, front_door, tuple(caller or ()))
    chosen = _completed(given, below)
    text = environment.text(name, chosen, extends, below)
    found = settings.check(name, environment.merged(name, text))
    write({path: text}, force=False, remedy="choose another name, or edit the file")
    types = dict.fromkeys(one for _, of, variant in found.variants() for one, _ in variant.types_and_models(of))
    show(f"environments/{name}.yaml is written; `endpointctl show --env {name}` shows all its settings")
    for one in types:
        show(f"each instance costs from its deployment on: {environment.described(instance_types()[one])} ({_PRICES})")


def _completed(given: Choices, below: dict[str, Any]) -> Choices:
    """Return the choices with the answers to what is neither given nor in the extended file.

    Raises:
        Failure: there is no terminal to ask on, and something is missing.

    """
    regions = () if environment.has(below, "model.package_arn") else tuple(catalog.accounts())
    region = given.region or _asked("region", below, ("region",), lambda: regions)
    account = given.account or _asked("account", below, ("account",), lambda: ())
    where = region or str(below.get("region"))
    model = given.model or _asked(
        "model", below, ("model.catalog", "model.package_arn"), lambda: environment.models(where)
    )
    below_model = below.get("model") if isinstance(below.get("model"), dict) else {}
    section = {**(below_model or {}), **environment.with_model(below_model, model)}
    instance_type = given.instance_type or _asked(
        "instance_type",
        below,
        ("endpoint.instance_type", "endpoint.instance_pools"),
        lambda: {gpu.name: environment.described(gpu) for gpu in environment.gpus(section, where)},
    )
    front_door, callers = given.front_door, given.callers
    if _interactive() and environment.answers_http(section):
        if not front_door and not environment.has(below, "proxy.rest_api"):
            front_door = FrontDoor(_ask("front door", [one.value for one in FrontDoor], FrontDoor.FUNCTION_URL.value))
        if not callers and not environment.has(below, "proxy.callers"):
            answer = _ask(
                "callers, ARNs or account ids with spaces between them (none: the account itself)", (), "none"
            )
            callers = tuple(answer.replace(",", " ").split()) if answer != "none" else ()
    return Choices(region, account, model, instance_type, front_door, callers)


def _asked(
    option: str, below: dict[str, Any], keys: tuple[str, ...], allowed: Callable[[], Iterable[str]]
) -> str | None:
    """Return the answer to a question; None when the extended file has the value."""
    if environment.has(below, *keys):
        return None
    if not _interactive():
        flag = option.replace("_", "-")
        raise Failure(f"--{flag} is missing: give it, or give with --extends a file that has {' or '.join(keys)}")
    return _ask(option.replace("_", " "), allowed(), None)


def _ask(question: str, allowed: Iterable[str], default: str | None) -> str:
    """Ask on the terminal until the answer is allowed, which is everything where nothing is listed."""
    names = list(allowed)
    described = allowed if isinstance(allowed, dict) else {}
    for name in names:
        show(f"  {described.get(name, name)}")

    def checked(answer: str) -> str:
        if names and answer not in names:
            raise typer.BadParameter(f"{answer!r} is none of these: {', '.join(names)}")
        return answer.strip()

    return str(typer.prompt(question, default=default, value_proc=checked))


def _interactive() -> bool:
    return bool(sys.stdin and sys.stdin.isatty())  # none when the caller has closed it
