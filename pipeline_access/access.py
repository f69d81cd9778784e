"""The settings of the pipelines' roles: ``access.yaml``, and the environments of the main app."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import Field, ValidationError

from sagemaker_llm import limits
from stacks import settings
from stacks.settings.errors import SettingsError, problems_of
from stacks.settings.section import Section

FILE: Final = Path(__file__).with_name("access.yaml")
"""The settings' file."""

LOCAL: Final = ("demo", "local")
"""The environments of the local cloud, which no pipeline deploys to AWS."""

ON_THE_COMMAND_LINE: Final = (
    *("platform", "repository", "subject_prefix", "environment_subject", "issuer", "branch"),
    *("account", "region", "qualifier"),
)
"""The keys that the CDK's context may give instead of the file, e.g. ``-c repository=acme/cohere``."""

_ISSUERS: Final = {"github": "token.actions.githubusercontent.com", "gitlab": "gitlab.com"}
_PREFIXES: Final = {"github": "repo", "gitlab": "project_path"}
_ENVIRONMENTS: Final = {"github": "environment:{environment}", "gitlab": "ref_type:branch:ref:{branch}"}
_BRANCHES: Final = {"github": "ref:refs/heads/{branch}", "gitlab": "ref_type:branch:ref:{branch}"}
_CHANGES: Final = {"github": "pull_request", "gitlab": "ref_type:branch:ref:*"}

_EXACT: Final = r"^[^*?$\s]+$"
_REGION: Final = r"^[a-z]{2}(-[a-z]+)+-\d$"

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$")]


class Environment(Section):
    """What a pipeline's role has to know about an environment."""

    region: str = Field(pattern=_REGION, description="The environment's AWS region.")
    signed_rest_api: bool = Field(
        default=False, description="Whether its proxy has a REST API for signed requests, which the role may call."
    )
    execution_role_arn: str | None = Field(
        default=None,
        pattern=f"^{limits.ROLE_ARN_PATTERN}$",
        description="An execution role from outside, which CloudFormation may pass to SageMaker. Default: none.",
    )
    operations: bool = Field(
        default=False, description="Whether it has alarms, a budget or sleep: CloudFormation gets a second policy."
    )
    sleeps: bool = Field(
        default=False, description="Whether its endpoint sleeps at times: the role may wake it, and put it to sleep."
    )
    hosted_zone_id: str | None = Field(
        default=None,
        pattern=r"^Z[A-Z0-9]{1,31}$",
        description="The hosted zone in which CloudFormation may change A records: that of "
        "`proxy.rest_api.domain`. Default: none.",
    )


class Access(Section):
    """Whose pipelines may deploy what."""

    platform: Literal["github", "gitlab"] = Field(default="github", description="Where the pipelines run.")
    repository: str = Field(
        pattern=r"^[\w.-]+(/[\w.-]+)+$", description="The repository, e.g. acme/cohere; or group/subgroup/project."
    )
    subject_prefix: str | None = Field(
        default=None,
        pattern=_EXACT,
        description="The beginning of the token's subject, without wildcards. Default: repo:<repository> of GitHub, "
        "project_path:<repository> of GitLab.",
    )
    environment_subject: str | None = Field(
        default=None,
        pattern=_EXACT,
        description="The rest of the subject of a job that deploys, without wildcards; {environment} and {branch} are "
        "filled in. Default: environment:{environment} of GitHub, ref_type:branch:ref:{branch} of GitLab.",
    )
    issuer: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9.-]+(:\d+)?(/[\w.-]+)*$",
        description="Who signs the tokens, without https://. Default: the platform's own.",
    )
    branch: str = Field(default="main", pattern=_EXACT, description="The branch that is deployed.")
    account: str | None = Field(
        default=None,
        pattern=r"^\d{12}$",
        description="The AWS account that the stack is for, 12 digits in quotes: environments of other accounts are "
        "left out. Default: that of the caller's credentials, and every environment.",
    )
    region: str = Field(default="us-east-1", pattern=_REGION, description="Where the stack is; roles have no region.")
    qualifier: str = Field(
        default="hnb659fds", pattern=r"^[A-Za-z0-9_-]{1,10}$", description="The qualifier of `cdk bootstrap`."
    )
    permissions_boundary: bool = Field(
        default=False,
        description="Whether every role of an environment must have the boundary that this stack makes.",
    )
    environments: Mapping[Name, Environment] = Field(
        default_factory=dict, description="The environments. Default: the files of environments/."
    )

    @property
    def issuer_host(self) -> str:
        """Return who signs the tokens."""
        return self.issuer or _ISSUERS[self.platform]

    def environment_subject_of(self, environment: str) -> str:
        """Return the subject of a job that deploys an environment."""
        return self._subject(self.environment_subject or _ENVIRONMENTS[self.platform], environment)

    @property
    def branch_subject(self) -> str:
        """Return the subject of a job on the branch that deploys nothing."""
        return self._subject(_BRANCHES[self.platform])

    @property
    def change_subject(self) -> str:
        """Return the subject of a job of a pull request; GitLab's has the name of any branch, a wildcard."""
        return self._subject(_CHANGES[self.platform])

    def _subject(self, rest: str, environment: str = "") -> str:
        prefix = self.subject_prefix or f"{_PREFIXES[self.platform]}:{self.repository}"
        filled = rest.replace("{environment}", environment).replace("{branch}", self.branch)
        return f"{prefix}:{filled}"


def read(path: Path = FILE, *, given: Mapping[str, str] | None = None) -> Access:
    """Read the settings; take the environments from the main app's files when the file names none.

    Args:
        path: the file.
        given: values that go before the file's; default none.

    Raises:
        SettingsError: with one line for each problem.

    """
    name = f"{path.parent.name}/{path.name}"
    try:
        content = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{name}: cannot be read: {reason}; allowed: YAML; see README.md beside it") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{name}: holds no keys; allowed: {', '.join(Access.model_fields)}")
    content = {**content, **(given or {})}
    try:
        access = Access.model_validate(content)
    except ValidationError as error:
        problems = problems_of(error, Access, content)
        raise SettingsError(*(f"{name}: {key}: {problem}" for key, problem in problems)) from None
    if not access.environments:
        access = access.model_copy(update={"environments": _from_files(access.account)})
    if not access.environments:
        raise SettingsError(
            f"{name}: environments: there are none for the account {access.account}; allowed: a file in environments/ "
            "with this account, or names and regions here"
        )
    return access


def _from_files(account: str | None) -> Mapping[str, Environment]:
    """Return the environments of the main app that are deployed to an account, or to any."""
    found = {}
    for name in settings.names():
        one = settings.read(name)
        if name in LOCAL or (account and one.account not in (None, account)):
            continue
        rest = one.proxy.rest_api if one.has_proxy else None
        found[name] = Environment(
            region=one.region,
            signed_rest_api=rest is not None and rest.access == "iam",
            execution_role_arn=one.endpoint.execution_role_arn,
            operations=one.has_operations or one.endpoint.sleep is not None,
            sleeps=one.endpoint.sleep is not None,
            hosted_zone_id=rest.domain.hosted_zone.id if rest and rest.domain and rest.domain.hosted_zone else None,
        )
    return found
