"""What the sleep switch needs of CloudFormation: conditions, events, abandoned deletions, roles and rollbacks."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.conditions import Conditions
from stacks.settings import ENVIRONMENTS
from tests.support.cloud import Deployed, Stacks, policy
from tests.support.templates import Content, content_of, templates_of

NAME = "cohere-local-endpoint"
ENDPOINT = "AWS::SageMaker::Endpoint"
KEPT = {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True}
NARROW = policy({"Effect": "Allow", "Action": ["sagemaker:*", "application-autoscaling:*"], "Resource": "*"})


@pytest.fixture(scope="module")
def switched(deployed: Deployed) -> None:
    """The endpoint's stack with the parameter ``Awake``, on which the endpoint's existence depends."""
    Stacks("local").give({"endpoint": with_awake(content_of(ENVIRONMENTS / "local.yaml"))}, "endpoint")


def with_awake(content: Content) -> dict[str, Any]:
    template = templates_of(content, "local")["endpoint"]
    template["Parameters"]["Awake"] = {"Type": "String", "Default": "true", "AllowedValues": ["true", "false"]}
    template["Conditions"] = {"IsAwake": {"Fn::Equals": [{"Ref": "Awake"}, "true"]}}
    next(one for one in template["Resources"].values() if one["Type"] == ENDPOINT)["Condition"] = "IsAwake"
    return template


class Switch:
    """Turns ``Awake``, as the switch does, and reads what became of it."""

    def __init__(self, session: Any = boto3) -> None:
        self._cloudformation = session.client("cloudformation")

    def start(self, awake: bool, **options: Any) -> None:
        value = {"ParameterKey": "Awake", "ParameterValue": str(awake).lower()}
        self._cloudformation.update_stack(
            StackName=NAME,
            UsePreviousTemplate=True,
            Parameters=[value, KEPT],
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **options,
        )

    def turn(self, awake: bool, **options: Any) -> tuple[str, str]:
        self.start(awake, **options)
        return self.settled()

    def settled(self) -> tuple[str, str]:
        """Return the stack's status and ``Awake``, when no operation is in progress."""
        until = time.monotonic() + 30
        while (stack := self.stack())["StackStatus"].endswith("IN_PROGRESS"):
            assert time.monotonic() < until, stack
            time.sleep(0.05)
        values = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
        return stack["StackStatus"], values["Awake"]

    def stack(self) -> dict[str, Any]:
        found: dict[str, Any] = self._cloudformation.describe_stacks(StackName=NAME)["Stacks"][0]
        return found

    def events(self, type_: str = ENDPOINT) -> list[str]:
        """Return the statuses of a type's events, the oldest first."""
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=NAME)
        events = [one for page in pages for one in page["StackEvents"]]
        return [one["ResourceStatus"] for one in reversed(events) if one["ResourceType"] == type_]


@pytest.fixture
def switch(switched: None, account: Callable[[Conditions], None]) -> Iterator[Switch]:
    """The switch; awake, in service and without a role before each test."""
    one = Switch()
    yield one
    account(Conditions())
    status, awake = one.settled()
    if status == "UPDATE_ROLLBACK_FAILED":
        boto3.client("cloudformation").continue_update_rollback(StackName=NAME)
        awake = one.settled()[1]
    if awake == "false":
        for endpoint in endpoints():
            wait_for("InService", endpoint)
            boto3.client("sagemaker").delete_endpoint(EndpointName=endpoint)
            wait_for(None, endpoint)
        assert one.turn(True, RoleARN=role("administrator", ADMINISTRATOR)) == ("UPDATE_COMPLETE", "true")


ADMINISTRATOR = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})


def endpoints() -> list[str]:
    return [one["EndpointName"] for one in boto3.client("sagemaker").list_endpoints()["Endpoints"]]


def wait_for(status: str | None, endpoint: str = "cohere-local") -> None:
    sagemaker = boto3.client("sagemaker")
    until = time.monotonic() + 20
    while {one["EndpointName"]: one["EndpointStatus"] for one in sagemaker.list_endpoints()["Endpoints"]}.get(
        endpoint
    ) != status:
        assert time.monotonic() < until
        time.sleep(0.05)


def role(name: str, document: str, service: str = "cloudformation.amazonaws.com") -> str:
    iam = boto3.client("iam")
    trust = policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})
    try:
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document)
    return arn


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value)


def test_sleep_and_wake_with_their_events(switch: Switch) -> None:
    before = len(switch.events())
    assert switch.turn(False) == ("UPDATE_COMPLETE", "false")
    assert endpoints() == []
    assert switch.turn(True) == ("UPDATE_COMPLETE", "true")
    assert endpoints() == ["cohere-local"]
    assert switch.events()[before:] == [
        *("DELETE_IN_PROGRESS", "DELETE_COMPLETE"),
        *("CREATE_IN_PROGRESS", "CREATE_COMPLETE"),
    ]
    assert "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" in switch.events("AWS::CloudFormation::Stack")
    assert "No updates" in refused(lambda: switch.turn(True))
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
    assert {one["ResourceStatus"] for one in resources if one["ResourceType"] == ENDPOINT} == {"CREATE_COMPLETE"}


