"""The policy for `cdk bootstrap`, compared with what the resource schemas say that CloudFormation's handlers need.

AWS alone can show that it suffices: the local cloud does not use the execution role.
"""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from pipeline_access.execution_policy import MAX_CHARACTERS
from tests.support.access import ACCOUNT, template_of
from tests.support.templates import Templates

HANDLERS = ("create", "read", "update", "delete", "list")

_ASSOCIATION = "the association calls the service of the protected resource, and ours is a stage of API Gateway"
_NO_SHIFT = "no alias is moved by CodeDeploy: the version check comes before it"
_NO_VPC = "no function is in a VPC, or has a file system"
_NO_KEY = "no function has a key, and the bucket of `cdk bootstrap` has none by default"
_NO_TABLES = "the bucket of captured data has no metadata tables"
_ROLES_ONLY = "inline policies belong to roles: there are no users and groups"
_LOGS = "log groups have no data protection, no indexes, no key, no policy and no delivery of their own"
EXCLUDED = {
    **dict.fromkeys(
        ("amplify:*", "apprunner:*", "appsync:*", "bedrock-agentcore:*", "cognito-idp:*", "elasticloadbalancing:*"),
        _ASSOCIATION,
    ),
    **dict.fromkeys(("ec2:*VerifiedAccess*",), _ASSOCIATION),
    "wafv2:PutPermissionPolicy": "a web ACL is not shared with other accounts",
    "payments:GetConnectedAccount": "the rules are AWS's free ones: no seller is paid",
    "codedeploy:*": _NO_SHIFT,
    **dict.fromkeys(
        ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
        _NO_VPC,
    ),
    **dict.fromkeys(("elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"), _NO_VPC),
    **dict.fromkeys(("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"), _NO_KEY),
    "lambda:AssociateRuntimeAlias": "functions take the runtime's updates from AWS",
    "lambda:PassCapacityProvider": "functions run on Lambda's own capacity",
    **dict.fromkeys(
        (
            *(
                "logs:AssociateKmsKey",
                "logs:DisassociateKmsKey",
                "logs:CreateLogDelivery",
                "firehose:TagDeliveryStream",
            ),
            *("logs:PutDataProtectionPolicy", "logs:DeleteDataProtectionPolicy", "logs:PutIndexPolicy"),
            *("logs:DeleteIndexPolicy", "logs:PutResourcePolicy", "logs:DeleteResourcePolicy"),
            *("logs:PutBearerTokenAuthentication", "logs:PutLogGroupDeletionProtection", "s3:REST.PUT.OBJECT"),
        ),
        _LOGS,
    ),
    **dict.fromkeys(("iam:*GroupPolicy", "iam:*UserPolicy"), _ROLES_ONLY),
    "iam:DeleteRolePermissionsBoundary": "a boundary that is taken away is no boundary",
    **dict.fromkeys(
        ("s3tables:*", "s3:UpdateBucketMetadata*", "s3:CreateBucketMetadataTableConfiguration"), _NO_TABLES
    ),
    **dict.fromkeys(
        ("s3:DeleteObject", "s3:PutObjectAcl"), "captured data is the customer's: a deployment leaves the objects alone"
    ),
    "billing:GetBillingViewData": "a budget is of the account's own costs: it names no billing view",
    "sns:PutDataProtectionPolicy": "the topic has no data protection policy: alarms hold no prompts",
    "cloudwatch:GetMetricData": "no scaling policy predicts from past metrics",
}
"""Patterns of actions that handlers name and that the policy leaves out on purpose, with the reason."""

