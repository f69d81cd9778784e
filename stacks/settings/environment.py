"""The settings of one environment, as its file has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Self, get_args

from pydantic import Field, model_validator

from sagemaker_llm import ModelPackage, OptionError
from sagemaker_llm.models.catalog import Api
from sagemaker_llm.proxy import source
from stacks.names import STACKS
from stacks.settings.alarms_section import Alarms
from stacks.settings.budget_section import Budget
from stacks.settings.errors import MORE_VARIANTS, within
from stacks.settings.proxy_section import Proxy
from stacks.settings.section import Section
from stacks.settings.sections import Endpoint, Model, Variant

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
    alarms: Alarms | None = Field(default=None, description="Default: none.")
    budget: Budget | None = Field(default=None, description="Default: none.")
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
    def _a_topic_is_of_the_region(self) -> Self:
        topic = self.alarms.topic_arn if self.alarms else None
        if topic and topic.split(":")[3] != self.region:
            raise OptionError(
                "alarms.topic_arn",
                topic,
                problem="is of another region, and CloudWatch tells topics of its own only",
                allowed=f"a topic in {self.region}",
                remedy="make one there; it may pass its messages on",
            )
        return self

    @model_validator(mode="after")
    def _a_budget_has_an_address(self) -> Self:
        if self.budget and not self.budget.email and not (self.alarms and self.alarms.email):
            raise OptionError(
                "budget.email",
                None,
                problem="is missing, and alarms has none either: nobody would be told",
                allowed="an e-mail address",
                remedy="set it, or alarms.email",
            )
        return self

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
    def has_operations(self) -> bool:
        """Return whether there is a stack that watches the others."""
        return self.alarms is not None or self.budget is not None

    @property
    def stacks(self) -> tuple[str, ...]:
        """Return which of ``names.STACKS`` the environment has."""
        has = {"endpoint": True, "proxy": self.has_proxy, "operations": self.has_operations}
        return tuple(stack for stack in STACKS if has[stack])

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
