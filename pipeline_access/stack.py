"""The stack of the pipelines' roles, and of the policies that ``cdk bootstrap`` takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import CfnOutput, Duration, Environment, LegacyStackSynthesizer, Stack, Tags
from aws_cdk import aws_iam as iam
from constructs import Construct

from pipeline_access.access import Access
from pipeline_access.boundary import boundary_statements
from pipeline_access.execution_policy import execution_statements
from pipeline_access.operations_policy import operations_statements
from pipeline_access.role import DRIFT, HOURS, PipelineRole, acknowledge_wildcards, deploying, reading
from pipeline_access.statement import Statement, document, iam_arn
from stacks.names import PROJECT

EXECUTION_POLICY: Final = f"{PROJECT}-cloudformation-execution"
"""The policy for ``cdk bootstrap --cloudformation-execution-policies``."""

OPERATIONS_POLICY: Final = f"{PROJECT}-cloudformation-operations"
"""The second one, where an environment has alarms, a budget or sleep."""

BOUNDARY: Final = f"{PROJECT}-boundary"
"""The policy for ``permissions_boundary_arn`` of an environment."""

PULL_REQUEST: Final = f"{PROJECT}-pull-request"
"""The role of a pull request's jobs."""

NIGHTLY: Final = f"{PROJECT}-nightly"
"""The role of jobs on the branch that look for drift and orphans."""


def role_name(environment: str) -> str:
    """Return the name of the role that deploys an environment."""
    return f"{PROJECT}-{environment}-pipeline"


class PipelineAccessStack(Stack):
    """A role for each environment, two roles that may only look, and the policies for CloudFormation.

    An administrator deploys it, before the account is bootstrapped, with credentials of their own: it uses none of the
    CDK's roles.

    Args:
        scope: the app.
        construct_id: the stack's name.
        access: whose pipelines may deploy what.

    """

    def __init__(self, scope: Construct, construct_id: str, *, access: Access) -> None:
        super().__init__(
            scope,
            construct_id,
            env=Environment(account=access.account, region=access.region),
            synthesizer=LegacyStackSynthesizer(),
            description="The roles of pipelines, and the policy that bounds what they deploy",
        )
        Tags.of(self).add("project", PROJECT)
        self._access = access
        for name in sorted(access.environments):
            self._environment(name)
        regions = sorted({one.region for one in access.environments.values()})
        look = list(reading(access.qualifier, regions))
        self._role("PullRequest", PULL_REQUEST, "Lets pull requests look", access.change_subject, look)
        looks = "Lets nightly jobs look for drift and orphans"
        self._role("Nightly", NIGHTLY, looks, access.branch_subject, look, managed=[DRIFT])
        self._policies()

    def _environment(self, name: str) -> None:
        subject = self._access.environment_subject_of(name)
        statements = list(deploying(name, self._access.environments[name], self._access.qualifier))
        self._role(
            f"Deploy-{name}", role_name(name), f"Lets a pipeline deploy {name}", subject, statements, hours=HOURS
        )

    def _role(
        self,
        construct_id: str,
        name: str,
        description: str,
        subject: str,
        statements: Sequence[Statement],
        hours: int = 1,
        managed: Sequence[str] = (),
    ) -> None:
        made = PipelineRole(
            self,
            construct_id,
            name=name,
            description=description,
            access=self._access,
            subject=subject,
            statements=statements,
            duration=Duration.hours(hours),
            managed=managed,
        )
        CfnOutput(self, f"{construct_id}Role", value=made.role.attr_arn)

    def _policies(self) -> None:
        boundary = None
        if self._access.permissions_boundary:
            boundary = iam_arn(f"policy/{BOUNDARY}")
            self._policy("Boundary", BOUNDARY, list(boundary_statements()))
        environments = self._access.environments.values()
        statements = execution_statements(
            self._access.qualifier,
            protected_roles=[role_name("*"), PULL_REQUEST, NIGHTLY],
            passed_roles=sorted({one.execution_role_arn for one in environments if one.execution_role_arn}),
            boundary_arn=boundary,
            hosted_zone_ids=sorted({one.hosted_zone_id for one in environments if one.hosted_zone_id}),
        )
        self._policy("Execution", EXECUTION_POLICY, list(statements))
        if any(one.operations for one in environments):
            self._policy("Operations", OPERATIONS_POLICY, list(operations_statements()))

    def _policy(self, construct_id: str, name: str, statements: Sequence[Statement]) -> None:
        made = iam.CfnManagedPolicy(self, construct_id, managed_policy_name=name, policy_document=document(statements))
        acknowledge_wildcards(made, statements)
        CfnOutput(self, f"{construct_id}Policy", value=made.ref)
