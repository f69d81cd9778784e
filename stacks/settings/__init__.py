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

from pydantic import Field, ValidationError, model_validator

from sagemaker_llm import ModelPackage, OptionError
from sagemaker_llm.models.catalog import Api
from sagemaker_llm.proxy import source
from stacks.settings import files
from stacks.settings.errors import MORE_VARIANTS, SettingsError, key_of, problems_of, within
from stacks.settings.files import Merged
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
    def model_names(self) -> tuple[str, ...]:
        """Return the names by which clients call the model, besides the endpoint's own."""
        in_the_catalogue = (self.model.catalog,) if self.model.catalog else ()
        return in_the_catalogue if self.proxy.models is None else self.proxy.models

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
        return max(1, served // self.proxy.max_generations) if self.api in ("chat", "chat_v2") else served

    def variants(self) -> Iterator[tuple[str, Model, Variant]]:
        """Yield each variant with its place in the file and its model, the main one first."""
        yield "endpoint", self.model, self.endpoint
        for name, variant in self.endpoint.more_variants.items():
            yield f"{MORE_VARIANTS}.{name}", variant.model, variant


class EnvironmentFile(Settings):
    """One environment, or what environments share."""

    extends: str | None = Field(
        default=None,
        pattern=r"\.yaml$",
        description="Another file under environments/, relative to this one's folder, e.g. defaults/team.yaml. What "
        "this file does not give is taken from that one. Default: none.",
    )


def names() -> tuple[str, ...]:
    """Return the names of all environments, in alphabetical order."""
    return tuple(sorted(path.stem for path in ENVIRONMENTS.glob("*.yaml")))


def read(name: str) -> Settings:
    """Read an environment by its name.

    Raises:
        SettingsError: there is no such environment, or its file is wrong.

    """
    check_name(name)
    if name not in names():
        allowed = ", ".join(names()) or "none: the folder environments/ is empty"
        raise SettingsError(
            f"environment: {name!r} does not exist; allowed: {allowed}; or add environments/{name}.yaml"
        )
    return check(name, files.read(ENVIRONMENTS / f"{name}.yaml"))


def check_name(name: str, remedy: str = "rename the file in environments/") -> None:
    """Raise a SettingsError for what cannot be the name of an environment."""
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"environment: {name!r} is not a valid name; allowed: at most 30 lower-case letters, digits and inner "
            f"hyphens; {remedy}"
        )


def check(name: str, merged: Merged) -> Settings:
    """Return the settings of an environment, whether its file is in the folder already or not.

    Raises:
        SettingsError: they are wrong, or another environment has its endpoint.

    """
    settings = _settings(merged)
    place = _endpoint(merged)
    for other in names():
        if other != name and _endpoint_of(ENVIRONMENTS / f"{other}.yaml") == place:
            origin = merged.blamed("endpoint.name")
            given = "" if origin == merged.files[0].name else f" (given in {origin})"
            raise SettingsError(
                f"environments/{name}.yaml: endpoint.name: {settings.endpoint.name!r}{given} is also that of "
                f"environments/{other}.yaml, in the same account and region; allowed: a name of its own; "
                "rename one of them"
            )
    return settings


def _endpoint_of(path: Path) -> object:
    try:
        return _endpoint(files.read(path))
    except (SettingsError, OSError):
        return None  # reported when that one is read


def _endpoint(merged: Merged) -> tuple[object, object, object] | None:
    """Return account, region and name of an endpoint as the files have them: to validate them would take longer."""
    values = merged.values
    endpoint = values.get("endpoint")
    return (values.get("account"), values.get("region"), endpoint.get("name")) if isinstance(endpoint, dict) else None


def read_file(path: Path) -> Settings:
    """Read one environment file, and those that it extends.

    Raises:
        SettingsError: with one line for each problem: file, key, value, and what is allowed.

    """
    return _settings(files.read(path))


@cache
def _settings(merged: Merged) -> Settings:
    for file in merged.files:
        if file.values is None:
            raise SettingsError(f"{file.name}: holds no keys; allowed: {', '.join(EnvironmentFile.model_fields)}")
    values = merged.values
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = problems_of(error, EnvironmentFile, values)
        raise SettingsError(*(f"{merged.blamed(key)}: {key}: {problem}" for key, problem in problems)) from None


def refused(name: str, error: OptionError) -> SettingsError:
    """Return the error for a value of an environment that the construct library refuses."""
    merged = files.merge(f"{name}.yaml", files.reader(ENVIRONMENTS, f"{name}.yaml"))
    key = key_of(error, Settings, _settings(merged).model_dump(exclude_unset=True))
    return SettingsError(f"{merged.blamed(key)}: {key}: {error.sentence}")
