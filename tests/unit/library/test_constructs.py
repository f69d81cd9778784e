"""What each construct declares, in its own words; the snapshots guard the rest."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from aws_cdk import App, Duration, Environment, Resource, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.assertions import Annotations, Match, Template

from sagemaker_llm import (
    Autoscaling,
    CaptureBucket,
    GpuEndpoint,
    InstancePool,
    InvocableEndpoint,
    LlmProxy,
    MarketplaceModel,
    ModelPackage,
    OptionError,
    RequestLimits,
    ScheduledCapacity,
    Variant,
    VpcAttachment,
)

from .test_package import ARTICLE, COMMAND_R_A100, COMMAND_R_H100


def new_stack() -> Stack:
    # The rules run once, in tests/templates: here they would take two seconds for each test.
    return Stack(App(builtin_cloud_formation_validation=False), "Stack")


def model(stack: Stack, arn: str = ARTICLE, construct_id: str = "Model", **options: Any) -> MarketplaceModel:
    return MarketplaceModel(stack, construct_id, package=ModelPackage.from_arn(arn), **options)


ENDPOINT_OPTIONS = {"endpoint_name", "volume_key", "volume_key_with_nvme", "data_capture", "capture_percentage"}


def endpoint(stack: Stack, *, arn: str = ARTICLE, **options: Any) -> GpuEndpoint:
    """An endpoint with one variant; options are the endpoint's or the variant's."""
    own = {name: options.pop(name) for name in ENDPOINT_OPTIONS & set(options)}
    if "pools" not in options:
        options = {"instance_type": "ml.g5.xlarge", **options}
    variant = Variant(model=model(stack, arn), **options)
    return GpuEndpoint(stack, "Endpoint", variants=[variant], **{"endpoint_name": "cohere-test", **own})


def proxy(stack: Stack, **options: Any) -> LlmProxy:
    target = InvocableEndpoint(stack, "Target", endpoint_name="cohere-test")
    code = lambda_.Code.from_inline("def handler(event, context): ...")
    return LlmProxy(stack, "Proxy", endpoint=target, code=code, **options)


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
    logs = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    assert actions == ["cloudwatch:PutMetricData", logs]
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
                {"VariantPropertyType": "DesiredWeight"},
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


def test_reserved_concurrency() -> None:
    stack = new_stack()
    proxy(stack, reserved_concurrency=8)
    wanted = {"ReservedConcurrentExecutions": 8, "Handler": "proxy.handler.handler"}
    Template.from_stack(stack).has_resource_properties("AWS::Lambda::Function", wanted)
    with pytest.raises(OptionError, match="reserved_concurrency"):
        proxy(new_stack(), reserved_concurrency=0)


@pytest.mark.parametrize(
    ("limits", "option"),
    [
        ({"default_max_tokens": 300, "max_tokens": 200}, "default_max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_generations": 6}, "max_generations"),
        ({"max_prompt_characters": 0}, "max_prompt_characters"),
    ],
)
def test_limits_that_are_wrong(limits: dict[str, int], option: str) -> None:
    with pytest.raises(OptionError, match=option):
        RequestLimits(**limits)


def test_the_proxy_function() -> None:
    stack = new_stack()
    proxy(stack, generate_timeout=Duration.seconds(30), max_request_bytes=5000, memory_mib=1024).add_function_url()
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Runtime": "python3.14",
            "Architectures": ["arm64"],
            "Handler": "proxy.handler.handler",
            "Timeout": 35,
            "MemorySize": 1024,
            "LoggingConfig": {"LogGroup": Match.any_value()},
            "Environment": {
                "Variables": {
                    "API": "generate",
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
    proxy(stack).add_function_url(callers)
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


def test_without_callers_the_account_itself_is_allowed() -> None:
    stack = new_stack()
    proxy(stack).add_function_url()
    template = Template.from_stack(stack)
    template.all_resources_properties("AWS::Lambda::Permission", {"Principal": {"Ref": "AWS::AccountId"}})
    template.resource_count_is("AWS::Lambda::Permission", 2)


def test_pools_by_priority_each_with_the_package_of_its_gpu() -> None:
    stack = new_stack()
    h100, a100 = model(stack, COMMAND_R_H100, "H100"), model(stack, COMMAND_R_A100, "A100")
    pools = [InstancePool("ml.p5.48xlarge", h100), InstancePool("ml.p4de.24xlarge", a100)]
    GpuEndpoint(stack, "Endpoint", endpoint_name="pools", variants=[Variant(model=h100, pools=pools)])
    template = Template.from_stack(stack)
    config = next(iter(template.find_resources("AWS::SageMaker::EndpointConfig").values()))
    (variant,) = config["Properties"]["ProductionVariants"]
    assert "InstanceType" not in variant
    # Cohere's packages of today need it; nobody had to say so.
    assert variant["InferenceAmiVersion"] == "al2-ami-sagemaker-inference-gpu-2"
    first, second = variant["InstancePools"]
    assert first == {"InstanceType": "ml.p5.48xlarge", "Priority": 1}
    assert (second["InstanceType"], second["Priority"]) == ("ml.p4de.24xlarge", 2)
    overriding = second["ModelNameOverride"]["Fn::GetAtt"][0]
    found = template.find_resources("AWS::SageMaker::Model")[overriding]
    assert found["Properties"]["PrimaryContainer"] == {"ModelPackageName": COMMAND_R_A100}


def test_autoscaling_keeps_live_counts_and_the_target_waits_for_the_endpoint() -> None:
    stack = new_stack()
    night = ScheduledCapacity("night", "cron(0 20 * * ? *)", 1, 2, timezone="Europe/Berlin")
    scaling = Autoscaling(min_instances=2, max_instances=6, target=4, schedules=[night])
    endpoint(stack, autoscaling=scaling)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::SageMaker::Endpoint",
        {
            "RetainAllVariantProperties": True,
            "ExcludeRetainedVariantProperties": [
                {"VariantPropertyType": "DataCaptureConfig"},
                {"VariantPropertyType": "DesiredWeight"},
            ],
        },
    )
    template.has_resource(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {
            "DependsOn": ["Endpoint8024A810"],
            "Properties": {
                "MinCapacity": 2,
                "MaxCapacity": 6,
                "ResourceId": "endpoint/cohere-test/variant/AllTraffic",
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                "ServiceNamespace": "sagemaker",
                "RoleARN": Match.absent(),
                "ScheduledActions": [
                    {
                        "ScheduledActionName": "night",
                        "Schedule": "cron(0 20 * * ? *)",
                        "Timezone": "Europe/Berlin",
                        "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 2},
                    }
                ],
            },
        },
    )
    template.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 4,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
                },
                "ScaleInCooldown": 600,
                "ScaleOutCooldown": 60,
            },
        },
    )


def test_data_capture_writes_to_its_own_encrypted_bucket_and_may_write_nowhere_else() -> None:
    stack = new_stack()
    bucket = CaptureBucket(stack, "Capture", retention=Duration.days(7))
    endpoint(stack, data_capture=bucket, capture_percentage=25)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::SageMaker::EndpointConfig",
        {
            "DataCaptureConfig": {
                "EnableCapture": True,
                "InitialSamplingPercentage": 25,
                "KmsKeyId": Match.any_value(),
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            }
        },
    )
    template.has_resource(
        "AWS::S3::Bucket",
        {
            "DeletionPolicy": "Retain",
            "Properties": {
                "LifecycleConfiguration": {"Rules": [Match.object_like({"ExpirationInDays": 7})]},
                "PublicAccessBlockConfiguration": Match.object_like({"BlockPublicAcls": True}),
            },
        },
    )
    policy = next(iter(template.find_resources("AWS::IAM::Policy").values()))
    statements = {str(s["Action"]): s for s in policy["Properties"]["PolicyDocument"]["Statement"]}
    assert str(statements["s3:PutObject"]["Resource"]).endswith("'/cohere-test/*']]}")
    assert str(["kms:GenerateDataKey", "kms:Decrypt"]) in statements


def test_two_capturing_endpoints_may_share_a_role() -> None:
    """A policy may not have a Sid twice, so no statement has one."""
    stack = new_stack()
    shared = model(stack)
    for name in ("one", "two"):
        GpuEndpoint(
            stack,
            name,
            endpoint_name=name,
            variants=[Variant(model=shared, instance_type="ml.g5.xlarge")],
            data_capture=CaptureBucket(stack, f"Capture-{name}"),
        )
    (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    assert not [s for s in statements if "Sid" in s]
    assert len([s for s in statements if s["Action"] == "s3:PutObject"]) == 2


KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"


def volume_key(stack: Stack) -> kms.IKey:
    return kms.Key.from_key_arn(stack, "VolumeKey", KEY)


def test_a_volume_key_and_size_only_where_there_is_no_nvme() -> None:
    stack = new_stack()
    endpoint(stack, instance_type="ml.p3.2xlarge", volume_key=volume_key(stack), volume_size_gb=100)
    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::SageMaker::EndpointConfig", {"KmsKeyId": KEY})
    policy = next(iter(template.find_resources("AWS::IAM::Policy").values()))
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    assert {
        "Effect": "Allow",
        "Action": "kms:CreateGrant",
        "Resource": KEY,
        "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    } in statements


def test_a_volume_key_with_nvme_by_the_escape() -> None:
    stack = new_stack()
    endpoint(stack, volume_key=volume_key(stack), volume_key_with_nvme=True)
    Template.from_stack(stack).has_resource(
        "AWS::SageMaker::EndpointConfig",
        {"Properties": {"KmsKeyId": KEY}, "Metadata": {"VolumeKeyWithNvme": "on purpose, for ml.g5.xlarge"}},
    )


def test_two_variants_with_weights() -> None:
    stack = new_stack()
    old, new = model(stack, construct_id="Old"), model(stack, construct_id="New")
    variants = [
        Variant(model=old, instance_type="ml.g5.xlarge", weight=9),
        Variant(model=new, instance_type="ml.g5.2xlarge", name="New", weight=0),
    ]
    GpuEndpoint(stack, "Endpoint", endpoint_name="two", variants=variants)
    config = next(iter(Template.from_stack(stack).find_resources("AWS::SageMaker::EndpointConfig").values()))
    found = [(v["VariantName"], v["InitialVariantWeight"]) for v in config["Properties"]["ProductionVariants"]]
    assert found == [("AllTraffic", 9), ("New", 0)]


def test_a_role_from_outside_is_used_as_it_is() -> None:
    stack = new_stack()
    arn = "arn:aws:iam::111122223333:role/platform"
    role = iam.Role.from_role_arn(stack, "Role", arn, mutable=False)
    vpc = VpcAttachment(["subnet-1"], ["sg-1"])
    variant = Variant(model=model(stack, role=role, vpc=vpc), instance_type="ml.g5.xlarge")
    GpuEndpoint(stack, "Endpoint", endpoint_name="role", variants=[variant])
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::SageMaker::Model",
        {"ExecutionRoleArn": arn, "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
    )
    for kind in ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::Logs::ResourcePolicy"):
        template.resource_count_is(kind, 0)


def test_a_role_of_its_own_may_attach_to_the_vpc() -> None:
    stack = new_stack()
    model(stack, vpc=VpcAttachment(["subnet-1", "subnet-2"], ["sg-1"]))
    policy = next(iter(Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()))
    (actions,) = [
        s["Action"]
        for s in policy["Properties"]["PolicyDocument"]["Statement"]
        if isinstance(s["Action"], list) and s["Action"][0].startswith("ec2:")
    ]
    assert len(actions) == 9


def test_an_attachment_takes_the_cdks_own_vpc_and_security_groups() -> None:
    stack = new_stack()
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=["us-east-1a", "us-east-1b"],
        private_subnet_ids=["subnet-1", "subnet-2"],
    )
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")
    assert VpcAttachment.from_vpc(vpc, security_groups=[group]) == VpcAttachment(["subnet-1", "subnet-2"], ["sg-1"])


def test_the_endpoint_is_the_cdks_own_interface() -> None:
    stack = new_stack()
    target: sagemaker.IEndpoint = endpoint(stack)
    assert isinstance(target, Resource)
    assert (target.endpoint_name, target.endpoint_ref.endpoint_arn) == ("cohere-test", target.endpoint_arn)
    assert target.stack is stack
    role = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    target.grant_invoke(role).assert_success()


def test_a_package_that_the_catalogue_does_not_know_gets_the_ami_and_a_notice() -> None:
    stack = new_stack()
    unknown = f"arn:aws:sagemaker:us-east-1:865070037744:model-package/cohere-command-x-{32 * '0'}"
    endpoint(stack, arn=unknown)
    Template.from_stack(stack).has_resource_properties(
        "AWS::SageMaker::EndpointConfig",
        {"ProductionVariants": [Match.object_like({"InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2"})]},
    )
    (notice,) = Annotations.from_stack(stack).find_info("*", Match.any_value())
    assert "cohere-command-x-" in str(notice.entry.data)


@pytest.mark.parametrize("option", [{"statistics": "Sum"}, {"variant": "New"}])
def test_a_metrics_option_that_is_misspelt_is_an_error(option: dict[str, str]) -> None:
    target = GpuEndpoint.from_endpoint_name(new_stack(), "Target", "cohere-test")
    with pytest.raises(TypeError, match="unexpected keyword"):
        target.metric_invocations(**option)


def test_metrics_take_every_option_of_the_cdk() -> None:
    target = GpuEndpoint.from_endpoint_name(new_stack(), "Target", "cohere-test")
    found = target.metric_gpu_utilization(label="GPU", color="#ff0000", statistic="Maximum", region="eu-west-1")
    assert (found.label, found.color, found.statistic, found.region) == ("GPU", "#ff0000", "Maximum", "eu-west-1")


def test_grant_invoke_stream_is_two_actions_on_one_endpoint() -> None:
    stack = new_stack()
    user = iam.User(stack, "User")
    GpuEndpoint.from_endpoint_name(stack, "Target", "cohere-test").grant_invoke_stream(user)
    policy = next(iter(Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()))
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"]
    assert str(statement["Resource"]).endswith(":endpoint/cohere-test']]}")


@pytest.mark.parametrize(
    ("method", "namespace", "name", "statistic", "unit"),
    [
        ("metric_invocations", "AWS/SageMaker", "Invocations", "Sum", None),
        ("metric_model_latency", "AWS/SageMaker", "ModelLatency", "p95", "Microseconds"),
        ("metric_overhead_latency", "AWS/SageMaker", "OverheadLatency", "p95", "Microseconds"),
        ("metric_4xx_errors", "AWS/SageMaker", "Invocation4XXErrors", "Sum", None),
        ("metric_5xx_errors", "AWS/SageMaker", "Invocation5XXErrors", "Sum", None),
        ("metric_model_errors", "AWS/SageMaker", "InvocationModelErrors", "Sum", None),
        ("metric_concurrent_requests", "AWS/SageMaker", "ConcurrentRequestsPerModel", "Maximum", None),
        ("metric_gpu_utilization", "/aws/sagemaker/Endpoints", "GPUUtilization", "Average", "Percent"),
        ("metric_memory_utilization", "/aws/sagemaker/Endpoints", "MemoryUtilization", "Average", "Percent"),
        ("metric_gpu_memory_utilization", "/aws/sagemaker/Endpoints", "GPUMemoryUtilization", "Average", "Percent"),
    ],
)
def test_metrics(method: str, namespace: str, name: str, statistic: str, unit: str | None) -> None:
    stack = new_stack()
    target = GpuEndpoint.from_endpoint_name(stack, "Target", "cohere-test")
    getattr(target, method)(variant_name="New", period=Duration.minutes(5)).create_alarm(
        stack, "Alarm", threshold=1, evaluation_periods=1
    )
    Template.from_stack(stack).has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": namespace,
            "MetricName": name,
            "ExtendedStatistic" if statistic == "p95" else "Statistic": statistic,
            "Unit": unit or Match.absent(),
            "Period": 300,
            "Dimensions": [
                {"Name": "EndpointName", "Value": "cohere-test"},
                {"Name": "VariantName", "Value": "New"},
            ],
        },
    )


RESERVATION = "arn:aws:sagemaker:us-east-1:111122223333:training-plan/x"
EMBED = ModelPackage.from_catalog("embed-english-v3", "ml.g5.xlarge", "us-east-1").arn
COMMAND_R_PLUS_H100 = ModelPackage.from_catalog("command-r-plus-08-2024", "ml.p5.48xlarge", "us-east-1").arn
COMMAND_R_PLUS_A100 = (  # its id is cut off within "a100"
    "arn:aws:sagemaker:us-east-1:865070037744:model-package/"
    "cohere-command-r-plus-082024-a-013f8b90289d3318b4f6a167e3522f47"
)


def scheduled(*schedules: ScheduledCapacity) -> Autoscaling:
    return Autoscaling(max_instances=2, target=1, schedules=schedules)


def pools(stack: Stack, *types: str, **options: Any) -> Variant:
    return Variant(model=model(stack), pools=[InstancePool(name) for name in types], **options)


def variants(stack: Stack, **options: dict[str, Any]) -> GpuEndpoint:
    served = model(stack)
    found = [Variant(model=served, name=n, instance_type="ml.g5.xlarge", **o) for n, o in options.items()]
    return GpuEndpoint(stack, "Endpoint", endpoint_name="x", variants=found)


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
        (lambda s: endpoint(s, arn=COMMAND_R_H100, instance_type="ml.p4de.24xlarge"), "instance_type", r"ml\.p5\.\*"),
        (lambda s: endpoint(s, arn=COMMAND_R_PLUS_A100), "instance_type", r"ml\.p4de\.\*"),
        (
            lambda s: endpoint(
                s,
                arn=COMMAND_R_H100,
                instance_type="ml.p5.48xlarge",
                inference_ami_version="al2-ami-sagemaker-inference-gpu-3-1",
            ),
            "inference_ami_version",
            "al2-ami-sagemaker-inference-gpu-2",
        ),
        (
            lambda s: endpoint(s, instance_provision_timeout=Duration.seconds(299)),
            "instance_provision_timeout",
            "300 to 3600",
        ),
        (lambda s: endpoint(s, routing_strategy="KV_AWARE"), "routing_strategy", "RANDOM"),
        (lambda s: endpoint(s, name="All Traffic"), "name", "1 to 63 letters"),
        (lambda s: endpoint(s, weight=-1), "weight", "0 or more"),
        (lambda s: endpoint(s, weight=0), "weight", "above 0 for one"),
        (lambda s: endpoint(s, instance_type=None), "instance_type", "one of instance_type and pools"),
        (lambda s: endpoint(s, volume_size_gb=100), "volume_size_gb", "no volume size for it"),
        (lambda s: endpoint(s, instance_type="ml.p3.2xlarge", volume_size_gb=513), "volume_size_gb", "1 to 512 GB"),
        (lambda s: endpoint(s, volume_key=volume_key(s)), "volume_key", "no key for these types"),
        (
            lambda s: endpoint(s, arn=COMMAND_R_PLUS_H100, instance_type="ml.p5.4xlarge"),
            "instance_type",
            "a type with 8 GPUs or more",
        ),
        (
            lambda s: endpoint(s, arn=COMMAND_R_PLUS_H100[:-32] + 32 * "0", instance_type="ml.p5.4xlarge"),
            "instance_type",
            "a type with 8 GPUs or more",
        ),
        (
            lambda s: GpuEndpoint(
                s,
                "Mixed",
                endpoint_name="mixed",
                variants=[
                    Variant(model=model(s), instance_type="ml.g5.xlarge"),
                    Variant(model=model(s, EMBED, "Embed"), instance_type="ml.g5.xlarge", name="Embed"),
                ],
            ),
            "variants",
            "variants whose packages answer the same",
        ),
        (lambda s: endpoint(s, capacity_reservation_arn="x"), "capacity_reservation_arn", "reservation's ARN"),
        (
            lambda s: pools(s, "ml.g5.xlarge", "ml.g5.2xlarge", capacity_reservation_arn=RESERVATION),
            "capacity_reservation_arn",
            "a reservation or pools",
        ),
        (lambda s: pools(s, "ml.g5.xlarge", "ml.g5.xlarge"), "pools", "1 to 5 different"),
        (lambda s: pools(s, *[f"ml.g5.{n}xlarge" for n in (2, 4, 8, 12, 16, 24)]), "pools", "1 to 5 different"),
        (lambda s: pools(s, "ml.g5.xlarge", "ml.m5.xlarge"), "instance_type", "families"),
        (
            lambda s: Variant(model=model(s), instance_type="ml.g5.xlarge", pools=[InstancePool("ml.g5.2xlarge")]),
            "instance_type",
            "one of instance_type and pools",
        ),
        (lambda s: variants(s), "variants", "1 to 10 variants"),
        (lambda s: variants(s, **{f"v{n}": {} for n in range(11)}), "variants", "1 to 10 variants"),
        (
            lambda s: endpoint(s, data_capture=CaptureBucket(s, "C"), capture_percentage=101),
            "capture_percentage",
            "0 to 100",
        ),
        (lambda _: VpcAttachment([], ["sg-1"]), "subnet_ids", "1 to 16"),
        (lambda _: VpcAttachment(["subnet-1"], ["sg"] * 6), "security_group_ids", "1 to 5"),
        (lambda _: Autoscaling(min_instances=0, max_instances=1, target=1), "autoscaling.min_instances", "1 or more"),
        (lambda _: Autoscaling(min_instances=3, max_instances=2, target=1), "autoscaling.max_instances", "3 or more"),
        (lambda _: Autoscaling(max_instances=2, target=0), "target", "above 0"),
        (
            lambda _: Autoscaling(max_instances=2, target=1, metric=cast("Any", "x")),
            "metric",
            "concurrency, invocations",
        ),
        (
            lambda s: endpoint(s, instance_count=3, autoscaling=Autoscaling(max_instances=2, target=1)),
            "instance_count",
            "1 to 2",
        ),
        (
            lambda _: scheduled(ScheduledCapacity("n", "cron(0 20 * * ? *)", 0, 2)),
            "schedules.n.min_instances",
            "1 or more",
        ),
        (lambda _: scheduled(ScheduledCapacity("n", "8 pm", 1, 2)), "schedule", r"cron\(minute hour"),
        (
            lambda _: scheduled(ScheduledCapacity("n", "cron(0 20 * * ? *)", 1, 2, timezone="Mars/X")),
            "timezone",
            "e.g. UTC",
        ),
        (lambda _: scheduled(*[ScheduledCapacity("n", "rate(1 day)", 1, 2)] * 2), "schedules", "a name of its own"),
        (lambda s: proxy(s, generate_timeout=Duration.seconds(71)), "generate_timeout", "1 to 70"),
    ],
)
def test_what_sagemaker_would_refuse(make: Callable[[Stack], Any], option: str, allowed: str) -> None:
    with pytest.raises(OptionError, match=rf"^{option}: .*allowed: .*{allowed}") as caught:
        make(new_stack())
    assert caught.value.source.startswith("docs.aws.amazon.com/")
    assert str(caught.value).endswith(f"see {caught.value.source}")


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"memory_mib": 127}, "memory_mib"),
        ({"memory_mib": 10_241}, "memory_mib"),
        ({"max_request_bytes": 0}, "max_request_bytes"),
        ({"max_request_bytes": 5_000_000}, "max_request_bytes"),
        ({"log_level": "DEBUG"}, "log_level"),
        ({"api": "summarize"}, "api"),
    ],
)
def test_what_the_function_could_not_start_with(options: dict[str, Any], option: str) -> None:
    with pytest.raises(OptionError, match=f"^{option}: "):
        proxy(new_stack(), **options)


def test_a_name_of_a_variant_has_63_characters_at_most() -> None:
    stack = new_stack()
    served = model(stack)
    assert Variant(model=served, instance_type="ml.g5.xlarge", name="a" + "-" * 61 + "b")
    with pytest.raises(OptionError, match=r"^name: .*allowed: 1 to 63"):
        Variant(model=served, instance_type="ml.g5.xlarge", name="a" + "-" * 62 + "b")


def test_packages_of_different_needs_share_no_variant() -> None:
    stack = new_stack()
    needs = model(stack, COMMAND_R_H100, "Needs")
    refuses = MarketplaceModel(
        stack,
        "Refuses",
        package=ModelPackage.from_arn(ARTICLE, inference_ami="refused"),
    )
    pools = [InstancePool("ml.p5.48xlarge", needs), InstancePool("ml.g5.xlarge", refuses)]
    with pytest.raises(OptionError, match=r"^inference_ami_version: .*make variants of them"):
        Variant(model=needs, pools=pools)
    with pytest.raises(OptionError, match=r"^inference_ami_version: .*allowed: none"):
        Variant(model=refuses, instance_type="ml.g5.xlarge", inference_ami_version="al2-ami-sagemaker-inference-gpu-2")


def test_a_stack_that_is_told_its_account_publishes_no_version_of_the_same_function() -> None:
    """Lambda refuses it, and the deployment with it."""
    found = []
    for account in (None, "111122223333"):
        app = App(builtin_cloud_formation_validation=False)
        stack = Stack(app, "Stack", env=Environment(account=account, region="us-east-1"))
        LlmProxy(stack, "Proxy", endpoint=GpuEndpoint.from_endpoint_name(stack, "Endpoint", "writer"))
        resources = Template.from_stack(stack).to_json()["Resources"]
        functions = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Lambda::Function"]
        versions = [name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Version"]
        found.append((functions, versions))
    assert found[0] == found[1]


def test_code_in_a_bucket_of_ones_own_stays_where_it_is() -> None:
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    code = lambda_.Code.from_bucket(s3.Bucket.from_bucket_name(stack, "Bucket", "ours"), "proxy.zip")
    LlmProxy(stack, "Proxy", endpoint=GpuEndpoint.from_endpoint_name(stack, "Endpoint", "writer"), code=code)
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function", {"Code": {"S3Bucket": "ours", "S3Key": "proxy.zip"}}
    )
