"""The REST API: who may call what, throttling, the edge's model, the firewall."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from sagemaker_llm import ApiKeyClient, CustomDomain, HostedZone, LlmProxy, OptionError, ProxyRestApi
from sagemaker_llm.proxy import gateway_responses
from sagemaker_llm.proxy.access import Access, resource_policy
from sagemaker_llm.proxy.firewall import COUNTED

from .test_constructs import new_stack, proxy

NETWORK = "203.0.113.0/24"
VPC_ENDPOINT = "vpce-0a1b2c3d4e5f60001"
CLIENTS = {"a": ApiKeyClient(1, 2)}
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/1"
DOMAIN = CustomDomain("llm.example.com", CERTIFICATE)
Statement = dict[str, Any]


def rest_api(stack: Stack, *, reserved_concurrency: int | None = None, **options: Any) -> Template:
    ProxyRestApi(stack, "Door", proxy=proxy(stack, reserved_concurrency=reserved_concurrency), **options)
    return Template.from_stack(stack)


def one(template: Template, resource_type: str) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(template.find_resources(resource_type).values()))["Properties"]
    return found


def methods_of(template: Template) -> list[dict[str, Any]]:
    return [found["Properties"] for found in template.find_resources("AWS::ApiGateway::Method").values()]


def test_it_is_regional_traced_logged_and_signed() -> None:
    template = rest_api(new_stack())
    template.has_resource_properties(
        "AWS::ApiGateway::RestApi", {"EndpointConfiguration": {"Types": ["REGIONAL"]}, "Policy": Match.absent()}
    )
    methods = methods_of(template)
    assert {method["HttpMethod"] for method in methods} == {"POST", "ANY"}
    assert {method["AuthorizationType"] for method in methods} == {"AWS_IAM"}
    assert {method["Integration"]["TimeoutInMillis"] for method in methods} == {29_000}
    stage = one(template, "AWS::ApiGateway::Stage")
    assert stage["TracingEnabled"] is True
    assert stage["MethodSettings"] == [
        {
            "DataTraceEnabled": False,
            "HttpMethod": "*",
            "LoggingLevel": "OFF",
            "ResourcePath": "/*",
            "ThrottlingBurstLimit": 100,
            "ThrottlingRateLimit": 50,
        }
    ]
    assert not {"body", "path", "querystring", "apiKey"} & set(re.findall(r"\w+", stage["AccessLogSetting"]["Format"]))
    template.resource_count_is("AWS::WAFv2::WebACL", 0)
    template.resource_count_is("AWS::ApiGateway::Account", 0)


@pytest.mark.parametrize(
    ("options", "rate", "burst"),
    [
        ({}, 50, 100),
        ({"reserved_concurrency": 32}, 32, 32),
        ({"reserved_concurrency": 32, "burst": 8, "requests_per_second": 4}, 4, 8),
        ({"requests_per_second": 0.5, "burst": 300}, 0.5, 300),
    ],
)
def test_the_stage_throttles_before_lambda_does(options: dict[str, Any], rate: float, burst: int) -> None:
    (settings,) = one(rest_api(new_stack(), **options), "AWS::ApiGateway::Stage")["MethodSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (rate, burst)


def test_time_out_and_origins_are_set_in_one_place() -> None:
    """The function's deadline knows the time-out, and its responses the origins."""
    template = rest_api(new_stack(), timeout=Duration.seconds(9), cors_origins=["https://a.test", "https://b.test"])
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Environment": {
                "Variables": Match.object_like(
                    {"FRONT_DOOR_SECONDS": "9", "CORS_ORIGINS": "https://a.test https://b.test"}
                )
            }
        },
    )
    methods = methods_of(template)
    assert {method["Integration"].get("TimeoutInMillis") for method in methods} == {9_000, None}


def test_the_edges_model_is_an_outline_in_draft_4() -> None:
    schema = one(rest_api(new_stack()), "AWS::ApiGateway::Model")["Schema"]
    assert schema["$schema"] == "http://json-schema.org/draft-04/schema#"
    assert schema["required"] == ["prompt"]
    assert schema["properties"]["prompt"] == {"type": "string", "maxLength": 262_144}
    assert schema["properties"]["max_tokens"] == {"type": ["number", "null"]}
    assert schema["properties"]["truncate"] == {"type": ["string", "null"]}
    assert "description" not in str(schema)


