"""The quota "<type> for endpoint usage": what the environment needs of it, and what already runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from botocore.exceptions import ClientError

from endpointctl.doctor.account import Account
from endpointctl.doctor.finding import Finding, Increase, ok, wrong
from sagemaker_llm.models.instance_type import instance_types

_SERVICE: Final = "sagemaker"
_NO_SUCH: Final = "NoSuchResourceException"
_OPEN: Final = ("PENDING", "CASE_OPENED")
_WITHOUT_INSTANCES: Final = ("Failed", "OutOfService")
_AT_ONCE: Final = 8


def in_region(account: Account) -> Iterator[Finding]:
    """Check whether the region has the types: it has those that it has a quota for."""
    for name in needed(account):
        if _quota(account, name) is None:
            yield wrong(
                f"{account.file}: {name}: {account.region} has no quota for it, and so probably not the type",
                "choose another type or region: https://aws.amazon.com/sagemaker/ai/pricing/",
            )
        else:
            yield ok(f"{account.region} has a quota for {name}")


def room(account: Account) -> Iterator[Finding]:
    """Check that the quota of each type is enough, also while an update runs the old and the new fleet together."""
    wanted = needed(account)
    running, own = _running(account)
    for name, (first, most) in wanted.items():
        quota = _quota(account, name)
        if quota is None:
            continue  # `in_region` says so
        others, fleet = running[name], max(first, own[name])
        need, has = others + max(2 * fleet, most), int(quota["Value"])
        text = f"{quota['QuotaName']}: {has}; needed: {need} = {others} of other endpoints + {_why(fleet, most)}"
        if has >= need:
            yield ok(text)
        elif filed := open_request(account, quota["QuotaCode"]):
            yield wrong(text, f"wait: {filed['DesiredValue']:.0f} were requested, and the request is {filed['Status']}")
        else:
            yield wrong(text, _fix(account), Increase(quota["QuotaName"], quota["QuotaCode"], need))


def needed(account: Account) -> dict[str, tuple[int, int]]:
    """Return the first and the largest number of instances of each type that a variant may get."""
    found: dict[str, tuple[int, int]] = {}
    for _, model, variant in account.settings.variants():
        least = variant.autoscaling.min_instances if variant.autoscaling else 1
        for name, _ in variant.types_and_models(model):
            first, most = found.get(name, (0, 0))
            found[name] = (first + max(variant.instance_count, least), most + variant.max_instances_ever)
    return found


def open_request(account: Account, code: str) -> Mapping[str, Any] | None:
    """Return the request for an increase of a quota that AWS has not decided yet; None when there is none."""
    pages = account.pages(
        "service-quotas",
        "list_requested_service_quota_change_history_by_quota",
        ServiceCode=_SERVICE,
        QuotaCode=code,
    )
    return next((one for page in pages for one in page["RequestedQuotas"] if one["Status"] in _OPEN), None)


def request(account: Account, increase: Increase) -> str:
    """Request an increase, unless a request is open; return what happened.

    Raises:
        ClientError: AWS refuses.

    """
    asked = {"ServiceCode": _SERVICE, "QuotaCode": increase.code, "DesiredValue": float(increase.value)}
    filed = open_request(account, increase.code)
    if filed is None:
        try:
            filed = account.call("service-quotas", "request_service_quota_increase", region=None, **asked)
        except ClientError as error:
            if error.response["Error"].get("Code") != "ResourceAlreadyExistsException":
                raise
            return f"{increase.name}: another request was made at this moment"  # AWS allows one at a time
        made = filed["RequestedQuota"]
        return f"{increase.name}: requested {increase.value}: {made['Id']} ({made['Status']})"
    return f"{increase.name}: {filed['DesiredValue']:.0f} were requested before: {filed['Id']} ({filed['Status']})"


def _why(fleet: int, most: int) -> str:
    return f"2 x {fleet} while an update runs both fleets" if 2 * fleet >= most else f"{most} by autoscaling"


def _fix(account: Account) -> str:
    return f"`make doctor ENV={account.environment} ARGS=--fix` requests it"


def _quota(account: Account, instance_type: str) -> Mapping[str, Any] | None:
    """Return the account's quota of a type, AWS's default where none was applied; None when there is none."""
    code = instance_types()[instance_type].quota_code or _code(account, f"{instance_type} for endpoint usage")
    if code is None:
        return None
    for operation in ("get_service_quota", "get_aws_default_service_quota"):
        try:
            found: Mapping[str, Any] = account.call("service-quotas", operation, ServiceCode=_SERVICE, QuotaCode=code)
        except ClientError as error:
            if error.response["Error"].get("Code") != _NO_SUCH:
                raise
        else:
            quota: Mapping[str, Any] = found["Quota"]
            return quota
    return None


def _code(account: Account, name: str) -> str | None:
    """Return a quota's code by its name; the list of the applied quotas would lack those that nobody changed."""
    pages = account.pages("service-quotas", "list_aws_default_service_quotas", ServiceCode=_SERVICE, MaxResults=100)
    return next((one["QuotaCode"] for page in pages for one in page["Quotas"] if one["QuotaName"] == name), None)


def _running(account: Account) -> tuple[Counter[str], Counter[str]]:
    """Return the instances of each type that other endpoints run, and those of the environment's endpoint."""
    own_name = account.settings.endpoint.name
    pages = account.pages(_SERVICE, "list_endpoints", MaxResults=100)
    names = [
        one["EndpointName"]
        for page in pages
        for one in page["Endpoints"]
        if one["EndpointStatus"] not in _WITHOUT_INSTANCES
    ]
    others, own = Counter[str](), Counter[str]()
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for name, found in zip(names, threads.map(lambda name: _instances(account, name), names), strict=True):
            (own if name == own_name else others).update(found)
    return others, own


def _instances(account: Account, endpoint: str) -> Counter[str]:
    """Return an endpoint's instances by type, for now and for what it is about to have."""
    try:
        found = account.call(_SERVICE, "describe_endpoint", EndpointName=endpoint)
        config = account.call(_SERVICE, "describe_endpoint_config", EndpointConfigName=found["EndpointConfigName"])
    except ClientError as error:
        if "Could not find" in str(error):  # deleted since it was listed
            return Counter()
        raise
    configured = {one["VariantName"]: one for one in config["ProductionVariants"]}
    counts = Counter[str]()
    for summary in found.get("ProductionVariants", []):
        counts.update(_of_variant(summary, configured.get(summary["VariantName"], {})))
    if not found.get("ProductionVariants"):  # still Creating
        for variant in configured.values():
            counts.update(_of_variant({"DesiredInstanceCount": variant.get("InitialInstanceCount", 0)}, variant))
    return counts


def _of_variant(summary: Mapping[str, Any], configured: Mapping[str, Any]) -> Counter[str]:
    pools: Iterable[Mapping[str, Any]] = configured.get("InstancePools", ())
    if placed := [one for one in summary.get("InstancePools", ()) if one.get("CurrentInstanceCount")]:
        return Counter({one["InstanceType"]: one["CurrentInstanceCount"] for one in placed})
    first = min(pools, key=lambda pool: int(pool["Priority"]), default={"InstanceType": configured.get("InstanceType")})
    count = max(summary.get("CurrentInstanceCount", 0), summary.get("DesiredInstanceCount", 0))
    return Counter({first["InstanceType"]: count}) if first["InstanceType"] else Counter()
