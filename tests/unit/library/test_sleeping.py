"""A proxy in front of an endpoint that sleeps: what the function is told, and what it may invoke."""

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from proxy import settings as function_settings
from sagemaker_llm import InvocableEndpoint, LlmProxy, OptionError, Sleeping
from sagemaker_llm.durations import seconds


def template(sleeping: Sleeping | None) -> Template:
    stack = Stack(App(builtin_cloud_formation_validation=False), "Stack")
    endpoint = InvocableEndpoint(stack, "Target", endpoint_name="cohere-dev")
    code = lambda_.Code.from_inline("def handler(event, context): ...")
    LlmProxy(stack, "Proxy", endpoint=endpoint, code=code, sleeping=sleeping)
    return Template.from_stack(stack)


def read(found: Template) -> function_settings.Settings:
    functions = found.find_resources("AWS::Lambda::Function", {"Properties": {"Handler": "proxy.handler.handler"}})
    (function,) = functions.values()
    return function_settings.read(function["Properties"]["Environment"]["Variables"])


def may_invoke(found: Template) -> bool:
    statements = [
        statement
        for one in found.find_resources("AWS::IAM::Policy").values()
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
        if ":function:cohere-dev-power" in str(statement["Resource"])
    ]
    assert [(one["Effect"], one["Action"]) for one in statements] in ([], [("Allow", "lambda:InvokeFunction")])
    return bool(statements)


def test_one_that_never_sleeps() -> None:
    found = template(None)
    assert (read(found).wake_seconds, read(found).wake_function, may_invoke(found)) == (0, "", False)


def test_requests_that_wake_nothing() -> None:
    found = template(Sleeping(wake_time=seconds(1200)))
    assert (read(found).wake_seconds, read(found).wake_function, may_invoke(found)) == (1200, "", False)


def test_requests_that_wake() -> None:
    found = template(Sleeping(wake_function_name="cohere-dev-power"))
    assert (read(found).wake_seconds, read(found).wake_function) == (900, "cohere-dev-power")
    assert may_invoke(found)


@pytest.mark.parametrize("wrong", [59, 86_401])
def test_a_time_that_is_none(wrong: int) -> None:
    with pytest.raises(OptionError, match=f"wake_time: {wrong}"):
        Sleeping(wake_time=seconds(wrong))
