"""A domain name of one's own for a REST API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from sagemaker_llm.errors import OptionError


@dataclass(frozen=True)
class HostedZone:
    """A public hosted zone of Route 53.

    Attributes:
        id: its id.
        name: its domain name.

    """

    id: str
    name: str


@dataclass(frozen=True)
class CustomDomain:
    """A regional domain name.

    Attributes:
        name: the domain name, which the certificate covers.
        certificate_arn: the certificate in ACM, of the API's region.
        hosted_zone: where the alias record is made; None when somebody else makes the record.

    """

    name: str
    certificate_arn: str
    hosted_zone: HostedZone | None = None


def check_domain(domain: CustomDomain | None, vpc_endpoint_ids: Sequence[str]) -> None:
    """Refuse a domain that cannot work.

    Raises:
        OptionError: the API is private, or the hosted zone is of another domain.

    """
    if domain is None:
        return
    if vpc_endpoint_ids:
        raise OptionError(
            "domain",
            domain.name,
            problem="is a public domain name, and the API is private",
            allowed="none with vpc_endpoint_ids",
            remedy="leave one of them out",
        )
    zone = domain.hosted_zone
    if zone and not f".{domain.name}".endswith(f".{zone.name}"):
        raise OptionError(
            "domain.hosted_zone.name",
            zone.name,
            problem=f"is no zone of {domain.name}",
            allowed=f"{domain.name}, or a domain above it",
            remedy="correct it, or leave hosted_zone out and make the record yourself",
        )


def add_domain(scope: Construct, api: apigateway.RestApi, domain: CustomDomain) -> str:
    """Let an API answer at a domain name, at its root; return the URL.

    Nothing is looked up: zone and certificate are named.
    """
    # Not at the top: most environments do without, and they take time to load.
    from aws_cdk import aws_certificatemanager as acm

    name = apigateway.DomainName(
        scope,
        "Domain",
        domain_name=domain.name,
        certificate=acm.Certificate.from_certificate_arn(scope, "Certificate", domain.certificate_arn),
        endpoint_type=apigateway.EndpointType.REGIONAL,
        security_policy=apigateway.SecurityPolicy.TLS_1_2,
    )
    apigateway.BasePathMapping(scope, "Mapping", domain_name=name, rest_api=api, stage=api.deployment_stage)
    if domain.hosted_zone:
        _add_record(scope, name, domain.name, domain.hosted_zone)
    return f"https://{domain.name}/"


def _add_record(scope: Construct, target: apigateway.DomainName, name: str, zone: HostedZone) -> None:
    from aws_cdk import aws_route53 as route53
    from aws_cdk import aws_route53_targets as targets

    route53.ARecord(
        scope,
        "Record",
        zone=route53.HostedZone.from_hosted_zone_attributes(scope, "Zone", hosted_zone_id=zone.id, zone_name=zone.name),
        record_name=f"{name}.",
        target=route53.RecordTarget.from_alias(targets.ApiGatewayDomain(target)),
    )
