"""A proxy that streams: what is different in its function, its front doors and its permissions."""

from typing import Any

import boto3
import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk.assertions import Match, Template

from sagemaker_llm import InvocableEndpoint, LlmProxy, OptionError, ProxyRestApi
from sagemaker_llm.proxy import source
from sagemaker_llm.proxy.streaming import HANDLER, REGIONS

from .test_constructs import new_stack, proxy


def in_region(region: str) -> Stack:
    environment = Environment(account="111122223333", region=region)
    return Stack(App(builtin_cloud_formation_validation=False), "Stack", env=environment)


def methods(template: Template) -> list[dict[str, Any]]:
    return [one["Properties"]["Integration"] for one in template.find_resources("AWS::ApiGateway::Method").values()]


def test_the_function_is_a_server_behind_the_adapter() -> None:
    stack = in_region("eu-west-1")
    proxy(stack, streaming=True).add_function_url()
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Handler": "proxy/start.sh",
            "Timeout": 305,
            "Layers": ["arn:aws:lambda:eu-west-1:753240598075:layer:LambdaAdapterLayerArm64:27"],
            "Environment": {
                "Variables": {
                    "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap",
                    "AWS_LWA_INVOKE_MODE": "response_stream",
                    "AWS_LWA_PORT": "8080",
                    "AWS_LWA_READINESS_CHECK_PATH": "/healthz",
                    "STREAM_TIMEOUT_SECONDS": "300",
                    "GENERATE_TIMEOUT_SECONDS": "65",
                }
            },
        },
    )
    template.has_resource_properties("AWS::Lambda::Url", {"InvokeMode": "RESPONSE_STREAM"})


def test_the_check_of_versions_is_a_plain_function() -> None:
    stack = new_stack()
    proxy(stack, streaming=True)
    functions = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    (check,) = [one["Properties"] for one in functions if one["Properties"]["Handler"].startswith("version_check")]
    assert "Layers" not in check
    assert "Environment" not in check


def test_a_stack_without_a_region_has_the_layer_of_its_region() -> None:
    stack = new_stack()
    proxy(stack, streaming=True)
    layer = {
        "Fn::Join": [
            "",
            ["arn:aws:lambda:", {"Ref": "AWS::Region"}, ":753240598075:layer:LambdaAdapterLayerArm64:27"],
        ]
    }
    Template.from_stack(stack).has_resource_properties("AWS::Lambda::Function", {"Layers": [layer]})


def test_the_start_script_can_be_executed() -> None:
    script = source.folder() / HANDLER
    assert script.stat().st_mode & 0o111 == 0o111
    assert script.read_text("utf-8").startswith("#!/bin/sh\n")


@pytest.mark.parametrize(("generate", "stream", "function"), [(65, 300, 305), (65, 480, 485), (65, 10, 70), (1, 1, 6)])
def test_the_function_has_time_for_the_longer_of_both(generate: int, stream: int, function: int) -> None:
    stack = new_stack()
    made = proxy(
        stack,
        streaming=True,
        generate_timeout=Duration.seconds(generate),
        stream_timeout=Duration.seconds(stream),
    )
    assert made.timeout_seconds == function
    Template.from_stack(stack).has_resource_properties("AWS::Lambda::Function", {"Timeout": function})


def test_it_may_invoke_with_a_streamed_response_on_one_endpoint() -> None:
    for streaming, actions in (
        (False, "sagemaker:InvokeEndpoint"),
        (True, ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"]),
    ):
        stack = new_stack()
        proxy(stack, streaming=streaming)
        template = Template.from_stack(stack)
        template.has_resource_properties(
            "AWS::IAM::Policy",
            {
                "PolicyDocument": {
                    "Statement": Match.array_with([Match.object_like({"Action": actions, "Effect": "Allow"})])
                }
            },
        )
        template.resource_properties_count_is("AWS::IAM::Policy", {"PolicyDocument": Match.any_value()}, 2)


def test_a_rest_api_streams_for_as_long_as_the_function() -> None:
    stack = new_stack()
    ProxyRestApi(stack, "Door", proxy=proxy(stack, streaming=True))
    template = Template.from_stack(stack)
    found = methods(template)
    assert len(found) > 1
    for one in found:
        assert (one["ResponseTransferMode"], one["TimeoutInMillis"]) == ("STREAM", 305_000)
        assert "/2021-11-15/functions/" in str(one["Uri"])
        assert "/response-streaming-invocations" in str(one["Uri"])
    template.has_resource_properties(
        "AWS::Lambda::Function", {"Environment": {"Variables": {"FRONT_DOOR_SECONDS": "305"}}}
    )
    template.all_resources_properties("AWS::Lambda::Permission", {"Action": "lambda:InvokeFunction"})


def test_without_streaming_nothing_of_it_is_declared() -> None:
    stack = new_stack()
    ProxyRestApi(stack, "Door", proxy=proxy(stack))
    template = Template.from_stack(stack)
    assert {one.get("ResponseTransferMode") for one in methods(template)} == {None}
    text = str(template.to_json())
    assert "STREAM" not in text
    assert "AWS_LWA" not in text
    assert "WithResponseStream" not in text


@pytest.mark.parametrize(
    ("seconds", "streaming"), [(76, False), (901, True), (1, True)], ids=["buffered", "streaming", "too short"]
)
def test_a_time_out_that_api_gateway_has_not(seconds: int, streaming: bool) -> None:
    stack = new_stack()
    with pytest.raises(OptionError, match=f"^timeout: {seconds}.* is out of range"):
        ProxyRestApi(stack, "Door", proxy=proxy(stack, streaming=streaming), timeout=Duration.seconds(seconds))


def test_a_rest_api_that_streams_may_have_15_minutes() -> None:
    stack = new_stack()
    ProxyRestApi(stack, "Door", proxy=proxy(stack, streaming=True), timeout=Duration.seconds(900))
    assert {one["TimeoutInMillis"] for one in methods(Template.from_stack(stack))} == {900_000}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stream_timeout": Duration.seconds(5)}, "stream_timeout: 5 has no effect without streaming; allowed: none"),
        (
            {"streaming": True, "stream_timeout": Duration.seconds(481)},
            "stream_timeout: 481 is out of range; allowed: 1 to 480 seconds; SageMaker itself ends a stream after",
        ),
        ({"streaming": True, "snap_start": True}, "snap_start: True does not go with streaming"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        proxy(new_stack(), **options)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("region", ["me-south-1", "cn-north-1", "us-gov-west-1"])
def test_a_region_without_the_adapter_is_refused_by_name(region: str) -> None:
    stack = in_region(region)
    with pytest.raises(OptionError, match=rf"^streaming: True needs .*not published in {region}; allowed: false, or"):
        proxy(stack, streaming=True)
    target = InvocableEndpoint(stack, "Other", endpoint_name="cohere-test")
    assert not LlmProxy(stack, "Buffered", endpoint=target).streaming


def test_the_adapters_regions_are_regions_of_sagemaker() -> None:
    known = set(boto3.session.Session().get_available_regions("sagemaker"))
    assert known - REGIONS == {"me-south-1"}
    assert known >= REGIONS
