"""Several endpoints behind one proxy: what the function is told, and what it may invoke."""

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from proxy import settings as function_settings
from proxy.routes.table import APIS
from sagemaker_llm import InvocableEndpoint, LlmProxy, OptionError, ServedEndpoint


def proxy(stack: Stack, *more: tuple[str, Any, list[str]], **options: Any) -> LlmProxy:
    def endpoint(name: str) -> InvocableEndpoint:
        return InvocableEndpoint(stack, f"Target-{name}", endpoint_name=name)

    served = [ServedEndpoint(endpoint(name), api, models) for name, api, models in more]
    code = lambda_.Code.from_inline("def handler(event, context): ...")
    return LlmProxy(stack, "Proxy", endpoint=endpoint("cohere-chat"), more_endpoints=served, code=code, **options)


def new_stack() -> Stack:
    return Stack(App(builtin_cloud_formation_validation=False), "Stack")


def test_one_endpoint_needs_no_further_variable() -> None:
    stack = new_stack()
    proxy(stack)
    (function,) = [
        one
        for one in Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
        if one["Properties"]["Handler"] == "proxy.handler.handler"
    ]
    assert not {"MODELS", "ENDPOINTS"} & set(function["Properties"]["Environment"]["Variables"])


def test_the_function_reads_what_the_construct_writes() -> None:
    stack = new_stack()
    proxy(stack, ("cohere-embed", "embed", ["embed-v4.0"]), ("cohere-rerank", "rerank", []), models=["gpt-4o"])
    template = Template.from_stack(stack)
    variables = next(
        one["Properties"]["Environment"]["Variables"]
        for one in template.find_resources("AWS::Lambda::Function").values()
        if one["Properties"]["Handler"] == "proxy.handler.handler"
    )
    found = function_settings.read(variables).endpoints
    assert [(one.name, one.api, one.models) for one in found] == [
        ("cohere-chat", "generate", ("gpt-4o",)),
        ("cohere-embed", "embed", ("embed-v4.0",)),
        ("cohere-rerank", "rerank", ()),
    ]
    policies = json.dumps(template.find_resources("AWS::IAM::Policy"))
    assert all(f":endpoint/{one.name}" in policies for one in found)
    assert policies.count(":endpoint/") == 3


@pytest.mark.parametrize("api", APIS)
def test_every_api_that_the_proxy_translates(api: Any) -> None:
    assert proxy(new_stack(), api=api).apis == {api}


@pytest.mark.parametrize(
    ("more", "options", "message"),
    [
        (
            [("cohere-s", "summarize", [])],
            {},
            "api: 'summarize' cannot be translated by the proxy; allowed: generate, ",
        ),
        ([], {"models": ["a b"]}, "models: 'a b' cannot be the name of a model; allowed: 1 to 128 letters"),
        ([], {"models": [""]}, "models: '' cannot be the name of a model"),
        ([], {"models": ["x" * 129]}, "models: 'x+' cannot be the name of a model"),
        ([("cohere-e", "embed", ["m"])], {"models": ["m"]}, "models: 'm' is the name of two models"),
        ([("cohere-e", "embed", ["cohere-chat"])], {}, "models: 'cohere-chat' is the name of two models"),
    ],
)
def test_what_no_proxy_can_serve(more: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=f"^{message}"):
        proxy(new_stack(), *more, **options)


def test_the_endpoints_own_name_may_be_among_its_names() -> None:
    assert proxy(new_stack(), models=["cohere-chat"]).apis == {"generate"}