def statements(*, access: Access = "iam", **options: Any) -> list[Statement]:
    document = resource_policy(access, **options)
    found: list[Statement] = new_stack().resolve(document.to_json())["Statement"] if document else []
    return found


EVERYTHING = "execute-api:/*"
ANYBODY = {"AWS": "*"}
ALLOW = {"Effect": "Allow", "Action": "execute-api:Invoke"}
DENY = {"Effect": "Deny", "Action": "execute-api:Invoke", "Principal": ANYBODY, "Resource": EVERYTHING}
OUTSIDE = {**DENY, "Condition": {"NotIpAddress": {"aws:SourceIp": [NETWORK]}}}
ROLE = "arn:aws:iam::222233334444:role/caller"
PREFLIGHT = {**ALLOW, "Principal": ANYBODY, "Resource": "execute-api:/*/OPTIONS/*"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"preflight": True}, []),
        ({"networks": [NETWORK]}, [OUTSIDE]),
        # Browsers sign no preflight: with a policy at all, it needs a statement.
        ({"networks": [NETWORK], "preflight": True}, [PREFLIGHT, OUTSIDE]),
        ({"callers": [ROLE]}, [{**ALLOW, "Principal": {"AWS": ROLE}, "Resource": EVERYTHING}]),
        (
            {"callers": [ROLE], "preflight": True},
            [{**ALLOW, "Principal": {"AWS": ROLE}, "Resource": EVERYTHING}, PREFLIGHT],
        ),
        (
            {"access": "api_keys", "networks": [NETWORK], "preflight": True},
            [{**ALLOW, "Principal": ANYBODY, "Resource": EVERYTHING}, OUTSIDE],
        ),
        (
            {"access": "bearer", "networks": [NETWORK], "preflight": True},
            [{**ALLOW, "Principal": ANYBODY, "Resource": EVERYTHING}, OUTSIDE],
        ),
        (
            {"vpc_endpoint_ids": [VPC_ENDPOINT]},
            [{**DENY, "Condition": {"StringNotEquals": {"aws:SourceVpce": [VPC_ENDPOINT]}}}],
        ),
        # Through a VPC endpoint aws:SourceIp is not set, and NotIpAddress would deny everything.
        (
            {"vpc_endpoint_ids": [VPC_ENDPOINT], "networks": ["10.0.0.0/8"]},
            [
                {**DENY, "Condition": {"NotIpAddress": {"aws:VpcSourceIp": ["10.0.0.0/8"]}}},
                {**DENY, "Condition": {"StringNotEquals": {"aws:SourceVpce": [VPC_ENDPOINT]}}},
            ],
        ),
    ],
)
def test_the_resource_policy(options: dict[str, Any], expected: list[Statement]) -> None:
    assert statements(**options) == expected


def test_a_caller_by_account_is_the_whole_account() -> None:
    (statement,) = statements(callers=["222233334444"])
    assert ":iam::222233334444:root" in str(statement["Principal"])


def test_the_policy_is_the_apis() -> None:
    template = rest_api(new_stack(), networks=[NETWORK], cors_origins=["https://a.test"])
    assert one(template, "AWS::ApiGateway::RestApi")["Policy"]["Statement"] == [PREFLIGHT, OUTSIDE]


def test_a_private_api() -> None:
    template = rest_api(new_stack(), vpc_endpoint_ids=[VPC_ENDPOINT])
    assert one(template, "AWS::ApiGateway::RestApi")["EndpointConfiguration"]["Types"] == ["PRIVATE"]


