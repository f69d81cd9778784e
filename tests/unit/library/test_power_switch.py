"""The switch as a construct: exact roles, schedules, and what of the endpoint's stack is conditional."""

import json
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from sagemaker_llm import (
    Autoscaling,
    AwakeParameter,
    GpuEndpoint,
    MarketplaceModel,
    ModelPackage,
    OfficeHours,
    OptionError,
    PowerSwitch,
    SleepPlan,
    Variant,
)
from tests.support.templates import EXAMPLES, Content, changed, content_of, templates_of

from .test_package import ARTICLE

REGION, ACCOUNT = "us-east-1", "111122223333"
NAME = "cohere-office-hours"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


@pytest.fixture(scope="module")
def content() -> Content:
    return content_of(EXAMPLES / "office-hours.yaml")


@pytest.fixture(scope="module")
def template(content: Content) -> dict[str, Any]:
    return templates_of(content, "office-hours")["endpoint"]


def of_type(template: dict[str, Any], type_: str) -> dict[str, Any]:
    return {name: one for name, one in template["Resources"].items() if one["Type"] == type_}


def statements(template: dict[str, Any], role: str) -> list[tuple[list[str], str, str]]:
    """Return actions, resource and condition of each statement of a role, as text."""
    (policy,) = [
        one for name, one in of_type(template, "AWS::IAM::Policy").items() if name.startswith(f"{role}DefaultPolicy")
    ]
    found = []
    for one in policy["Properties"]["PolicyDocument"]["Statement"]:
        assert one["Effect"] == "Allow"
        actions = [one["Action"]] if isinstance(one["Action"], str) else one["Action"]
        found.append((actions, text(one["Resource"]), text(one.get("Condition", ""))))
    return found


def text(value: Any) -> str:
    if isinstance(value, dict) and "Fn::GetAtt" in value:
        return str(value["Fn::GetAtt"][0]).rstrip("0123456789ABCDEF")
    if isinstance(value, dict) and "Ref" in value:
        return str(value["Ref"]).rstrip("0123456789ABCDEF")
    if isinstance(value, dict):
        return " ".join(f"{key}={text(one)}" for key, one in value.items())
    return str(value)


def test_the_roles_are_exactly_these(template: dict[str, Any]) -> None:
    stack, endpoint = arn("cloudformation", f"stack/{NAME}-endpoint/*"), arn("sagemaker", f"endpoint/{NAME}")
    bootstrap = arn("ssm", "parameter/cdk-bootstrap/hnb659fds/version")
    passed = "StringEquals=iam:PassedToService={}.amazonaws.com"
    assert statements(template, "PowerRole") == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], "PowerLogGroup", ""),
        (["cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"], stack, ""),
        (["cloudformation:UpdateStack"], stack, "StringEquals=cloudformation:RoleArn=PowerServiceRole"),
        (["ssm:GetParameters"], bootstrap, ""),
        (["iam:PassRole"], "PowerServiceRole", passed.format("cloudformation")),
        (["iam:PassRole"], "PowerSchedulerRole", passed.format("scheduler")),
        (
            [f"scheduler:{verb}Schedule" for verb in ("Create", "Delete", "Get", "Update")],
            arn("scheduler", f"schedule/{NAME}/{NAME}-lease"),
            "",
        ),
        (["sagemaker:DeleteEndpoint", "sagemaker:DescribeEndpoint"], endpoint, ""),
        (["cloudwatch:GetMetricData"], "*", ""),
    ]
    assert statements(template, "PowerSchedulerRole") == [
        (["lambda:InvokeFunction"], arn("lambda", f"function:{NAME}-power"), "")
    ]
    targets = arn("application-autoscaling", "scalable-target/*")
    scaling = "application-autoscaling"
    assert statements(template, "PowerServiceRole") == [
        (["ssm:GetParameters"], bootstrap, ""),
        (
            [
                *(f"sagemaker:{one}" for one in ("AddTags", "CreateEndpoint", "DeleteEndpoint", "DescribeEndpoint")),
                *("sagemaker:ListTags", "sagemaker:UpdateEndpointWeightsAndCapacities"),
            ],
            endpoint,
            "",
        ),
        (["sagemaker:CreateEndpoint", "sagemaker:DescribeEndpointConfig"], "EndpointConfig", ""),
        (
            [
                *(f"{scaling}:{one}" for one in ("DeleteScalingPolicy", "DeregisterScalableTarget")),
                *(f"{scaling}:{one}" for one in ("PutScalingPolicy", "RegisterScalableTarget")),
            ],
            targets,
            f"StringEquals={scaling}:service-namespace=sagemaker",
        ),
        ([f"{scaling}:ListTagsForResource", f"{scaling}:TagResource"], targets, ""),
        (
            [f"{scaling}:Describe{one}" for one in ("ScalableTargets", "ScalingPolicies", "ScheduledActions")],
            "*",
            "",
        ),
        (
            [f"cloudwatch:{one}" for one in ("DeleteAlarms", "DescribeAlarms", "PutMetricAlarm")],
            arn("cloudwatch", f"alarm:TargetTracking-endpoint/{NAME}/*"),
            "",
        ),
    ]