DANGEROUS = (
    *("iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:AddUserToGroup", "iam:PutUserPolicy"),
    *("iam:AttachUserPolicy", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:CreatePolicy"),
    *("iam:CreateOpenIDConnectProvider", "iam:CreateSAMLProvider", "iam:CreateInstanceProfile"),
    *("iam:DeleteRolePermissionsBoundary", "iam:CreateGroup", "iam:UpdateAccountPasswordPolicy"),
    *("organizations:LeaveOrganization", "account:CloseAccount", "sts:AssumeRole", "sts:GetFederationToken"),
    *("ec2:RunInstances", "ec2:CreateVpc", "ec2:AuthorizeSecurityGroupIngress", "ecs:RunTask", "eks:CreateCluster"),
    *("sagemaker:CreateTrainingJob", "sagemaker:CreateNotebookInstance", "sagemaker:CreateProcessingJob"),
    *("sagemaker:InvokeEndpoint", "s3:PutObject", "s3:DeleteObject", "s3:PutAccountPublicAccessBlock"),
    *("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "secretsmanager:GetSecretValue", "dynamodb:GetItem"),
    *("cloudformation:CreateStack", "cloudformation:DeleteStack", "cloudtrail:StopLogging", "logs:GetLogEvents"),
    *("ssm:SendCommand", "ssm:StartSession", "wafv2:DeleteLoggingConfiguration"),
)


def document(policy: str, **settings: Any) -> dict[str, Any]:
    """Return a policy's document as IAM stores it."""
    for resource in template_of(**settings)["Resources"].values():
        if resource["Properties"].get("ManagedPolicyName") == policy:
            found: dict[str, Any] = stored(resource["Properties"]["PolicyDocument"])
            return found
    raise LookupError(policy)


def stored(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"Fn::Sub"}:
            return str(value["Fn::Sub"]).replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", ACCOUNT)
        return {key: stored(member) for key, member in value.items()}
    return [stored(member) for member in value] if isinstance(value, list) else value


def matches(action: str, pattern: str) -> bool:
    """Return whether IAM's pattern matches an action; IAM ignores the case."""
    return fnmatchcase(action.lower(), pattern.lower())


def allowed(action: str, policy: dict[str, Any]) -> bool:
    """Return whether a policy allows an action on something."""
    return any(
        matches(action, pattern)
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
        for pattern in statement["Action"]
    )


@pytest.fixture(scope="module")
def needed(templates: Templates) -> set[str]:
    """The actions of the handlers of every resource type in every template."""
    types = {resource["Type"] for template in templates.values() for resource in template["Resources"].values()}
    types = {name for name in types if not name.startswith("Custom::")}
    assert len(types) > 25
    found = set()
    for name in types:
        handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema["handlers"]
        found |= {action.strip() for one in HANDLERS for action in handlers.get(one, {}).get("permissions", [])}
    return found


ZONED = {"bearer": {"region": "us-east-1", "hosted_zone_id": "Z0123456789ABCDEFGHIJ"}}
OPERATED = {"office-hours": {"region": "us-east-1", "operations": True, "sleeps": True}}
EXECUTION, OPERATIONS, BOUNDARY = (
    *("cohere-cloudformation-execution", "cohere-cloudformation-operations"),
    "cohere-boundary",
)


def both(**settings: Any) -> dict[str, Any]:
    """Return the statements of both policies of CloudFormation, for environments that need both."""
    settings["environments"] = {**ZONED, **OPERATED}
    return {"Statement": [one for name in (EXECUTION, OPERATIONS) for one in document(name, **settings)["Statement"]]}


VARIANTS = pytest.mark.parametrize("bounded", [False, True], ids=["without a boundary", "with a boundary"])


@VARIANTS
def test_the_policy_allows_what_the_handlers_need(needed: set[str], bounded: bool) -> None:
    policy = both(permissions_boundary=bounded)
    missing = {action for action in needed if not allowed(action, policy)}
    assert {action for action in missing if not any(matches(action, pattern) for pattern in EXCLUDED)} == set()


def test_records_are_changed_in_the_environments_zones_only() -> None:
    def changes(**settings: Any) -> list[dict[str, Any]]:
        statements = document(EXECUTION, **settings)["Statement"]
        return [one for one in statements if "route53:ChangeResourceRecordSets" in one["Action"]]

    assert changes() == []
    (statement,) = changes(environments=ZONED)
    assert statement["Resource"] == ["arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ"]
    assert statement["Condition"] == {
        "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["A"]}
    }


def test_no_exclusion_is_stale(needed: set[str]) -> None:
    """Each one leaves out an action that a handler names, and the policies allow none of them."""
    policy = both()
    for pattern, reason in EXCLUDED.items():
        excluded = [action for action in needed if matches(action, pattern)]
        assert excluded, f"{pattern}: no handler needs it any more"
        assert [action for action in excluded if allowed(action, policy)] == [], f"{pattern}: is allowed"
        assert len(reason) > 20


def test_the_version_check_is_invoked_by_cloudformation() -> None:
    assert allowed("lambda:InvokeFunction", document(EXECUTION))


def test_a_layer_is_read_from_the_account_that_publishes_the_adapter(templates: Templates) -> None:
    layers = {
        layer
        for template in templates.values()
        for resource in template["Resources"].values()
        for layer in resource.get("Properties", {}).get("Layers", [])
    }
    assert layers
    readable = [resource for resource, _ in resources(document(EXECUTION), "lambda:GetLayerVersion")]
    for layer in layers:
        assert any(fnmatchcase(layer, pattern) for pattern in readable), layer


@VARIANTS
def test_the_policies_fit_into_managed_policies(bounded: bool) -> None:
    roles = [f"arn:aws:iam::{ACCOUNT}:role/some-team/execution-role-{number}" for number in range(2)]
    environments = {
        f"e{number}": {"region": "us-east-1", "execution_role_arn": role} for number, role in enumerate(roles)
    }
    for name in (EXECUTION, BOUNDARY) if bounded else (EXECUTION,):
        policy = document(name, permissions_boundary=bounded, environments=environments)
        assert len(json.dumps(policy, separators=(",", ":"))) <= MAX_CHARACTERS


@pytest.mark.parametrize("name", [EXECUTION, OPERATIONS, BOUNDARY])
def test_nothing_dangerous_is_allowed(name: str) -> None:
    policy = document(name, permissions_boundary=True, environments=OPERATED)
    expected = {"kms:Decrypt", "kms:GenerateDataKey", "sagemaker:InvokeEndpoint", "s3:PutObject", "logs:GetLogEvents"}
    assert {action for action in DANGEROUS if allowed(action, policy)} == (expected if name == BOUNDARY else set())


@VARIANTS
def test_what_changes_something_has_a_resource(bounded: bool) -> None:
    reads = ("Describe", "Get", "List", "GET")
    writes = [
        action
        for statement in both(permissions_boundary=bounded)["Statement"]
        if "*" in statement["Resource"]
        for action in statement["Action"]
        if not action.partition(":")[2].startswith(reads)
    ]
    # Each makes something of its own, and takes no resource.
    assert writes == ["kms:CreateKey", "ce:CreateAnomalyMonitor", "ce:CreateAnomalySubscription"]


def test_the_second_policy_is_made_where_an_environment_needs_it() -> None:
    with pytest.raises(LookupError):
        document(OPERATIONS, environments=ZONED)
    policy = document(OPERATIONS, environments=OPERATED)
    assert len(json.dumps(policy, separators=(",", ":"))) <= MAX_CHARACTERS
    (passed,) = resources(policy, "iam:PassRole")
    ours = f"arn:aws:iam::{ACCOUNT}:role/cohere-*"
    assert passed == (ours, {"StringEquals": {"iam:PassedToService": ["scheduler.amazonaws.com"]}})


def resources(policy: dict[str, Any], action: str, effect: str = "Allow") -> list[tuple[str, Any]]:
    return [
        (resource, statement.get("Condition"))
        for statement in policy["Statement"]
        if statement["Effect"] == effect and any(matches(action, pattern) for pattern in statement["Action"])
        for resource in statement["Resource"]
    ]


def test_roles_are_passed_to_three_services_only() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/team/execution"
    policy = document(EXECUTION, environments={"dev": {"region": "us-east-1", "execution_role_arn": role}})
    services = ["apigateway.amazonaws.com", "lambda.amazonaws.com", "sagemaker.amazonaws.com"]
    condition = {"StringEquals": {"iam:PassedToService": services}}
    ours = f"arn:aws:iam::{ACCOUNT}:role/cohere-*"
    assert resources(policy, "iam:PassRole") == [(ours, condition), (role, condition)]


def test_the_pipelines_roles_are_out_of_reach() -> None:
    found = {resource for resource, _condition in resources(document(EXECUTION), "iam:PutRolePolicy", "Deny")}
    roles = [
        str(one["Properties"]["RoleName"])
        for one in template_of()["Resources"].values()
        if one["Type"] == "AWS::IAM::Role"
    ]
    assert len(roles) == 5
    for role in roles:
        assert any(fnmatchcase(f"arn:aws:iam::{ACCOUNT}:role/{role}", pattern) for pattern in found), role


def test_with_a_boundary_no_role_is_made_without_it() -> None:
    policy = document(EXECUTION, permissions_boundary=True)
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/{BOUNDARY}"
    for action in ("CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary"):
        for _resource, condition in resources(policy, f"iam:{action}"):
            assert condition["StringEquals"] == {"iam:PermissionsBoundary": boundary}
    assert resources(policy, "iam:PutRolePolicy")


def test_the_boundary_allows_what_the_roles_of_the_templates_may(templates: Templates) -> None:
    boundary = document(BOUNDARY, permissions_boundary=True)
    used = set()
    for template in templates.values():
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::IAM::Policy":
                for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                    actions = statement["Action"]
                    used |= {actions} if isinstance(actions, str) else set(actions)
    assert len(used) > 8
    assert {action for action in used if not allowed(action, boundary)} == set()


def test_the_roles_of_the_templates_are_named_by_cloudformation(templates: Templates) -> None:
    """A role with a name of its own would not begin as the policy says."""
    roles = [
        resource["Properties"]
        for template in templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
    ]
    assert roles
    assert not any({"RoleName", "Path"} & role.keys() for role in roles)
    managed = {json.dumps(one) for role in roles for one in role.get("ManagedPolicyArns", [])}
    assert all("AmazonAPIGatewayPushToCloudWatchLogs" in one for one in managed)


UNUSED = {
    "AWS::Lambda::Function": (
        *("CodeSigningConfigArn", "FileSystemConfigs", "KmsKeyArn", "RuntimeManagementConfig", "VpcConfig"),
    ),
    "AWS::Lambda::Alias": ("ProvisionedConcurrencyConfig",),
    "AWS::Logs::LogGroup": ("DataProtectionPolicy", "FieldIndexPolicies", "KmsKeyId", "ResourcePolicyDocument"),
    "AWS::S3::Bucket": (
        "BucketName",
        "MetadataTableConfiguration",
        "MetadataConfiguration",
        "ReplicationConfiguration",
    ),
    "AWS::KMS::Key": ("MultiRegion", "Origin"),
    "AWS::SNS::Topic": ("DataProtectionPolicy", "DeliveryStatusLogging"),
    "AWS::Budgets::Budget": ("BillingViewArn",),
}
"""Properties whose handlers need actions that the policy leaves out, or allows on other resources only."""


def test_no_template_uses_what_the_policy_leaves_out(templates: Templates) -> None:
    found = [
        f"{stack}: {logical_id}: {name}"
        for stack, template in templates.items()
        for logical_id, resource in template["Resources"].items()
        for name in UNUSED.get(resource["Type"], ())
        if name in resource.get("Properties", {})
    ]
    assert found == [], "allow what the property needs, see EXCLUDED"
