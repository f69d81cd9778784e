"""The callers that a REST API allows: signatures or keys, and the networks they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from aws_cdk import Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam

from sagemaker_llm import limits
from sagemaker_llm.errors import OptionError
from sagemaker_llm.limits import check_range

Access: TypeAlias = Literal["iam", "api_keys", "bearer"]
Period: TypeAlias = Literal["day", "week", "month"]

LOWEST_RATE: Final = 0.001
"""The lowest rate of an API or a key, in requests a second."""


@dataclass(frozen=True)
class ApiKeyClient:
    """The limits of one client: of each API key that it has.

    Attributes:
        requests_per_second: the rate in the long run.
        burst: the requests at once above it.
        quota: the requests in a period; default no quota.
        period: the quota's period; default month.

    """

    requests_per_second: float
    burst: int
    quota: int | None = None
    period: Period = "month"


def check_access(access: Access, clients: Mapping[str, ApiKeyClient], callers: Sequence[str]) -> None:
    """Refuse clients and callers that do not go with the access.

    Raises:
        OptionError: one of them is missing, or has no effect.

    """
    if access != "iam" and not clients:
        raise OptionError(
            "clients", {}, problem="are missing", allowed=f"at least one with access {access}", remedy="name one"
        )
    if access == "iam" and clients:
        allowed = "none, or access api_keys or bearer"
        raise OptionError("clients", list(clients), problem="have no key with access iam", allowed=allowed)
    if access != "iam" and callers:
        raise OptionError("callers", list(callers), problem=f"sign nothing with {access}", allowed="none, or iam")


def resource_policy(
    access: Access,
    *,
    callers: Sequence[str] = (),
    networks: Sequence[str] = (),
    vpc_endpoint_ids: Sequence[str] = (),
    preflight: bool = False,
) -> iam.PolicyDocument | None:
    """Return the API's resource policy; None when the callers' own policies decide everything.

    Once there is a policy, a request without a signature is denied unless a statement allows it: that is every request
    with an API key, and a browser's preflight (OPTIONS). A caller of another account needs both a statement here and a
    policy of its own.

    Args:
        access: how callers are identified.
        callers: principals (ARNs or account ids) that need no policy of their own, if they are of this account.
        networks: the allowed IP ranges. Of a private API they are those of the VPC (``aws:VpcSourceIp``), since
            ``aws:SourceIp`` is not set there.
        vpc_endpoint_ids: the allowed VPC endpoints of a private API.
        preflight: whether browsers may send preflights.

    Source: docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html and
    apigateway-resource-policies-aws-condition-keys.html.

    """

    def statement(
        effect: iam.Effect,
        principals: Sequence[iam.IPrincipal],
        resources: Sequence[str],
        conditions: Mapping[str, Mapping[str, list[str]]] | None = None,
    ) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            effect=effect,
            principals=list(principals),
            actions=["execute-api:Invoke"],
            resources=list(resources),
            conditions=conditions,
        )

    anybody, everything = [iam.AnyPrincipal()], ["execute-api:/*"]
    denied = []
    if networks:
        key = "aws:VpcSourceIp" if vpc_endpoint_ids else "aws:SourceIp"
        denied.append(statement(iam.Effect.DENY, anybody, everything, {"NotIpAddress": {key: list(networks)}}))
    if vpc_endpoint_ids:
        condition = {"StringNotEquals": {"aws:SourceVpce": list(vpc_endpoint_ids)}}
        denied.append(statement(iam.Effect.DENY, anybody, everything, condition))
    allowed = []
    if callers:
        allowed.append(statement(iam.Effect.ALLOW, [_principal(caller) for caller in callers], everything))
    if denied and access != "iam":
        allowed.append(statement(iam.Effect.ALLOW, anybody, everything))
    elif (denied or allowed) and preflight:
        allowed.append(statement(iam.Effect.ALLOW, anybody, ["execute-api:/*/OPTIONS/*"]))
    return iam.PolicyDocument(statements=[*allowed, *denied]) if allowed or denied else None


def _principal(caller: str) -> iam.IPrincipal:
    return iam.AccountPrincipal(caller) if caller.isdigit() else iam.ArnPrincipal(caller)


def add_client(api: apigateway.RestApi, name: str, client: ApiKeyClient, *, with_key: bool) -> None:
    """Add a client's usage plan.

    Args:
        api: the REST API.
        name: the client's name.
        client: its limits.
        with_key: whether it gets a key, whose value API Gateway makes. Without one, keys are added to the plan beside
            CloudFormation, which does not touch them.

    Raises:
        OptionError: a limit is out of API Gateway's range.

    """
    rate, highest = client.requests_per_second, limits.MAX_REQUESTS_PER_SECOND
    check_range(f"{name}.requests_per_second", rate, LOWEST_RATE, highest)
    check_range(f"{name}.burst", client.burst, *limits.BURST)
    if client.quota is not None:
        check_range(f"{name}.quota", client.quota, 1, float("inf"))
    if client.period not in get_args(Period):
        allowed = ", ".join(get_args(Period))
        raise OptionError(f"{name}.period", client.period, problem="is no period", allowed=allowed)
    full_name = f"{Stack.of(api).stack_name}-{name}"
    plan = api.add_usage_plan(
        f"Plan-{name}",
        name=full_name,
        throttle=apigateway.ThrottleSettings(rate_limit=client.requests_per_second, burst_limit=client.burst),
        quota=apigateway.QuotaSettings(limit=client.quota, period=apigateway.Period[client.period.upper()])
        if client.quota is not None
        else None,
        api_stages=[apigateway.UsagePlanPerApiStage(api=api, stage=api.deployment_stage)],
    )
    if with_key:
        plan.add_api_key(api.add_api_key(f"Key-{name}", api_key_name=full_name))
