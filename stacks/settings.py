"""The one configuration model: an environment file, read and checked.

Everything that AWS would refuse by a single value is refused here, with the file, the key, the value and what is
allowed. The JSON Schema for editors is generated from these classes (``make schema``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from marketplace_llm import InstanceType, ModelPackage
from marketplace_llm.limits import ENDPOINT_NAME_LENGTH, ENDPOINT_NAME_PATTERN, TIMEOUT_SECONDS, InferenceAmi
from stacks.settings_error import SettingsError, problems_of

ENVIRONMENTS = Path(__file__).parent.parent / "environments"
"""The folder of the environment files; a file's name without ``.yaml`` is the environment's name."""

# It becomes part of the stacks' names and a stage's id.
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")

Timeout = Annotated[int, Field(ge=TIMEOUT_SECONDS[0], le=TIMEOUT_SECONDS[1])]
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
Caller = Annotated[str, Field(pattern=r"^(\d{12}|arn:aws[a-z-]*:(iam|sts)::\d{12}:\S+)$")]
Tag = Annotated[str, Field(min_length=1, max_length=256)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Model(_Section):
    """What is served."""

    package_arn: Annotated[str, AfterValidator(lambda arn: ModelPackage.from_arn(arn).arn)] = Field(
        description="The ARN of the AWS Marketplace model package, of the environment's region. "
        "Source: the subscription's Configure page."
    )


class Endpoint(_Section):
    """How it is served."""

    name: str = Field(
        pattern=ENDPOINT_NAME_PATTERN,
        max_length=ENDPOINT_NAME_LENGTH,
        description="The endpoint's name: lower-case letters, digits and inner hyphens, unique in account and region.",
    )
    instance_type: Annotated[str, AfterValidator(lambda name: InstanceType.of(name).name)] = Field(
        description="A SageMaker GPU type, e.g. ml.g5.xlarge."
    )
    instance_count: int = Field(default=1, ge=1, description="Instances at all times.")
    inference_ami_version: InferenceAmi | None = Field(
        default=None,
        description="The host image, which decides the GPU driver. Cohere demands al2-ami-sagemaker-inference-gpu-2 "
        "for model versions after 3.0.5. Default: SageMaker's own.",
    )
    model_download_timeout_seconds: Timeout = Field(default=2400, description="How long the weights may take.")
    container_startup_timeout_seconds: Timeout = Field(
        default=2400, description="How long the container may take to become healthy."
    )
    log_retention_days: RetentionDays = Field(default=30, description="How long container logs are kept.")


class Proxy(_Section):
    """The HTTP door in front of it."""

    callers: tuple[Caller, ...] = Field(
        default=(),
        strict=False,
        description="Principals (ARNs or account ids) that the Function URL lets in. Default: the account itself, "
        "whose users and roles then need lambda:InvokeFunctionUrl and lambda:InvokeFunction in a policy of their own.",
    )
    generate_timeout_seconds: int = Field(
        default=65, ge=1, le=70, description="How long one generation may take; SageMaker itself ends it after 60 s."
    )
    max_request_bytes: int = Field(
        default=262_144, ge=1024, le=4_000_000, description="The longest request body, in bytes."
    )
    memory_mib: int = Field(default=512, ge=128, le=10_240, description="The function's memory, in MiB.")
    log_retention_days: RetentionDays = Field(default=30, description="How long the proxy's log lines are kept.")


class Settings(_Section):
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

    @model_validator(mode="after")
    def _package_fits(self) -> Self:
        ModelPackage.from_arn(self.model.package_arn).check(
            region=self.region, instance_type=self.endpoint.instance_type
        )
        return self


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
            f"environment: {name!r} is no name; allowed: at most 30 lower-case letters, digits and inner hyphens; "
            "rename the file in environments/"
        )
    if name not in names():
        allowed = ", ".join(names()) or "none: the folder environments/ is empty"
        raise SettingsError(
            f"environment: {name!r} does not exist; allowed: {allowed}; or add environments/{name}.yaml"
        )
    return read_file(ENVIRONMENTS / f"{name}.yaml")


def read_file(path: Path) -> Settings:
    """Read one environment file.

    Raises:
        SettingsError: with one line for each problem: file, key, value, and what is allowed.

    """
    file = f"{path.parent.name}/{path.name}"
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{file}: is not YAML: {reason}; allowed: YAML as in environments/dev.yaml") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{file}: holds no keys; allowed: {', '.join(Settings.model_fields)}")
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise SettingsError(*(f"{file}: {problem}" for problem in problems_of(error, Settings))) from None


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error, not silently the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        keys = [self.construct_object(key, deep=True) for key, _value in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} stands twice", node.start_mark)
        mapping: dict[object, object] = super().construct_mapping(node, deep)
        return mapping
