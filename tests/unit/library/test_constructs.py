"""What each construct declares, in its own words; the snapshots guard the rest."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Match, Template

from marketplace_llm import GenerateProxy, GpuEndpoint, InvocableEndpoint, MarketplaceModel, ModelPackage, OptionError

from .test_package import ARTICLE, COMMAND_R_A100


def new_stack() -> Stack:
    # The rules run once, in tests/templates: here they would cost two seconds for each test.
    return Stack(App(builtin_cloud_formation_validation=False), "Stack")


def endpoint(stack: Stack, *, arn: str = ARTICLE, **options: Any) -> GpuEndpoint:
    model = MarketplaceModel(stack, "Model", package=ModelPackage.from_arn(arn))
    wanted = {"endpoint_name": "cohere-test", "instance_type": "ml.g5.xlarge", **options}
    return GpuEndpoint(stack, "Endpoint", model=model, **wanted)


def proxy(stack: Stack, **options: Any) -> GenerateProxy:
    target = InvocableEndpoint(stack, "Target", endpoint_name="cohere-test")
    code = lambda_.Code.from_inline("def handler(event, context): ...")
    return GenerateProxy(stack, "Proxy", endpoint=target, code=code, **options)


def test_the_model_is_isolated_and_waits_for_its_policy() -> None:
    stack = new_stack()
    endpoint(stack)
    template = Template.from_stack(stack)
    policies = list(template.find_resources("AWS::IAM::Policy"))
    template.has_resource(
        "AWS::SageMaker::Model",
        {
            "Properties": {
                "EnableNetworkIsolation": True,
                "PrimaryContainer": {"ModelPackageName": ARTICLE},
                "ModelName": Match.absent(),
            },
            "DependsOn": Match.array_with(policies),
        },
    )


def test_the_execution_role_may_log_and_measure_and_nothing_else() -> None:
    stack = new_stack()
    endpoint(stack)
    template = Template.from_stack(stack)
    policy = next(iter(template.find_resources("AWS::IAM::Policy").values()))
    actions = [statement["Action"] for statement in policy["Properties"]["PolicyDocument"]["Statement"]]
    assert actions == ["cloudwatch:PutMetricData", ["logs:CreateLogStream", "logs:PutLogEvents"]]
    template.has_resource_properties(
        "AWS::IAM::Role",
        {
            "ManagedPolicyArns": Match.absent(),
            "AssumeRolePolicyDocument": {
                "Statement": [
                    Match.object_like({"Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}})
                ]
            },
        },
    )


def test_the_variant() -> None:
    stack = new_stack()
    endpoint(
        stack,
        instance_count=2,
        inference_ami_version="al2-ami-sagemaker-inference-gpu-2",
        model_download_timeout=Duration.minutes(10),
        container_startup_timeout=Duration.minutes(20),
    )
    Template.from_stack(stack).has_resource_properties(
        "AWS::SageMaker::EndpointConfig",
        {
            "EndpointConfigName": Match.absent(),
            "KmsKeyId": Match.absent(),
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "ModelName": Match.any_value(),
                    "InstanceType": "ml.g5.xlarge",
                    "InitialInstanceCount": 2,
                    "InitialVariantWeight": 1,
                    "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2",
                    "ModelDataDownloadTimeoutInSeconds": 600,
                    "ContainerStartupHealthCheckTimeoutInSeconds": 1200,
                    "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
                }
            ],
        },
    )


def test_an_endpoint_without_options_sends_no_ami_and_cohere_s_own_time_outs() -> None:
    stack = new_stack()
    endpoint(stack)
    Template.from_stack(stack).has_resource_properties(
        "AWS::SageMaker::EndpointConfig",
        {
            "ProductionVariants": [
                Match.object_like(
                    {
                        "InferenceAmiVersion": Match.absent(),
                        "ModelDataDownloadTimeoutInSeconds": 2400,
                        "ContainerStartupHealthCheckTimeoutInSeconds": 2400,
                    }
                )
            ]
        },
    )


def test_only_the_endpoint_and_its_log_group_have_names() -> None:
    stack = new_stack()
    endpoint(stack)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::SageMaker::Endpoint",
        {
            "EndpointName": "cohere-test",
            "RetainAllVariantProperties": True,
            "ExcludeRetainedVariantProperties": [
                {"VariantPropertyType": "DataCaptureConfig"},
                {"VariantPropertyType": "DesiredInstanceCount"},
            ],
        },
    )
    template.has_resource(
        "AWS::Logs::LogGroup",
        {
            "DeletionPolicy": "Delete",
            "Properties": {"LogGroupName": "/aws/sagemaker/Endpoints/cohere-test", "RetentionInDays": 30},
        },
    )


def test_the_endpoints_logical_id_stays() -> None:
    """Another logical id would create a second endpoint under the same name, which fails, or delete the first."""
    stack = new_stack()
    endpoint(stack)
    assert list(Template.from_stack(stack).find_resources("AWS::SageMaker::Endpoint")) == ["Endpoint8024A810"]


def test_grant_invoke_is_one_action_on_one_endpoint() -> None:
    stack = new_stack()
    user = iam.User(stack, "User")
    InvocableEndpoint(stack, "Target", endpoint_name="cohere-test").grant_invoke(user)
    policy = next(iter(Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()))
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sagemaker:InvokeEndpoint"
    assert str(statement["Resource"]).endswith(":endpoint/cohere-test']]}")


def test_the_proxy_function() -> None:
    stack = new_stack()
    proxy(stack, generate_timeout=Duration.seconds(30), max_request_bytes=5000, memory_mib=1024)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Runtime": "python3.14",
            "Architectures": ["arm64"],
            "Handler": "generate.handler.handler",
            "Timeout": 35,
            "MemorySize": 1024,
            "LoggingConfig": {"LogGroup": Match.any_value()},
            "Environment": {
                "Variables": {
                    "ENDPOINT_NAME": "cohere-test",
                    "GENERATE_TIMEOUT_SECONDS": "30",
                    "MAX_REQUEST_BYTES": "5000",
                }
            },
        },
    )
    template.has_resource_properties("AWS::Lambda::Url", {"AuthType": "AWS_IAM", "Cors": Match.absent()})
    template.has_resource_properties("AWS::IAM::Role", {"ManagedPolicyArns": Match.absent()})


def test_each_caller_gets_both_permissions_that_a_new_url_needs() -> None:
    """The local cloud is content with one of them, and AWS is not: so it is held here."""
    stack = new_stack()
    callers = ["222233334444", "arn:aws:iam::111122223333:role/backend"]
    proxy(stack, callers=callers)
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Lambda::Permission", 4)
    for caller in callers:
        template.has_resource_properties(
            "AWS::Lambda::Permission",
            {"Action": "lambda:InvokeFunctionUrl", "Principal": caller, "FunctionUrlAuthType": "AWS_IAM"},
        )
        template.has_resource_properties(
            "AWS::Lambda::Permission",
            {"Action": "lambda:InvokeFunction", "Principal": caller, "InvokedViaFunctionUrl": True},
        )


def test_without_callers_the_account_itself_is_let_in() -> None:
    stack = new_stack()
    proxy(stack)
    template = Template.from_stack(stack)
    template.all_resources_properties("AWS::Lambda::Permission", {"Principal": {"Ref": "AWS::AccountId"}})
    template.resource_count_is("AWS::Lambda::Permission", 2)


@pytest.mark.parametrize(
    ("make", "option", "allowed"),
    [
        (lambda s: endpoint(s, instance_type="ml.m5.xlarge"), "instance_type", "families"),
        (lambda s: endpoint(s, endpoint_name="Cohere"), "endpoint_name", "1 to 63 lower-case letters"),
        (lambda s: endpoint(s, endpoint_name="x" * 64), "endpoint_name", "1 to 63 lower-case letters"),
        (lambda s: endpoint(s, endpoint_name="x\n"), "endpoint_name", "1 to 63 lower-case letters"),
        (lambda s: endpoint(s, instance_count=0), "instance_count", "1 or more"),
        (lambda s: endpoint(s, inference_ami_version="al2"), "inference_ami_version", "gpu-2"),
        (lambda s: endpoint(s, model_download_timeout=Duration.seconds(59)), "model_download_timeout", "60 to 3600"),
        (
            lambda s: endpoint(s, container_startup_timeout=Duration.hours(2)),
            "container_startup_timeout",
            "60 to 3600",
        ),
        (lambda s: endpoint(s, arn=COMMAND_R_A100), "instance_type", r"ml\.p4de\.\*"),
        (lambda s: proxy(s, generate_timeout=Duration.seconds(71)), "generate_timeout", "1 to 70"),
    ],
)
def test_what_sagemaker_would_refuse(make: Callable[[Stack], Any], option: str, allowed: str) -> None:
    with pytest.raises(OptionError, match=rf"^{option}: .*allowed: .*{allowed}"):
        make(new_stack())
