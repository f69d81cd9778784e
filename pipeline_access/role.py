"""A role that a pipeline's job assumes with the token of its platform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

from aws_cdk import Acknowledgment, Duration, Fn, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct

from pipeline_access.access import Access, Environment
from pipeline_access.statement import ACCOUNT, PARTITION, Statement, document, substituted
from stacks.acknowledgements import acknowledge
from stacks.names import PROJECT, STACKS, power_function, stack_name

AUDIENCE: Final = "sts.amazonaws.com"
"""The audience that a job asks for in its token."""

HOURS: Final = 3
"""How long a session of a job that deploys may last: a GPU deployment that fails takes an hour."""

Kind: TypeAlias = Literal["deploy", "file-publishing", "lookup"]
"""A role that ``cdk bootstrap`` makes."""

DEPLOYING: Final[tuple[Kind, ...]] = ("deploy", "file-publishing", "lookup")
READING: Final[tuple[Kind, ...]] = ("lookup",)

_KEPT: Final = 24
"""How many characters of a stack's name stay in the names that CloudFormation generates: an assumption.

AWS documents that it shortens long names, and not how.
"""


class PipelineRole(Construct):
    """A role for one subject of one issuer.

    Args:
        scope: the parent.
        construct_id: the id in the parent.
        name: the role's name.
        description: what it is for.
        access: who signs the tokens.
        subject: the token's subject; a wildcard is matched, and everything else exactly.
        statements: what it may do.
        duration: how long a session may last; default an hour.
        managed: names of AWS's managed policies that it has besides; default none.

    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        description: str,
        access: Access,
        subject: str,
        statements: Sequence[Statement],
        duration: Duration | None = None,
        managed: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        arns = [f"arn:{PARTITION}:iam::aws:policy/{one}" for one in managed]
        policy = iam.CfnRole.PolicyProperty(policy_name=name, policy_document=document(statements))
        self.role = iam.CfnRole(
            self,
            "Role",
            role_name=name,
            description=description,
            max_session_duration=(duration or Duration.hours(1)).to_seconds(),
            assume_role_policy_document=_trust(access.issuer_host, subject),
            policies=[policy],
            managed_policy_arns=[Fn.sub(arn) for arn in arns] or None,
        )
        for arn in arns:
            finding = arn.replace("${", "<").replace("}", ">")
            read = "CloudFormation compares each resource with the caller's permissions to read it"
            acknowledge(self, f"IAM4[Policy::{finding}]", reason=read, packs=["AwsSolutions"])
        acknowledge(self, "IAMNoInlinePolicy", reason="the policy belongs to this one role and goes with it")
        acknowledge_wildcards(self, statements)


def _trust(issuer: str, subject: str) -> dict[str, object]:
    # Made before: an account has one provider for each issuer.
    provider = f"arn:{PARTITION}:iam::{ACCOUNT}:oidc-provider/{issuer}"
    condition = {"StringEquals": {f"{issuer}:aud": AUDIENCE}}
    condition.setdefault("StringLike" if "*" in subject else "StringEquals", {})[f"{issuer}:sub"] = subject
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": substituted(provider)},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def acknowledge_wildcards(construct: Construct, statements: Sequence[Statement]) -> None:
    """Acknowledge the wildcards of statements, each with its statement's reason."""
    for statement in statements:
        for wildcard in statement.wildcards:
            rule = f"AwsSolutions::AwsSolutions-IAM5[{wildcard}]"
            Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=statement.why))


def assuming(kinds: Sequence[Kind], qualifier: str, regions: Sequence[str]) -> Statement:
    """Return the statement that lets a role assume roles of the CDK."""
    roles = tuple(
        f"arn:{PARTITION}:iam::{ACCOUNT}:role/cdk-{qualifier}-{kind}-role-{ACCOUNT}-{region}"
        for region in regions
        for kind in kinds
    )
    return Statement("The CDK's roles do the work.", ("sts:AssumeRole",), roles)


def deploying(name: str, environment: Environment, qualifier: str) -> Iterator[Statement]:
    """Yield what a pipeline may do with one environment: deploy it, check before, and call it after."""
    region, account = environment.region, f"{environment.region}:{ACCOUNT}"
    function = f"arn:{PARTITION}:lambda:{account}:function:{_function(name)}"
    yield assuming(DEPLOYING, qualifier, [region])
    yield Statement(
        "A stack's ARN ends with an id that nobody knows before.",
        ("cloudformation:DescribeStacks",),
        tuple(f"arn:{PARTITION}:cloudformation:{account}:stack/{stack_name(name, one)}/*" for one in STACKS),
    )
    yield Statement(
        "The smoke test: CloudFormation names the proxy's function.",
        ("lambda:InvokeFunction", "lambda:InvokeFunctionUrl"),
        (f"{function}:live",),
    )
    yield Statement(
        "The check before a deployment: CloudFormation names the proxy's function.",
        ("lambda:GetFunctionConcurrency",),
        (function,),
    )
    yield Statement(
        "The check before a deployment: the account's limits take no resource.", ("lambda:GetAccountSettings",), ("*",)
    )
    yield Statement(
        "The check before a deployment.",
        ("apigateway:GET",),
        (f"arn:{PARTITION}:apigateway:{region}::/account",),
    )
    if environment.sleeps:
        yield Statement(
            "Wakes the endpoint for a job, and puts it to sleep after it.",
            ("lambda:InvokeFunction",),
            (f"arn:{PARTITION}:lambda:{account}:function:{power_function(name)}",),
        )
    if environment.signed_rest_api:
        yield Statement(
            "The smoke test: API Gateway gives the API an id that nobody knows before.",
            ("execute-api:Invoke",),
            tuple(f"arn:{PARTITION}:execute-api:{account}:*/live/{call}" for call in ("GET/healthz", "POST/v1/*")),
        )


def reading(qualifier: str, regions: Sequence[str]) -> Iterator[Statement]:
    """Yield what a job may do that deploys nothing: look, and ask whether an environment still exists."""
    yield assuming(READING, qualifier, regions)
    yield Statement(
        "A removed environment is one whose name nobody knows any more.",
        ("cloudformation:DescribeStacks",),
        (f"arn:{PARTITION}:cloudformation:*:{ACCOUNT}:stack/{PROJECT}-*",),
    )


DRIFT: Final = "ReadOnlyAccess"
"""AWS's policy for looking for drift: the same as that of the CDK's role for look-ups."""


def _function(environment: str) -> str:
    """Return a pattern for the name of an environment's function, and of no other environment's if it can."""
    stack = stack_name(environment, "proxy")
    return f"{stack}-ProxyFunction*" if len(stack) <= _KEPT else f"{stack[:_KEPT]}*"