def test_bearer_keys_go_through_an_authorizer_to_a_usage_plan() -> None:
    template = rest_api(new_stack(), access="bearer", clients={**CLIENTS, "b": ApiKeyClient(3, 4, 500, "day")})
    assert one(template, "AWS::ApiGateway::RestApi")["ApiKeySourceType"] == "AUTHORIZER"
    (authorizer_id,) = template.find_resources("AWS::ApiGateway::Authorizer")
    methods = methods_of(template)
    assert {method["HttpMethod"] for method in methods} == {"POST", "ANY"}
    for method in methods:
        assert method["AuthorizationType"] == "CUSTOM"
        assert method["AuthorizerId"] == {"Ref": authorizer_id}
        assert method["ApiKeyRequired"] is True
    authorizer = one(template, "AWS::ApiGateway::Authorizer")
    assert (authorizer["Type"], authorizer["AuthorizerResultTtlInSeconds"]) == ("TOKEN", 3600)
    assert authorizer["IdentitySource"] == "method.request.header.Authorization"
    template.resource_count_is("AWS::ApiGateway::UsagePlan", 2)
    # A template holds no key, and none that CloudFormation could make anew.
    template.resource_count_is("AWS::ApiGateway::ApiKey", 0)
    template.resource_count_is("AWS::ApiGateway::UsagePlanKey", 0)


@pytest.mark.parametrize(
    ("header", "may_hold_a_key"),
    [
        ("Bearer " + "a1" * 10, True),
        ("bearer " + "Z9" * 64, True),
        ("BEARER " + "a1" * 10, True),
        ("Bearer " + "a" * 19, False),
        ("Bearer " + "a" * 129, False),
        ("Bearer " + "a" * 20 + "-", False),
        ("Basic " + "a" * 20, False),
        ("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/execute-api/aws4_request", False),
    ],
)
def test_what_cannot_be_a_key_does_not_reach_the_authorizer(header: str, may_hold_a_key: bool) -> None:
    template = rest_api(new_stack(), access="bearer", clients=CLIENTS)
    pattern = one(template, "AWS::ApiGateway::Authorizer")["IdentityValidationExpression"]
    assert bool(re.fullmatch(pattern, header)) is may_hold_a_key


def test_a_preflight_needs_no_key_on_any_path() -> None:
    """A browser sends neither key nor signature with it."""
    for access in ("iam", "api_keys", "bearer"):
        clients = {} if access == "iam" else CLIENTS
        methods = methods_of(rest_api(new_stack(), access=access, clients=clients, cors_origins=["https://a.test"]))
        preflights = [method for method in methods if method["HttpMethod"] == "OPTIONS"]
        assert len(preflights) == len(methods) - len(preflights) == 2
        for method in preflights:
            assert (method["AuthorizationType"], method.get("ApiKeyRequired", False)) == ("NONE", False)
            assert "AuthorizerId" not in method


def test_a_client_keeps_its_key_with_api_keys() -> None:
    template = rest_api(new_stack(), access="api_keys", clients=CLIENTS)
    assert "ApiKeySourceType" not in one(template, "AWS::ApiGateway::RestApi")
    template.resource_count_is("AWS::ApiGateway::Authorizer", 0)
    assert "Value" not in one(template, "AWS::ApiGateway::ApiKey")
    template.resource_count_is("AWS::ApiGateway::UsagePlanKey", 1)