def test_a_second_switch_is_refused_while_the_first_is_in_progress(switch: Switch) -> None:
    switch.start(False)
    assert "_IN_PROGRESS state" in refused(lambda: switch.start(True))
    assert switch.settled() == ("UPDATE_COMPLETE", "false")


@pytest.mark.parametrize("awake", ["true", "false"])
def test_a_change_set_sees_what_a_condition_creates_and_removes(switch: Switch, awake: str) -> None:
    now = awake == "false"
    if not now:
        switch.turn(False)
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_change_set(
        StackName=NAME,
        ChangeSetName=f"to-{awake}",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Awake", "ParameterValue": awake}, KEPT],  # type: ignore[list-item]
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    found = cloudformation.describe_change_set(StackName=NAME, ChangeSetName=f"to-{awake}")
    changes = [(one["ResourceChange"]["Action"], one["ResourceChange"]["ResourceType"]) for one in found["Changes"]]
    cloudformation.delete_change_set(StackName=NAME, ChangeSetName=f"to-{awake}")
    assert changes == [("Remove" if now else "Add", ENDPOINT)]


def test_a_deployment_onto_a_sleeping_stack_keeps_it_asleep(switch: Switch) -> None:
    """What ``cdk deploy`` does: a change set of another template, with the former value of each parameter."""
    switch.turn(False)
    template = with_awake(content_of(ENVIRONMENTS / "local.yaml"))
    template["Resources"]["Parameterapi"]["Properties"]["Description"] = "another"
    cloudformation = boto3.client("cloudformation")
    previous: Any = [{"ParameterKey": "Awake", "UsePreviousValue": True}, KEPT]
    request: Any = {"StackName": NAME, "ChangeSetName": "deploy"}
    cloudformation.create_change_set(
        **request, TemplateBody=json.dumps(template), Parameters=previous, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    cloudformation.execute_change_set(**request)
    assert switch.settled() == ("UPDATE_COMPLETE", "false")
    assert endpoints() == []
    assert "UPDATE_COMPLETE" in switch.events("AWS::SSM::Parameter")


def test_no_capacity_at_waking_goes_back_to_sleep(switch: Switch, account: Callable[[Conditions], None]) -> None:
    switch.turn(False)
    account(Conditions(capacity={"ml.g5.xlarge": 0}))
    assert switch.turn(True) == ("UPDATE_ROLLBACK_COMPLETE", "false")
    assert switch.events()[-2:] == ["CREATE_IN_PROGRESS", "CREATE_FAILED"]
    assert endpoints() == []
    account(Conditions())
    assert switch.turn(True) == ("UPDATE_COMPLETE", "true")


def test_an_endpoint_that_is_being_updated_is_abandoned_and_keeps_running(switch: Switch) -> None:
    before = len(switch.events())
    sagemaker = boto3.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="cohere-local",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}],
    )
    assert switch.turn(False) == ("UPDATE_COMPLETE", "false")
    assert switch.events()[before:] == ["DELETE_IN_PROGRESS", "DELETE_FAILED"] * 3
    wait_for("InService")
    assert switch.turn(True) == ("UPDATE_ROLLBACK_COMPLETE", "false")
    events = boto3.client("cloudformation").describe_stack_events(StackName=NAME)["StackEvents"]
    reasons = [str(one.get("ResourceStatusReason")) for one in events if one["ResourceStatus"] == "CREATE_FAILED"]
    assert "Cannot create already existing endpoint" in reasons[0]


def test_a_failed_rollback_is_left_by_continuing_it(switch: Switch, account: Callable[[Conditions], None]) -> None:
    switch.turn(False)
    account(Conditions(capacity={"ml.g5.xlarge": 0}, stack_failures=("rollback cohere-local",)))
    assert switch.turn(True) == ("UPDATE_ROLLBACK_FAILED", "false")
    assert "UPDATE_ROLLBACK_FAILED state" in refused(lambda: switch.start(True))
    account(Conditions())
    boto3.client("cloudformation").continue_update_rollback(StackName=NAME)
    assert switch.settled() == ("UPDATE_ROLLBACK_COMPLETE", "false")


def test_a_deletion_can_be_made_to_fail(switch: Switch, account: Callable[[Conditions], None]) -> None:
    account(Conditions(stack_failures=(f"delete {ENDPOINT}",)))
    assert switch.turn(False) == ("UPDATE_COMPLETE", "false")
    assert endpoints() == ["cohere-local"]


def test_the_role_is_kept_shown_and_checked(switch: Switch) -> None:
    narrow = role("narrow", NARROW)
    assert switch.turn(False, RoleARN=narrow) == ("UPDATE_COMPLETE", "false")
    assert switch.stack()["RoleARN"] == narrow
    role("narrow", policy({"Effect": "Allow", "Action": "sagemaker:Delete*", "Resource": "*"}))
    assert switch.turn(True) == ("UPDATE_ROLLBACK_COMPLETE", "false")  # the role sticks
    events = boto3.client("cloudformation").describe_stack_events(StackName=NAME)["StackEvents"]
    reason = next(one["ResourceStatusReason"] for one in events if one["ResourceStatus"] == "CREATE_FAILED")
    assert "assumed-role/narrow/AWSCloudFormation is not authorized to perform: sagemaker:CreateEndpoint" in reason
    role("narrow", NARROW)
    assert switch.turn(True) == ("UPDATE_COMPLETE", "true")