def test_each_role_is_for_one_service(template: dict[str, Any]) -> None:
    trusted = {
        name.rstrip("0123456789ABCDEF"): one["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for name, one in of_type(template, "AWS::IAM::Role").items()
        if name.startswith("Power")
    }
    services = {name: one["Principal"]["Service"] for name, (one,) in trusted.items()}
    assert services == {
        "PowerRole": "lambda.amazonaws.com",
        "PowerServiceRole": "cloudformation.amazonaws.com",
        "PowerSchedulerRole": "scheduler.amazonaws.com",
    }
    (scheduler,) = trusted["PowerSchedulerRole"]
    assert scheduler["Condition"]["StringEquals"] == {
        "aws:SourceAccount": {"Ref": "AWS::AccountId"},
        "aws:SourceArn": arn("scheduler", f"schedule-group/{NAME}"),
    }


def test_schedules_have_a_zone_a_bounded_retry_and_come_after_every_permission(template: dict[str, Any]) -> None:
    schedules = {one["Properties"]["Name"]: one for one in of_type(template, "AWS::Scheduler::Schedule").values()}
    found = {
        name: (
            one["Properties"]["ScheduleExpression"],
            one["Properties"]["ScheduleExpressionTimezone"],
            json.loads(one["Properties"]["Target"]["Input"]),
            tuple(one["Properties"]["Target"]["RetryPolicy"].values()),
        )
        for name, one in schedules.items()
    }
    time = "<aws.scheduler.scheduled-time>"
    office, week = {"by": "office hours", "time": time}, "MON,TUE,WED,THU,FRI"
    assert found == {
        f"{NAME}-tick": ("rate(5 minutes)", "UTC", {"action": "tick", "by": "tick"}, (60, 0)),
        f"{NAME}-wake": (
            "cron(30 7 ? * MON,TUE,WED,THU,FRI *)",
            "Europe/Berlin",
            {"action": "wake", **office},
            (3600, 10),
        ),
        f"{NAME}-sleep": (
            f"cron(0 19 ? * {week} *)",
            "Europe/Berlin",
            {"action": "sleep", **office},
            (3600, 10),
        ),
    }
    policies = {name for name in of_type(template, "AWS::IAM::Policy") if name.startswith("PowerRole")}
    assert policies
    for one in schedules.values():
        assert one["Properties"]["FlexibleTimeWindow"] == {"Mode": "OFF"}
        assert policies <= set(one["DependsOn"])


def test_only_what_costs_money_is_conditional_and_nothing_refers_to_it(template: dict[str, Any]) -> None:
    conditional = {name for name, one in template["Resources"].items() if "Condition" in one}
    types = {template["Resources"][name]["Type"] for name in conditional}
    scaling = "AWS::ApplicationAutoScaling"
    assert types == {"AWS::SageMaker::Endpoint", f"{scaling}::ScalableTarget", f"{scaling}::ScalingPolicy"}
    rest = {name: one for name, one in template["Resources"].items() if name not in conditional}
    outside = json.dumps([rest, template["Outputs"]])
    assert not [name for name in conditional if f'"{name}"' in outside]
    assert template["Parameters"]["Awake"]["Default"] == "true"
    assert template["Parameters"]["Awake"]["AllowedValues"] == ["true", "false"]
    assert template["Conditions"] == {"IsAwake": {"Fn::Equals": [{"Ref": "Awake"}, "true"]}}


def test_the_function_has_a_fixed_name_one_environment_and_no_retries(template: dict[str, Any]) -> None:
    (function,) = of_type(template, "AWS::Lambda::Function").values()
    assert function["Properties"]["FunctionName"] == f"{NAME}-power"
    assert function["Properties"]["ReservedConcurrentExecutions"] == 1
    (config,) = of_type(template, "AWS::Lambda::EventInvokeConfig").values()
    assert config["Properties"]["MaximumRetryAttempts"] == 0
    assert config["Properties"]["MaximumEventAgeInSeconds"] == 300


def test_without_the_setting_the_template_is_that_of_before(content: Content, template: dict[str, Any]) -> None:
    without = templates_of(changed(content, {"endpoint.sleep": None}), "office-hours")["endpoint"]
    kept = {name: one for name, one in template["Resources"].items() if not name.startswith("Power")}
    assert without["Resources"] == {
        name: {key: value for key, value in one.items() if key != "Condition"} for name, one in kept.items()
    }
    assert "Awake" not in json.dumps(without)


def endpoint(stack: Stack, *, awake: bool = True, **options: Any) -> GpuEndpoint:
    model = MarketplaceModel(stack, "Model", package=ModelPackage.from_arn(ARTICLE))
    variant = Variant(model=model, instance_type="ml.g5.xlarge", **options)
    condition = AwakeParameter(stack, "Awake").condition if awake else None
    return GpuEndpoint(stack, "Endpoint", endpoint_name="other", variants=[variant], awake=condition)


def stack(app: App, name: str = "Other") -> Stack:
    return Stack(app, name, env=Environment(region=REGION))


def test_the_library_works_by_itself_in_an_account_that_is_not_known() -> None:
    one = stack(App(builtin_cloud_formation_validation=False))
    hours = OfficeHours("22:00", "06:00", "America/New_York", days=("SAT",))
    code = lambda_.Code.from_inline("def handler(event, context): ...")
    power = PowerSwitch(
        one, "Power", name="other", endpoint=endpoint(one), plan=SleepPlan(office_hours=hours), code=code
    )
    user = iam.Role(one, "User", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    power.grant_invoke(user)
    template = dict(Template.from_stack(one).to_json())
    expressions = {
        x["Properties"]["ScheduleExpression"] for x in of_type(template, "AWS::Scheduler::Schedule").values()
    }
    assert expressions == {"rate(5 minutes)", "cron(0 22 ? * SAT *)", "cron(0 6 ? * SUN *)"}
    assert "autoscaling" not in json.dumps(of_type(template, "AWS::IAM::Policy"))
    assert statements(template, "User")[0][0] == ["lambda:InvokeFunction"]


def test_an_endpoint_that_always_exists_or_is_elsewhere_is_refused() -> None:
    app = App(builtin_cloud_formation_validation=False)
    one, other = stack(app), stack(app, "Another")
    with pytest.raises(OptionError, match="has no condition"):
        PowerSwitch(one, "Power", name="other", endpoint=endpoint(one, awake=False))
    with pytest.raises(OptionError, match="is in another stack"):
        PowerSwitch(one, "Power2", name="other", endpoint=endpoint(other))
    with pytest.raises(OptionError, match="name"):
        PowerSwitch(one, "Power3", name="Not A Name", endpoint=endpoint(stack(app, "Third")))


def test_scaling_of_each_variant_is_conditional() -> None:
    one = stack(App(builtin_cloud_formation_validation=False))
    endpoint(one, autoscaling=Autoscaling(max_instances=2, target=4))
    template = dict(Template.from_stack(one).to_json())
    assert sum("Condition" in x for x in template["Resources"].values()) == 3
