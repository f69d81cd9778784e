"""Findings of the policy packs that this app accepts: each once, with the exact id and the reason.

They are this app's, not the library's: a library must not hide findings in somebody else's app. docs/policy.md lists
them, and a test fails when one hides nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct

from sagemaker_llm import CaptureBucket, GpuEndpoint, LlmProxy, ProxyRestApi
from sagemaker_llm.proxy.access import Access

PACKS: Final = ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")
"""The packs that share rules, with the same names."""

INLINE: Final = "the policy belongs to this one role and goes with it; a managed policy could be attached elsewhere"
_LOG_KEY: Final = "CloudWatch encrypts every group with a key of its own, and the lines hold no prompt and no text"


def acknowledge(construct: IConstruct, rule: str, *, reason: str, packs: Iterable[str] = PACKS) -> None:
    """Acknowledge one rule's finding on one construct.

    Args:
        construct: what causes the finding; a construct's resources are included, nothing beside it.
        rule: the rule's name without its pack, e.g. ``LambdaDLQ``; with the exact finding in brackets where it has one.
        reason: why it is accepted.
        packs: the packs that have the rule.

    """
    Validations.of(construct).acknowledge(*findings(rule, reason, packs))


def findings(rule: str, reason: str, packs: Iterable[str] = PACKS) -> list[Acknowledgment]:
    """Return the acknowledgements of one rule; those of one construct take one call to the CDK's Node process."""
    return [Acknowledgment(id=f"{pack}::{pack}-{rule}", reason=reason) for pack in packs]


def wildcard(resource: str, reason: str) -> list[Acknowledgment]:
    """Return the acknowledgement of a wildcard in a policy's resource."""
    return findings(f"IAM5[Resource::{resource}]", reason, ["AwsSolutions"])


def for_endpoint(endpoint: GpuEndpoint, capture: CaptureBucket | None, *, has_volume_key: bool) -> None:
    """Acknowledge the findings on an endpoint, its models and its capture bucket."""
    acknowledge(
        endpoint.log_group,
        "CloudWatchLogGroupEncrypted",
        reason="CloudWatch encrypts every group with a key of its own; the container's log is no customer data",
    )
    if not has_volume_key:
        acknowledge(endpoint.config, "SageMakerEndpointConfigurationKMSKeyConfigured", reason=_why_no_key(endpoint))
    roles = dict.fromkeys(model.role for variant in endpoint.variants for model in variant.models)
    for role in roles:
        if isinstance(role, iam.Role):
            untaken = "PutMetricData and the VPC actions take no resource; a condition limits the metrics' namespace"
            found = [*wildcard("*", untaken), *findings("IAMNoInlinePolicy", INLINE)]
            if capture:
                objects = f"<{logical_id(capture.bucket)}.Arn>/{endpoint.endpoint_name}/*"
                below = "SageMaker names the objects: the role may write below the endpoint's own prefix only"
                found += wildcard(objects, below)
            Validations.of(role).acknowledge(*found)
    if capture:
        _for_capture(capture)


def _for_capture(capture: CaptureBucket) -> None:
    rules = {
        "S3BucketLoggingEnabled": "access is in CloudTrail's data events, which the account turns on or not",
        "S3BucketReplicationEnabled": "a second copy of prompts in another region is what this data must not have",
        "S3BucketVersioningEnabled": "an old version would outlive the retention",
    }
    for rule, reason in rules.items():
        acknowledge(capture.bucket, rule, reason=reason)
    acknowledge(capture.bucket, "S1", reason=rules["S3BucketLoggingEnabled"], packs=["AwsSolutions"])


def _why_no_key(endpoint: GpuEndpoint) -> str:
    nvme = sorted({gpu.name for variant in endpoint.variants for gpu in variant.gpus if gpu.local_nvme})
    if nvme:
        return f"{', '.join(nvme)}: NVMe storage is encrypted by the hardware, and a KMS key may be refused for it"
    return "the volumes are encrypted with the key that AWS owns; volume_key_arn sets another"


