"""The one configuration model: an environment file, read and checked.

Everything that AWS would refuse by a single value is refused here, with the file, the key, the value and what is
allowed. The JSON Schema for editors is generated from these classes (``make settings``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Self, get_args

import yaml
from pydantic import Field, ValidationError, model_validator

from sagemaker_llm import ModelPackage, OptionError
from sagemaker_llm.models.catalog import Api
from sagemaker_llm.proxy import source
from stacks.settings.errors import MORE_VARIANTS, SettingsError, problems_of, within
from stacks.settings.proxy_section import Proxy
from stacks.settings.section import Section
from stacks.settings.sections import Endpoint, Model, Variant

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
"""The folder of the environment files; a file's name without ``.yaml`` is the environment's name."""

# It becomes part of the stacks' names and a stage's id.
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")

Tag = Annotated[str, Field(min_length=1, max_length=256)]


class Settings(Section):
    """One environment.

    Raises:
        ValidationError: see ``read``, which turns it into the sentences a user reads.

    """

    region: str = Field(
        pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="The AWS region of everything in this environment."
    )
    account: str | None = Field(
        default=None,
        pattern=r"^\d{12}$",
        description="The AWS account, 12 digits in quotes. Default: the account of the caller's credentials.",
    )
    model: Model
    endpoint: Endpoint
    proxy: Proxy = Proxy()
    termination_protection: bool = Field(
        default=False, description="Whether CloudFormation refuses to delete the stacks until this is false again."
    )
    tags: Mapping[Tag, Tag] = Field(default_factory=dict, description="Tags on every resource that can have them.")

    permissions_boundary_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:iam::\d{12}:policy/\S+$",
        description="A policy that bounds every role made here. Default: none.",
    )

    @model_validator(mode="after")
    def _packages_fit(self) -> Self:
        found = [
            (path, package)
            for path, model, variant in self.variants()
            for package in self._packages(path, model, variant)
        ]
        (_, main), *others = found
        if main.api is None:
            raise OptionError(
                "model.api",
                None,
                problem="is missing, and the catalogue does not know the package",
                allowed=", ".join(get_args(Api)),
                remedy="the listing says which requests the package answers",
            )
        # One caller's requests go to all of them.
        for path, package in others:
            if package.api != main.api:
                raise OptionError(
                    "endpoint.instance_pools" if path == "endpoint" else f"{path}.model",
                    package.api,
                    problem=f"is what its container answers, but the main variant's answers {main.api}",
                    allowed=f"a package that answers {main.api}",
                    remedy="make an environment of its own for it; or set model.api when the listing says so",
                )
        return self

    def _packages(self, path: str, model: Model, variant: Variant) -> list[ModelPackage]:
        """Return the package of each GPU type that a variant may get."""
        with within(path):
            return [chosen.package(name, self.region) for name, chosen in variant.types_and_models(model)]

    @model_validator(mode="after")
    def _protected_environments_name_their_account(self) -> Self:
        if self.termination_protection and self.account is None:
            raise OptionError(
                "account",
                None,
                problem="is missing, and the environment is protected: it would deploy wherever the credentials point",
                allowed="the AWS account, 12 digits in quotes",
                remedy="name it in the file",
            )
        return self

    @property
    def api(self) -> Api | None:
        """Return what the main variant's container answers."""
        instance_type, model = self.endpoint.types_and_models(self.model)[0]
        return model.package(instance_type, self.region).api

    @property
    def has_proxy(self) -> bool:
        """Return whether a proxy is deployed: in front of containers that it can translate for."""
        return self.api in source.apis()

    @property
    def reserved_concurrency(self) -> int | None:
        """Return the concurrency to reserve for the proxy; None for the account's pool."""
        reserved = self.proxy.reserved_concurrency
        if reserved == "account":
            return None
        if reserved != "derived":
            return reserved
        instances = sum(variant.max_instances_ever for _, _, variant in self.variants())
        served = self.proxy.requests_per_instance * instances
        # In front of chat, each generation is a request to the endpoint.
        return max(1, served // self.proxy.max_generations) if self.api == "chat" else served

    def variants(self) -> Iterator[tuple[str, Model, Variant]]:
        """Yield each variant with its place in the file and its model, the main one first."""
        yield "endpoint", self.model, self.endpoint
        for name, variant in self.endpoint.more_variants.items():
            yield f"{MORE_VARIANTS}.{name}", variant.model, variant


def names() -> tuple[str, ...]:
    """Return the names of all environments, in alphabetical order."""
    return tuple(sorted(path.stem for path in ENVIRONMENTS.glob("*.yaml")))


def read(name: str) -> Settings:
    """Read an environment by its name.

    Raises:
        SettingsError: there is no such environment, or its file is wrong.

    """
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"environment: {name!r} is not a valid name; allowed: at most 30 lower-case letters, digits and inner "
            "hyphens; rename the file in environments/"
        )
    if name not in names():
        allowed = ", ".join(names()) or "none: the folder environments/ is empty"
        raise SettingsError(
            f"environment: {name!r} does not exist; allowed: {allowed}; or add environments/{name}.yaml"
        )
    settings = read_file(ENVIRONMENTS / f"{name}.yaml")
    for other in names():
        if other != name and _same_endpoint(settings, ENVIRONMENTS / f"{other}.yaml"):
            raise SettingsError(
                f"environments/{name}.yaml: endpoint.name: {settings.endpoint.name!r} is also that of "
                f"environments/{other}.yaml, in the same account and region; allowed: a name of its own; "
                "rename one of them"
            )
    return settings


def _same_endpoint(settings: Settings, path: Path) -> bool:
    try:
        other = read_file(path)
    except SettingsError:
        return False  # reported when that one is read
    places = [(one.account, one.region, one.endpoint.name) for one in (settings, other)]
    return places[0] == places[1]


def read_file(path: Path) -> Settings:
    """Read one environment file.

    Raises:
        SettingsError: with one line for each problem: file, key, value, and what is allowed.

    """
    return _settings(f"{path.parent.name}/{path.name}", path.read_bytes())


@cache
def _settings(file: str, text: bytes) -> Settings:
    # Each environment is compared with every other: without the cache, each is parsed for each.
    try:
        content = yaml.load(text.decode("utf-8"), _UniqueKeys)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{file}: is not YAML: {reason}; allowed: YAML as in environments/dev.yaml") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{file}: holds no keys; allowed: {', '.join(Settings.model_fields)}")
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise SettingsError(*(f"{file}: {problem}" for problem in problems_of(error, Settings, content))) from None


# `<<: *anchor`, which may give a key that the mapping gives again.
_MERGE = "tag:yaml.org,2002:merge"


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key that is given twice is an error, not silently the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        given = [key for key, _value in node.value if key.tag != _MERGE]
        keys = [self.construct_object(key, deep=True) for key in given]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} is given twice", node.start_mark)
        mapping: dict[object, object] = super().construct_mapping(node, deep)
        return mapping
