"""The text of a new environment file: what was chosen, over the file that it extends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

import yaml
from pydantic import ValidationError

from sagemaker_llm import InstanceType, OptionError
from sagemaker_llm.models import catalog
from sagemaker_llm.models.instance_type import instance_types
from sagemaker_llm.proxy import source
from stacks import settings
from stacks.settings import files
from stacks.settings.files import Merged
from stacks.settings.sections import Model


class FrontDoor(StrEnum):
    """What HTTP clients call."""

    FUNCTION_URL = "function_url"
    REST_API = "rest_api"


@dataclass(frozen=True)
class Choices:
    """What a new environment is to have; None for what the extended file, or a default, decides.

    Attributes:
        region: the AWS region.
        account: the AWS account.
        model: a model of the catalogue.
        instance_type: the GPU type.
        front_door: what HTTP clients call.
        callers: the principals that may call it.

    """

    region: str | None = None
    account: str | None = None
    model: str | None = None
    instance_type: str | None = None
    front_door: FrontDoor | None = None
    callers: tuple[str, ...] = ()


def extended(name: str, extends: str | None) -> dict[str, Any]:
    """Return the content of the files that a new environment extends.

    Raises:
        SettingsError: one of them cannot be used.

    """
    return merged(name, yaml.safe_dump({files.KEY: extends})).values


def merged(name: str, text: str) -> Merged:
    """Return an environment's file as if it were in the folder already, and those that it extends."""
    own = f"{name}.yaml"
    read = files.reader(settings.ENVIRONMENTS, own)
    return files.merge(own, lambda place: text.encode() if place == PurePosixPath(own) else read(place))


def has(content: Mapping[str, Any], *keys: str) -> bool:
    """Return whether a file has one of the keys of a section, by their paths, with a value."""
    values = [_value(content, key) for key in keys]
    return any(value not in (None, []) for value in values)


def models(region: str) -> list[str]:
    """Return the models of the catalogue in a region."""
    return list(dict.fromkeys(entry.model for entry in catalog.entries() if region in entry.regions))


def gpus(model: Mapping[str, Any], region: str) -> list[InstanceType]:
    """Return the GPU types that a model runs on in a region, the cheapest first, those without a known price last.

    Args:
        model: the section ``model`` of the file.
        region: the region.

    """

    def fits(name: str) -> bool:
        try:
            Model.model_validate(model).package(name, region)
        except (OptionError, ValidationError):
            return False
        return True

    def price(gpu: InstanceType) -> float:
        return float("inf") if gpu.price_usd_per_hour is None else gpu.price_usd_per_hour

    return sorted((gpu for name, gpu in instance_types().items() if fits(name)), key=price)


def described(gpu: InstanceType) -> str:
    """Return a GPU type with its GPUs and its price."""
    price = "unknown price" if gpu.price_usd_per_hour is None else f"{gpu.price_usd_per_hour:.2f} USD an hour"
    return f"{gpu.name}: {gpu.gpus} x {gpu.accelerator}, {price}"


def answers_http(model: Mapping[str, Any]) -> bool:
    """Return whether a proxy is deployed in front of a model; True when only the package's type decides that."""
    apis = {entry.api for entry in catalog.entries() if entry.model == model.get("catalog")}
    return not apis or bool(apis & set(source.apis()))


def with_model(section: Any, model: str | None) -> dict[str, Any]:  # noqa: ANN401 - YAML
    """Return what the section ``model`` says over that of the extended file."""
    section = section if isinstance(section, dict) else {}
    taken_away = {key: None for key in ("package_arn", "api") if section.get(key) is not None}
    return {"catalog": model, **taken_away} if model else {}


def text(name: str, choices: Choices, extends: str | None, below: Mapping[str, Any]) -> str:
    """Return the text of a new environment's file.

    Args:
        name: the environment's name.
        choices: what was chosen.
        extends: the file that it extends; None for none.
        below: the content of that file.

    """
    endpoint: dict[str, Any] = {"name": f"cohere-{name}", "instance_type": choices.instance_type}
    if choices.instance_type and has(below, "endpoint.instance_pools"):
        endpoint["instance_pools"] = []
    proxy: dict[str, Any] = {"callers": list(choices.callers)}
    if choices.front_door is FrontDoor.REST_API and not has(below, "proxy.rest_api"):
        proxy["rest_api"] = {"access": "iam"}
    content: dict[str, Any] = {
        files.KEY: extends,
        "region": choices.region,
        "account": choices.account,
        "model": with_model(below.get("model"), choices.model),
        "endpoint": {key: value for key, value in endpoint.items() if value is not None},
        "proxy": {key: value for key, value in proxy.items() if value},
    }
    if choices.front_door is FrontDoor.FUNCTION_URL and has(below, "proxy.rest_api"):
        content["proxy"]["rest_api"] = None
    given = {key: value for key, value in content.items() if value}
    return "# yaml-language-server: $schema=schema.json\n" + yaml.safe_dump(given, sort_keys=False, width=1000)


def _value(content: Any, key: str) -> Any:  # noqa: ANN401 - YAML
    for part in key.split("."):
        content = content.get(part) if isinstance(content, Mapping) else None
    return content