def for_proxy(proxy: LlmProxy) -> None:
    """Acknowledge the findings on a proxy and on its version check."""
    synchronous = "the function is only invoked synchronously: a failure is the caller's answer; nothing is queued"
    for_function(
        proxy.function,
        dead_letters=synchronous,
        concurrency=None
        if proxy.reserved_concurrency
        else "the endpoint's instances are the limit: what is above it is throttled there, and answered with 429",
        network="the function calls SageMaker's public endpoint with IAM and nothing else; it holds no data",
        tracing="there is one hop behind it, and its log line has the time of both: a trace would tell no more",
    )
    acknowledge(proxy.alias, "LambdaAsyncFailureDestination", reason=synchronous, packs=["Serverless"])
    for_function(
        proxy.version_check.function,
        dead_letters="CloudFormation waits for its answer: what fails here, or never answers, fails the deployment",
        concurrency="it runs once in a deployment, and nobody else may invoke it",
        network="the function calls Lambda's public endpoint with IAM and nothing else; it holds no data",
        tracing="it runs once in a deployment, and CloudFormation's event has its reason",
        of_role=wildcard(
            f"<{logical_id(proxy.function)}.Arn>:*",
            "each deployment has a version whose number nobody knows before; all are of one function",
        ),
    )


def for_function(
    function: lambda_.Function,
    *,
    dead_letters: str,
    concurrency: str | None,
    network: str,
    tracing: str,
    of_role: Iterable[Acknowledgment] = (),
) -> None:
    """Acknowledge the findings on a function; the reasons are of what it does without."""
    role = cast("iam.Role", function.role)
    Validations.of(role).acknowledge(*findings("IAMNoInlinePolicy", INLINE), *of_role)
    acknowledge(function.log_group, "CloudWatchLogGroupEncrypted", reason=_LOG_KEY)
    two = ("NIST.800.53.R5", "HIPAA.Security")
    found = findings("LambdaDLQ", dead_letters, [*two, "Serverless"])
    if concurrency:
        found += findings("LambdaConcurrency", concurrency, two)
    found += findings("LambdaInsideVPC", network)
    found += findings("LambdaTracing", tracing, ["Serverless"])
    Validations.of(function).acknowledge(*found)


def for_rest_api(rest_api: ProxyRestApi, *, access: Access, has_log_role: bool, has_tracing: bool) -> None:
    """Acknowledge the findings on a REST API."""
    stage = rest_api.api.deployment_stage
    acknowledge(rest_api.log_group, "CloudWatchLogGroupEncrypted", reason=_LOG_KEY)
    bodies = "execution logs hold what a request's validation found, and that is the caller's text"
    acknowledge(stage, "APIGWExecutionLoggingEnabled", reason=bodies)
    acknowledge(stage, "APIG6", reason=bodies, packs=["AwsSolutions"])
    acknowledge(stage, "APIGWCacheEnabledAndEncrypted", reason="an answer is one caller's: nothing is cached")
    behind = "behind it is a Lambda function, which is invoked with IAM and knows no client certificates"
    acknowledge(stage, "APIGWSSLEnabled", reason=behind)
    known = "callers are known by their signature or their key; there are no users to sign in"
    for method in rest_api.api.methods:
        if method.http_method == "OPTIONS":
            continue
        acknowledge(method, "COG4", reason=known, packs=["AwsSolutions"])
        if access == "api_keys":
            acknowledge(method, "APIG4", reason=known, packs=["AwsSolutions"])
    if rest_api.authorizer:
        for_function(
            rest_api.authorizer.function,
            dead_letters="API Gateway invokes it synchronously, and answers 503 when it fails; nothing is queued",
            concurrency="API Gateway keeps its answers, and the stage throttles what it is asked for",
            network="the function calls nothing and holds no data",
            tracing="it calls nothing: there is nothing to trace",
        )
    if has_log_role:
        policy = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]"
        given = "it is the policy that AWS has for the one role of the account by which API Gateway writes logs"
        acknowledge(rest_api.api.node.find_child("CloudWatchRole"), policy, reason=given, packs=["AwsSolutions"])
    if rest_api.firewall:
        headers = "its logs hold headers, and one of them is the API key; the access log says what it blocked"
        acknowledge(rest_api.firewall, "WAFv2LoggingEnabled", reason=headers)
    else:
        unfiltered = "callers are known by their signature or key, and each is throttled; firewall_requests adds one"
        acknowledge(stage, "APIGWAssociatedWithWAF", reason=unfiltered, packs=["NIST.800.53.R5", "PCI.DSS.321"])
        acknowledge(stage, "APIG3", reason=unfiltered, packs=["AwsSolutions"])
    if not has_tracing:
        times = "the access log has the time of the whole and of the function; who wants traces sets tracing"
        acknowledge(stage, "APIGWXrayEnabled", reason=times, packs=["Serverless", "HIPAA.Security"])


def logical_id(construct: IConstruct) -> str:
    """Return the logical id of a construct's resource."""
    return Stack.of(construct).get_logical_id(cast("CfnElement", construct.node.default_child))
