"""What CloudFormation may do when it deploys this project: the policy for `cdk bootstrap`, and a boundary for roles.

A test compares the policy with what the resource schemas say that CloudFormation's handlers need. Reads are allowed
also for what this project does not use, since a handler reads the whole resource; writes are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pipeline_access.statement import ACCOUNT, PARTITION, Statement, arn, iam_arn
from sagemaker_llm.proxy.streaming import ADAPTER
from stacks.names import PROJECT

MAX_CHARACTERS: Final = 6144
"""The size of a managed policy, without white space.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
"""

OURS: Final = f"{PROJECT}-*"
"""The names that CloudFormation generates begin with the stack's name."""

_GATEWAY_LOGS: Final = "iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"


def execution_statements(
    qualifier: str,
    *,
    protected_roles: Sequence[str],
    passed_roles: Sequence[str] = (),
    boundary_arn: str | None = None,
    hosted_zone_ids: Sequence[str] = (),
) -> Iterator[Statement]:
    """Yield the statements of the execution policy.

    Args:
        qualifier: the qualifier of ``cdk bootstrap``.
        protected_roles: names of roles that begin as this project's do, and that it must not touch.
        passed_roles: ARNs of roles from outside that SageMaker is to use; default none.
        boundary_arn: the boundary that every role must have; default none is required.
        hosted_zone_ids: Route 53's zones with the alias records of environments; default none.

    """
    yield from _sagemaker()
    yield from _lambda()
    yield from _api_gateway()
    if hosted_zone_ids:
        yield from _records(hosted_zone_ids)
    yield from _storage(qualifier)
    yield from _roles(passed_roles, boundary_arn)
    yield Statement(
        "The pipelines' own roles begin with the same word: a deployment must not widen them.",
        ("iam:*",),
        tuple(iam_arn(f"role/{name}") for name in protected_roles),
        effect="Deny",
    )
    yield Statement(
        "These actions take no resource, or the list of all; they read, make a new key, or a grant to an AWS service.",
        (
            "apigateway:GET",
            "application-autoscaling:Describe*",
            "cloudwatch:DescribeAlarms",
            "iam:ListRoles",
            "kms:CreateKey",
            "kms:ListKeys",
            "lambda:ListFunctions",
            "logs:Describe*",
            "s3:ListAllMyBuckets",
            "sagemaker:List*",
            "ssm:DescribeParameters",
            "wafv2:ListWebACLs",
        ),
        ("*",),
    )


def _sagemaker() -> Iterator[Statement]:
    kinds = ("Endpoint", "EndpointConfig", "Model")
    verbs = ("Create", "Delete", "Describe")
    yield Statement(
        "Endpoints are named in the environment files, and models and configs by CloudFormation.",
        (
            *(f"sagemaker:{verb}{kind}" for kind in kinds for verb in verbs),
            "sagemaker:UpdateEndpoint",
            *("sagemaker:AddTags", "sagemaker:DeleteTags", "sagemaker:ListTags"),
        ),
        tuple(arn("sagemaker", f"{kind}/*") for kind in ("endpoint", "endpoint-config", "model")),
    )
    yield Statement(
        "A scalable target has an id that nobody knows before.",
        (
            "application-autoscaling:DeleteSc*",
            "application-autoscaling:DeregisterScalableTarget",
            "application-autoscaling:ListTagsForResource",
            "application-autoscaling:PutSc*",
            "application-autoscaling:RegisterScalableTarget",
            *("application-autoscaling:TagResource", "application-autoscaling:UntagResource"),
        ),
        (arn("application-autoscaling", "scalable-target/*"),),
    )
    yield Statement(
        "Target tracking makes alarms with this prefix.",
        ("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"),
        (arn("cloudwatch", "alarm:TargetTracking-*"),),
    )


def _lambda() -> Iterator[Statement]:
    verbs = ("Add", "Create", "Delete", "Get", "Invoke", "List", "Publish", "Put", "Remove", "Tag", "Untag", "Update")
    yield Statement(
        "CloudFormation names the functions, and invokes the one that checks the proxy.",
        tuple(f"lambda:{verb}*" for verb in verbs),
        (arn("lambda", f"function:{OURS}"),),
    )
    yield Statement(
        "A function that streams has a layer of AWS's own account.",
        ("lambda:GetLayerVersion",),
        (f"arn:{PARTITION}:lambda:*:{ADAPTER.rpartition(':')[0]}:*",),
    )
    yield Statement(
        "CloudFormation names the proxy's log groups, and SageMaker those of endpoints.",
        (
            *("logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:GetDataProtectionPolicy", "logs:ListTagsForResource"),
            *("logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy", "logs:TagResource", "logs:UntagResource"),
        ),
        (arn("logs", f"log-group:{OURS}"), arn("logs", "log-group:/aws/sagemaker/Endpoints/*")),
    )


