"""The model packages: whether they run on the chosen types, and whether the account is subscribed to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from endpointctl.doctor.account import Account
from endpointctl.doctor.finding import Finding, ok, unknown, wrong
from sagemaker_llm import ModelPackage
from sagemaker_llm.models import catalog

_MARKETPLACE_REGION: Final = "us-east-1"
"""Where the Marketplace's API of agreements is, whatever region the package is in."""

_SUBSCRIPTIONS: Final = "https://console.aws.amazon.com/marketplace/home#/subscriptions"


def supported_types(account: Account) -> Iterator[Finding]:
    """Check each package, and that it declares the types that it is to run on."""
    for package, types in _packages(account).items():
        try:
            found = _described(account, package)
        except ClientError as error:
            if not _is_missing(error):
                raise
            yield _missing(package, account)
            continue
        status = found.get("ModelPackageStatus")
        declared = found.get("InferenceSpecification", {}).get("SupportedRealtimeInferenceInstanceTypes")
        refused = sorted(types - set(declared or ()))
        if status != "Completed":
            yield wrong(f"{package.name} is {status}: it cannot be deployed", _listing(package))
        elif not declared:
            yield unknown(f"{package.name} declares no instance types", _listing(package))
        elif refused:
            yield wrong(
                f"{account.file}: {', '.join(refused)}: {package.name} does not declare it",
                f"allowed: {', '.join(declared)}; see {_listing(package)}",
            )
        else:
            yield ok(f"{package.name} runs on {', '.join(sorted(types))}")


def subscription(account: Account) -> Iterator[Finding]:
    """Check that the account has an active agreement about each package's product."""
    for package in _packages(account):
        try:
            containers = _described(account, package).get("InferenceSpecification", {}).get("Containers", [])
        except ClientError as error:
            if not _is_missing(error):
                raise
            yield _missing(package, account)
            continue
        products = {one["ProductId"] for one in containers if one.get("ProductId")}
        if not products:
            yield unknown(f"{package.name} names no product of the Marketplace", _SUBSCRIPTIONS)
        for product in sorted(products):
            yield _agreement(account, package, product)


def _agreement(account: Account, package: ModelPackage, product: str) -> Finding:
    found = _agreements(account, ResourceIdentifier=product)
    statuses = {one["status"] for one in found}
    if "ACTIVE" in statuses:
        return ok(f"subscribed to {package.name}")
    if statuses:
        return wrong(f"the subscription to {package.name} is {', '.join(sorted(statuses))}", _listing(package))
    # AWS does not document that the package's ProductId is what agreements call it.
    others = _agreements(account, ResourceType="MachineLearningProduct")
    known = {one["id"] for other in others for one in other.get("proposalSummary", {}).get("resources", [])}
    if known and not any(_kind(one) == _kind(product) for one in known):
        return unknown(
            f"{package.name}: the account's agreements name their products otherwise than the package ({product})",
            f"look for it: {_SUBSCRIPTIONS}",
        )
    return wrong(
        f"not subscribed to {package.name}",
        f"{_listing(package)}; if your organization shares its subscription with this account, `--skip subscription`",
    )


def _agreements(account: Account, **filters: str) -> list[Mapping[str, Any]]:
    """Return the account's agreements as a buyer. AWS allows some combinations of filters only; these are two of them.

    Source: docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-agreements_SearchAgreements.html.
    """
    chosen = {"PartyType": "Acceptor", "AgreementType": "PurchaseAgreement", **filters}
    pages = account.pages(
        "marketplace-agreement",
        "search_agreements",
        "nextToken",
        region=_MARKETPLACE_REGION,
        catalog="AWSMarketplace",
        filters=[{"name": name, "values": [value]} for name, value in chosen.items()],
    )
    return [one for page in pages for one in page.get("agreementViewSummaries", [])]


def _kind(product: str) -> str:
    """Return what kind of id it is, e.g. ``prod`` or ``prodview``; empty for one without a prefix."""
    start, dash, _ = product.partition("-")
    return start if dash and start.isalpha() and start.startswith("prod") else ""


def _packages(account: Account) -> dict[ModelPackage, set[str]]:
    """Return each package with the types that it may run on."""
    found: dict[ModelPackage, set[str]] = {}
    for _, model, variant in account.settings.variants():
        for instance_type, chosen in variant.types_and_models(model):
            found.setdefault(chosen.package(instance_type, account.region), set()).add(instance_type)
    return found


def _described(account: Account, package: ModelPackage) -> Mapping[str, Any]:
    found: Mapping[str, Any] = account.call("sagemaker", "describe_model_package", ModelPackageName=package.arn)
    return found


def _is_missing(error: ClientError) -> bool:
    return "does not exist" in str(error)


def _missing(package: ModelPackage, account: Account) -> Finding:
    return wrong(
        f"AWS has no package {package.arn} for this account: not subscribed, or another ARN",
        f"subscribe at {_listing(package)}, and copy the ARN of {account.region} from its Configure page",
    )


def _listing(package: ModelPackage) -> str:
    known = catalog.by_id(package.name)
    return f"https://aws.amazon.com/marketplace/pp/{known.listing}" if known and known.listing else _SUBSCRIPTIONS