def test_a_domain_of_its_own() -> None:
    template = rest_api(new_stack(), domain=DOMAIN)
    found = one(template, "AWS::ApiGateway::DomainName")
    assert found["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert (found["RegionalCertificateArn"], found["SecurityPolicy"]) == (CERTIFICATE, "TLS_1_2")
    assert "BasePath" not in one(template, "AWS::ApiGateway::BasePathMapping")
    template.resource_count_is("AWS::Route53::RecordSet", 0)


@pytest.mark.parametrize("zone", ["example.com", "llm.example.com"])
def test_an_alias_record_in_the_hosted_zone(zone: str) -> None:
    stack = new_stack()
    domain = replace(DOMAIN, hosted_zone=HostedZone("Z0123456789", zone))
    door = ProxyRestApi(stack, "Door", proxy=proxy(stack), domain=domain)
    assert door.url == "https://llm.example.com/"
    record = one(Template.from_stack(stack), "AWS::Route53::RecordSet")
    assert (record["Name"], record["Type"], record["HostedZoneId"]) == ("llm.example.com.", "A", "Z0123456789")


def own_responses(template: Template) -> dict[str, dict[str, Any]]:
    found = template.find_resources("AWS::ApiGateway::GatewayResponse").values()
    return {one["Properties"]["ResponseType"]: one["Properties"] for one in found}


def test_the_gateways_own_responses_have_both_dialects_in_one_body() -> None:
    """API Gateway's variables are the only thing that makes a template invalid JSON."""
    for response in own_responses(rest_api(new_stack())).values():
        text = response["ResponseTemplates"]["application/json"]
        body = json.loads(text.replace("$context.error.messageString", '"AWS says so"'))
        assert list(body) == ["message", "id", "code", "error"]
        openai = body["error"]
        assert list(openai) == ["message", "type", "code", "param"]
        assert (openai["message"], openai["code"]) == (body["message"], body["code"])


def test_no_client_repeats_a_request_that_may_run() -> None:
    responses = own_responses(rest_api(new_stack()))
    for kind in ("INTEGRATION_TIMEOUT", "INTEGRATION_FAILURE", "API_CONFIGURATION_ERROR", "DEFAULT_5XX"):
        assert responses[kind]["StatusCode"] == "424"
        headers = responses[kind]["ResponseParameters"]
        assert headers["gatewayresponse.header.x-should-retry"] == "'false'"
        assert "gatewayresponse.header.Retry-After" not in headers
    for kind in ("THROTTLED", "QUOTA_EXCEEDED"):
        assert responses[kind]["StatusCode"] == "429"
        assert "gatewayresponse.header.Retry-After" in responses[kind]["ResponseParameters"]


@pytest.mark.parametrize(
    ("access", "remedy"), [("bearer", "send Authorization: Bearer KEY"), ("api_keys", "send x-api-key: KEY")]
)
def test_without_a_key_the_response_says_what_to_send(access: Access, remedy: str) -> None:
    responses = own_responses(rest_api(new_stack(), access=access, clients=CLIENTS))
    for kind in ("UNAUTHORIZED", "INVALID_API_KEY"):
        assert responses[kind]["StatusCode"] == "401"
        body = json.loads(responses[kind]["ResponseTemplates"]["application/json"])
        assert body["code"] == "unauthorized"
        assert remedy in body["message"]


def test_another_policy_is_another_deployment() -> None:
    """By itself a stage would keep the old one."""
    first, second = (rest_api(new_stack(), networks=[network]) for network in (NETWORK, "198.51.100.0/24"))
    assert set(first.find_resources("AWS::ApiGateway::Deployment")) != set(
        second.find_resources("AWS::ApiGateway::Deployment")
    )


# Every rule of the managed groups as AWS publishes them.
# docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html and -ip-rep.html, read 2026-11.
PUBLISHED = {
    "AWSManagedRulesCommonRuleSet": """
        NoUserAgent_HEADER UserAgent_BadBots_HEADER
        SizeRestrictions_QUERYSTRING SizeRestrictions_Cookie_HEADER SizeRestrictions_BODY SizeRestrictions_URIPATH
        EC2MetaDataSSRF_BODY EC2MetaDataSSRF_COOKIE EC2MetaDataSSRF_URIPATH EC2MetaDataSSRF_QUERYARGUMENTS
        GenericLFI_QUERYARGUMENTS GenericLFI_URIPATH GenericLFI_BODY
        RestrictedExtensions_URIPATH RestrictedExtensions_QUERYARGUMENTS
        GenericRFI_QUERYARGUMENTS GenericRFI_BODY GenericRFI_URIPATH
        CrossSiteScripting_COOKIE CrossSiteScripting_QUERYARGUMENTS CrossSiteScripting_BODY CrossSiteScripting_URIPATH
    """,
    "AWSManagedRulesKnownBadInputsRuleSet": """
        JavaDeserializationRCE_HEADER JavaDeserializationRCE_BODY JavaDeserializationRCE_URIPATH
        JavaDeserializationRCE_QUERYSTRING Host_localhost_HEADER PROPFIND_METHOD ExploitablePaths_URIPATH
        Log4JRCE_HEADER Log4JRCE_QUERYSTRING Log4JRCE_BODY Log4JRCE_URIPATH ReactJSRCE_BODY
    """,
    "AWSManagedRulesAmazonIpReputationList": """
        AWSManagedIPReputationList AWSManagedReconnaissanceList AWSManagedIPDDoSList
    """,
}


def test_the_rules_that_inspect_the_body_are_the_ones_that_only_count() -> None:
    inspecting = {
        group: {rule for rule in rules.split() if rule.endswith("_BODY")} for group, rules in PUBLISHED.items()
    }
    assert {group: set(rules) for group, rules in COUNTED.items()} == inspecting


def test_the_firewall() -> None:
    rules = one(rest_api(new_stack(), firewall_requests=500), "AWS::WAFv2::WebACL")["Rules"]
    assert rules[0]["Statement"]["RateBasedStatement"]["Limit"] == 500
    groups = [rule["Statement"]["ManagedRuleGroupStatement"] for rule in rules[1:]]
    overrides = {
        group["Name"]: [(rule["Name"], rule["ActionToUse"]) for rule in group.get("RuleActionOverrides", [])]
        for group in groups
    }
    assert overrides == {group: [(rule, {"Count": {}}) for rule in rules] for group, rules in COUNTED.items()}


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"access": "api_keys"}, "clients"),
        ({"access": "bearer"}, "clients"),
        ({"access": "bearer", "clients": CLIENTS, "callers": ["222233334444"]}, "callers"),
        ({"domain": DOMAIN, "vpc_endpoint_ids": [VPC_ENDPOINT]}, "domain"),
        ({"domain": replace(DOMAIN, hosted_zone=HostedZone("Z1", "ample.com"))}, "domain.hosted_zone.name"),
        ({"clients": CLIENTS}, "clients"),
        ({"access": "api_keys", "clients": CLIENTS, "callers": ["222233334444"]}, "callers"),
        ({"timeout": Duration.seconds(76)}, "timeout"),
        ({"firewall_requests": 9}, "firewall_requests"),
        ({"access": "api_keys", "clients": {"a": ApiKeyClient(0, 2)}}, "a.requests_per_second"),
        ({"access": "api_keys", "clients": {"a": ApiKeyClient(1, 2, quota=0)}}, "a.quota"),
        ({"access": "api_keys", "clients": {"a": ApiKeyClient(1, 2, 9, "year")}}, "a.period"),  # type: ignore[arg-type]
        ({"burst": 33, "reserved_concurrency": 32}, "burst"),
        ({"burst": 0}, "burst"),
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"requests_per_second": 10_001}, "requests_per_second"),
        ({"timeout": Duration.seconds(1)}, "timeout"),  # less than the reserve: no request could be answered
    ],
)
def test_values_that_are_wrong(options: dict[str, Any], option: str) -> None:
    with pytest.raises(OptionError) as caught:
        rest_api(new_stack(), **options)
    assert caught.value.option == option