def _api_gateway() -> Iterator[Statement]:
    names = ("apikeys", "domainnames", "restapis", "usageplans")
    kinds = ("account", "tags/*", *names, *(f"{name}/*" for name in names))
    yield Statement(
        "API Gateway gives ids that nobody knows before, and its ARNs name no account.",
        (
            *(f"apigateway:{verb}" for verb in ("DELETE", "PATCH", "POST", "PUT")),
            *("apigateway:SetWebACL", "apigateway:UpdateRestApiPolicy"),
        ),
        tuple(f"arn:{PARTITION}:apigateway:*::/{kind}" for kind in kinds),
    )
    yield Statement(
        "WAF gives ids that nobody knows before; the rules are AWS's own, and the stage is API Gateway's.",
        (
            *("wafv2:AssociateWebACL", "wafv2:CreateWebACL", "wafv2:DeleteWebACL", "wafv2:DisassociateWebACL"),
            *("wafv2:Get*", "wafv2:ListTagsForResource", "wafv2:TagResource", "wafv2:UntagResource"),
            "wafv2:UpdateWebACL",
        ),
        (
            arn("wafv2", "regional/managedruleset/*"),
            arn("wafv2", "regional/webacl/*"),
            f"arn:{PARTITION}:apigateway:*::/restapis/*/stages/*",
        ),
    )


def _records(hosted_zone_ids: Sequence[str]) -> Iterator[Statement]:
    zones = tuple(f"arn:{PARTITION}:route53:::hostedzone/{one}" for one in hosted_zone_ids)
    only: Mapping[str, Mapping[str, str | list[str]]] = {
        "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["A"]}
    }
    yield Statement("Only A records.", ("route53:ChangeResourceRecordSets",), zones, only)
    yield Statement("Reads the zones.", ("route53:GetHostedZone", "route53:ListResourceRecordSets"), zones)
    yield Statement(
        "These actions take no resource, or one whose id nobody knows before; they read.",
        ("route53:GetChange", "route53:ListHostedZones"),
        ("*",),
    )


def _storage(qualifier: str) -> Iterator[Statement]:
    yield Statement(
        "CloudFormation names the bucket of captured data; nothing here reads or deletes its objects.",
        (
            *("s3:CreateBucket", "s3:DeleteBucket*", "s3:GetBucket*", "s3:Get*Configuration", "s3:ListBucket"),
            *("s3:ListTagsForResource", "s3:PutBucket*", "s3:Put*Configuration", "s3:TagResource", "s3:UntagResource"),
        ),
        (f"arn:{PARTITION}:s3:::{OURS}",),
    )
    yield Statement(
        "Lambda reads the source that the CDK has uploaded, whose name is its hash.",
        ("s3:GetObject", "s3:GetObjectVersion"),
        (f"arn:{PARTITION}:s3:::cdk-{qualifier}-assets-{ACCOUNT}-*/*",),
    )
    verbs = ("Describe", "Disable", "Enable", "Get", "List", "ScheduleKeyDeletion", "TagResource", "UntagResource")
    yield Statement(
        "A key has an id that nobody knows before. Its policy decides as well.",
        (*(f"kms:{verb}*" for verb in verbs), "kms:PutKeyPolicy", "kms:UpdateKeyDescription"),
        (arn("kms", "key/*"),),
    )
    yield Statement(
        "SageMaker encrypts volumes with a key of an environment file, by a grant.",
        ("kms:CreateGrant",),
        (arn("kms", "key/*"),),
        {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    )
    yield Statement(
        "The parameters of all environments are below one path.",
        (
            *("ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:GetParameter*", "ssm:ListTagsForResource"),
            *("ssm:PutParameter", "ssm:RemoveTagsFromResource"),
        ),
        (arn("ssm", f"parameter/{PROJECT}/*"),),
    )
    yield Statement(
        "Each template reads the version of the bootstrap stack, in its own region.",
        ("ssm:GetParameters",),
        (arn("ssm", f"parameter/cdk-bootstrap/{qualifier}/version"),),
    )


def _roles(passed_roles: Sequence[str], boundary_arn: str | None) -> Iterator[Statement]:
    named = "CloudFormation names the roles."
    ours = (iam_arn(f"role/{OURS}"),)
    bounded: dict[str, dict[str, str | list[str]]] = {}
    if boundary_arn:
        bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary_arn}}
    yield Statement(named, ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"), ours, bounded)
    yield Statement(
        f"{named} API Gateway's logs are the only policy of AWS's that one gets.",
        ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
        ours,
        {**bounded, "ArnEquals": {"iam:PolicyARN": f"arn:{PARTITION}:{_GATEWAY_LOGS}"}},
    )
    yield Statement(
        named,
        (
            *("iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole*", "iam:ListAttachedRolePolicies"),
            *("iam:ListRolePolicies", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole*"),
        ),
        ours,
    )
    services = [f"{name}.amazonaws.com" for name in ("apigateway", "lambda", "sagemaker")]
    to = {"StringEquals": {"iam:PassedToService": services}}
    yield Statement(f"{named} Each goes to one of three services.", ("iam:PassRole",), (*ours, *passed_roles), to)
    linked = ["ops.apigateway.amazonaws.com", "sagemaker.application-autoscaling.amazonaws.com"]
    yield Statement(
        "AWS names its service-linked roles.",
        ("iam:CreateServiceLinkedRole",),
        (iam_arn("role/aws-service-role/*"),),
        {"StringEquals": {"iam:AWSServiceName": linked}},
    )
