"""A pipeline of CDK Pipelines over the environments of this repository: dev, a smoke test, an approval, prod.

    make synth ARGS="--app 'python examples/codepipeline/app.py' -c connection_arn=… -c repository=acme/llm"

README.md says how to deploy it.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import pipelines
from constructs import Construct

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from stacks import settings
from stacks.names import stack_name
from stacks.settings import Settings
from stacks.settings.errors import SettingsError
from stacks.stage import declare

CDK_VERSION: str = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]["aws-cdk"]


@dataclass(frozen=True)
class Source:
    """Where the pipeline comes from: the app's context (``-c``).

    Attributes:
        connection_arn: the connection to GitHub, GitLab or Bitbucket, authorized once in the console.
        repository: owner/name.
        branch: what is deployed; default main.
        environments: files in environments/, the first without an approval; default dev,prod.

    """

    connection_arn: str
    repository: str
    branch: str = "main"
    environments: str = "dev,prod"

    @classmethod
    def of(cls, app: cdk.App) -> Self:
        """Read the context.

        Raises:
            SettingsError: a value without a default is missing.

        """
        found = {name: app.node.try_get_context(name) for name in cls.__dataclass_fields__}
        examples = {"connection_arn": "arn:aws:codeconnections:…", "repository": "acme/llm"}
        for name, example in examples.items():
            if not found[name]:
                raise SettingsError(f"context: {name} is missing; allowed: e.g. {example}; add -c {name}={example}")
        return cls(**{name: str(value) for name, value in found.items() if value})

    @property
    def synth(self) -> str:
        """Return the command that makes this pipeline's assembly: the pipeline runs it to update itself."""
        context = [f"-c {name}={getattr(self, name)}" for name in self.__dataclass_fields__]
        arguments = " ".join(["--app 'python examples/codepipeline/app.py'", *context])
        return f"make synth ARGS={shlex.quote(arguments)}"


class PipelineStack(cdk.Stack):
    """The pipeline: it updates itself, publishes the assets, and deploys one environment after the other.

    Args:
        scope: the app.
        construct_id: its id, and its name in CloudFormation.
        source: where it comes from.
        environments: the settings by name, in the order of their deployment; the pipeline lies beside the first one.

    """

    def __init__(
        self, scope: Construct, construct_id: str, *, source: Source, environments: dict[str, Settings]
    ) -> None:
        first = next(iter(environments.values()))
        super().__init__(scope, construct_id, env=cdk.Environment(account=first.account, region=first.region))
        code = pipelines.CodePipelineSource.connection(
            source.repository, source.branch, connection_arn=source.connection_arn
        )
        pipeline = pipelines.CodePipeline(
            self,
            "Pipeline",
            # The first command checks every template; the second makes the assembly that is deployed.
            synth=pipelines.ShellStep("Synth", input=code, commands=["make synth", source.synth]),
            cli_version=CDK_VERSION,
            cross_account_keys=len({one.account for one in environments.values()}) > 1,
            publish_assets_in_parallel=False,
            code_build_defaults=pipelines.CodeBuildOptions(
                build_environment=codebuild.BuildEnvironment(build_image=codebuild.LinuxBuildImage.STANDARD_7_0),
                partial_build_spec=codebuild.BuildSpec.from_object(
                    {"phases": {"install": {"runtime-versions": {"python": "3.12", "nodejs": "22"}}}}
                ),
            ),
        )
        for number, (name, one) in enumerate(environments.items()):
            approval = [pipelines.ManualApprovalStep(f"Approve {name}")] if number else []
            # The test runs with the pipeline's own credentials, which are good for its own account.
            has_test = one.has_proxy and one.account == first.account
            test = [self._smoke_test(name, one, code)] if has_test else []
            pipeline.add_stage(declare(scope, name), pre=approval, post=test)

    def _smoke_test(self, name: str, one: Settings, code: pipelines.CodePipelineSource) -> pipelines.CodeBuildStep:
        """Return the step that generates once through the front door."""
        arn = f"arn:{self.partition}:{{}}:{one.region}:{one.account}:{{}}"
        stacks = iam.PolicyStatement(
            actions=["cloudformation:DescribeStacks"],
            resources=[arn.format("cloudformation", f"stack/{stack_name(name, 'proxy')}/*")],
        )
        function = iam.PolicyStatement(
            actions=["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"],
            resources=[arn.format("lambda", f"function:{stack_name(name, 'proxy')}-*:live")],
        )
        api = iam.PolicyStatement(
            actions=["execute-api:Invoke"],
            # The API's id is not known before it is deployed, and API Gateway knows no condition for it.
            resources=[arn.format("execute-api", "*/live/POST/v1/generate")],
        )
        return pipelines.CodeBuildStep(
            f"Smoke test {name}",
            input=code,
            commands=[f"make smoke ENV={name}"],
            role_policy_statements=[stacks, api if one.proxy.rest_api else function],
        )


def read(names: Sequence[str]) -> dict[str, Settings]:
    """Return the settings of environments.

    Raises:
        SettingsError: one is wrong, or does not name its account: it would deploy wherever the pipeline lies.

    """
    found = {name: settings.read(name) for name in names}
    for name, one in found.items():
        if not one.account:
            raise SettingsError(
                f"environments/{name}.yaml: account: is missing; allowed in a pipeline: the AWS account, 12 digits in "
                "quotes; name it in the file"
            )
    return found


def add_to(app: cdk.App) -> PipelineStack:
    """Declare the pipeline and the stages of its environments.

    Raises:
        SettingsError: a value in the context or in an environment's file is wrong.

    """
    source = Source.of(app)
    environments = read(source.environments.split(","))
    return PipelineStack(app, "cohere-pipeline", source=source, environments=environments)


def main() -> None:
    """Write the cloud assembly; exit 1 with one line for each wrong value."""
    app = cdk.App(analytics_reporting=False)
    try:
        add_to(app)
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    app.synth()


if __name__ == "__main__":
    main()