def test_grants_and_metrics() -> None:
    stack = new_stack()
    target = proxy(stack)
    api = ProxyRestApi(stack, "Door", proxy=target)
    user = iam.User(stack, "User")
    api.grant_invoke(user).assert_success()
    target.grant_invoke_url(user).assert_success()
    errors = {
        "ApiErrors": api.metric_server_errors(period=Duration.minutes(5)),
        "ProxyErrors": target.metric_server_errors(statistic="Average"),
    }
    for name, metric in errors.items():
        metric.create_alarm(stack, name, threshold=1, evaluation_periods=1)
    template = Template.from_stack(stack)
    policies = str(template.find_resources("AWS::IAM::Policy"))
    assert "/live/*/*" in policies
    assert "['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction']" in policies
    template.has_resource_properties("AWS::CloudWatch::Alarm", {"MetricName": "5XXError", "Period": 300})
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "CohereProxy",
            "MetricName": "ServerErrors",
            "Statistic": "Average",
            "Dimensions": [{"Name": "Endpoint", "Value": "cohere-test"}],
        },
    )
    with pytest.raises(TypeError):
        target.metric_requests(statistics="Sum")


def test_snap_start_and_no_second_attempt_of_asynchronous_invocations() -> None:
    stack = new_stack()
    assert isinstance(proxy(stack, snap_start=True), LlmProxy)
    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::Lambda::Function", {"SnapStart": {"ApplyOn": "PublishedVersions"}})
    template.has_resource_properties("AWS::Lambda::EventInvokeConfig", {"MaximumRetryAttempts": 0})


def test_the_gateways_own_responses_are_documented() -> None:
    text = (Path(__file__).parents[3] / "lambda" / "proxy" / "README.md").read_text("utf-8")
    table = text.partition("| code of API Gateway |")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert documented == {one.code for one in gateway_responses.RESPONSES}