@pytest.mark.parametrize("arn", ["arn:aws:iam::111122223333:role/nobody", "lambda"])
def test_a_role_that_cannot_be_assumed_is_refused(switch: Switch, arn: str) -> None:
    given = role("for-lambda", ADMINISTRATOR, "lambda.amazonaws.com") if arn == "lambda" else arn
    assert f"Role {given} is invalid or cannot be assumed" in refused(lambda: switch.start(False, RoleARN=given))
    assert switch.settled() == (switch.stack()["StackStatus"], "true")


def test_who_turns_it_needs_pass_role_the_role_condition_and_the_bootstrap_parameter(switch: Switch) -> None:
    narrow = role("narrow", NARROW)
    iam = boto3.client("iam")
    iam.create_user(UserName="switch")
    key = iam.create_access_key(UserName="switch")["AccessKey"]
    caller = Switch(boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1"))
    stack = f"{switch.stack()['StackId'].rpartition('/')[0]}/*"
    may: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "cloudformation:DescribeStacks", "Resource": stack},
        {
            "Effect": "Allow",
            "Action": "cloudformation:UpdateStack",
            "Resource": stack,
            "Condition": {"StringEquals": {"cloudformation:RoleArn": narrow}},
        },
        {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "arn:aws:ssm:*:*:parameter/cdk-bootstrap/*"},
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": narrow,
            "Condition": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        },
    ]

    def allow(*statements: dict[str, Any]) -> None:
        iam.put_user_policy(UserName="switch", PolicyName="may", PolicyDocument=policy(*statements))

    try:
        for missing, action in ((1, "UpdateStack"), (2, "ssm:GetParameters"), (3, "iam:PassRole")):
            allow(*may[:missing], *may[missing + 1 :])
            assert action in refused(lambda: caller.start(False, RoleARN=narrow))
        allow(*may)
        other = role("administrator", ADMINISTRATOR)
        for options in ({}, {"RoleARN": other}):
            assert "UpdateStack" in refused(lambda options=options: caller.start(False, **options))  # type: ignore[misc]
        assert caller.turn(False, RoleARN=narrow) == ("UPDATE_COMPLETE", "false")
    finally:
        iam.delete_access_key(UserName="switch", AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName="switch", PolicyName="may")
        iam.delete_user(UserName="switch")


def test_time_stamps_are_on_the_movable_clock(switch: Switch, account: Callable[[Conditions], None]) -> None:
    account(Conditions(clock_ahead_seconds=36_000))
    switch.turn(False)
    assert 35_000 < switch.stack()["LastUpdatedTime"].timestamp() - time.time() < 36_100
    event = boto3.client("cloudformation").describe_stack_events(StackName=NAME)["StackEvents"][0]
    assert 35_000 < event["Timestamp"].timestamp() - time.time() < 36_100


def test_a_rule_reacts_to_the_status_of_a_stack(switch: Switch) -> None:
    events, sqs = boto3.client("events"), boto3.client("sqs")
    queue = sqs.create_queue(QueueName="statuses")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.cloudformation"], "detail": {"status-details": {"status": ["UPDATE_COMPLETE"]}}}
    events.put_rule(Name="statuses", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="statuses", Targets=[{"Id": "queue", "Arn": arn}])
    try:
        switch.turn(False)
        (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    finally:
        events.remove_targets(Rule="statuses", Ids=["queue"])
        events.delete_rule(Name="statuses")
    event = json.loads(message["Body"])
    assert event["detail-type"] == "CloudFormation Stack Status Change"
    assert event["resources"] == [event["detail"]["stack-id"]] == [switch.stack()["StackId"]]
    assert event["detail"]["status-details"] == {"status": "UPDATE_COMPLETE", "status-reason": ""}


def test_the_conditions_let_an_endpoint_change_slowly(switch: Switch, account: Callable[[Conditions], None]) -> None:
    switch.turn(False)
    account(Conditions(endpoint_seconds=1.5))
    switch.start(True)
    wait_for("Creating")
    account(Conditions())
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        boto3.client("sagemaker").delete_endpoint(EndpointName="cohere-local")
    assert switch.settled() == ("UPDATE_COMPLETE", "true")
    assert switch.turn(False) == ("UPDATE_COMPLETE", "false")


def test_a_stack_whose_endpoint_is_being_updated_cannot_be_deleted_yet(switch: Switch, local: Stacks) -> None:
    boto3.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName="cohere-local",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}],
    )
    local.destroy("endpoint")
    assert switch.settled()[0] == "DELETE_FAILED"
    assert endpoints() == ["cohere-local"]
    wait_for("InService")
    local.destroy("endpoint")
    assert endpoints() == []
    local.give({"endpoint": with_awake(content_of(ENVIRONMENTS / "local.yaml"))}, "endpoint")
