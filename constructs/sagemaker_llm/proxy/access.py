"""Who a REST API lets in: signatures or keys, and from where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from aws_cdk import aws_iam as iam

from sagemaker_llm.errors import OptionError

Access: TypeAlias = Literal["iam", "api_keys"]
Period: TypeAlias = Literal["day", "week", "month"]


@dataclass(frozen=True)
class Client:
    """What one API key may do.

    Attributes:
        requests_per_second: its rate in the long run.
        burst: how many at once above it.
        quota: requests in a period; default no quota.
        period: the quota's; default month.

    """

    requests_per_second: float
    burst: int
    quota: int | None = None
    period: Period = "month"


def check_who(access: Access, clients: Mapping[str, Client], callers: Sequence[str]) -> None:
    """Refuse clients and callers that do not go with the access.

    Raises:
        OptionError: one of them is missing, or of no use.

    """
    if access == "api_keys" and not clients:
        raise OptionError(
            "clients", {}, problem="are missing", allowed="at least one with access api_keys", remedy="name one"
        )
    if access == "iam" and clients:
        raise OptionError("clients", list(clients), problem="have no key with access iam", allowed="none, or api_keys")
    if access == "api_keys" and callers:
        raise OptionError("callers", list(callers), problem="sign nothing with api_keys", allowed="none, or iam")


def resource_policy(
    access: Access, callers: Sequence[str], networks: Sequence[str], vpc_endpoint_ids: Sequence[str]
) -> iam.PolicyDocument | None:
    """Return the API's resource policy; None when everything is left to the callers' own.

    Source: docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html.
    """

    def statement(effect: iam.Effect, principals: list[iam.IPrincipal], **conditions: Any) -> iam.PolicyStatement:  # noqa: ANN401
        return iam.PolicyStatement(
            effect=effect,
            principals=principals,
            actions=["execute-api:Invoke"],
            resources=["execute-api:/*"],
            conditions=conditions or None,
        )

    anybody: list[iam.IPrincipal] = [iam.AnyPrincipal()]
    denied = []
    if networks:
        denied.append(statement(iam.Effect.DENY, anybody, NotIpAddress={"aws:SourceIp": list(networks)}))
    if vpc_endpoint_ids:
        denied.append(statement(iam.Effect.DENY, anybody, StringNotEquals={"aws:SourceVpce": list(vpc_endpoint_ids)}))
    allowed: list[iam.IPrincipal] = [_principal(caller) for caller in callers]
    if denied and access == "api_keys":
        # Nobody signs: with a policy at all, what it does not allow is denied.
        allowed = anybody
    statements = [*([statement(iam.Effect.ALLOW, allowed)] if allowed else []), *denied]
    return iam.PolicyDocument(statements=statements) if statements else None


def _principal(caller: str) -> iam.IPrincipal:
    return iam.AccountPrincipal(caller) if caller.isdigit() else iam.ArnPrincipal(caller)
