"""Service Quotas: the instances of each type for endpoints, as the conditions say, and requests to increase them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, MutableMapping

from local_aws.conditions import DEFAULT_QUOTA, ConditionsFile
from local_aws.server import emulator
from local_aws.server.errors import AwsError
from local_aws.server.json_api import Answer, JsonApi, Operations, Request
from sagemaker_llm.models.instance_type import instance_types

_OPEN = ("PENDING", "CASE_OPENED")


class Quotas:
    """The quotas of the account.

    Args:
        conditions: the file with the quotas.

    """

    def __init__(self, conditions: ConditionsFile) -> None:
        self._conditions = conditions
        self._requests: MutableMapping[str, list[Answer]] = emulator.store("quota_requests")
        operations: Operations = {
            "GetServiceQuota": lambda r: {"Quota": self._find(r, applied=True)},
            "ListServiceQuotas": lambda r: _page(r, "Quotas", self._all(r, applied=True)),
            "GetAWSDefaultServiceQuota": lambda r: {"Quota": _default(self._find(r))},
            "ListAWSDefaultServiceQuotas": lambda r: _page(r, "Quotas", [_default(one) for one in self._all(r)]),
            "RequestServiceQuotaIncrease": self._request,
            "ListRequestedServiceQuotaChangeHistoryByQuota": self._requested,
        }
        self.api = JsonApi("service-quotas", "ServiceQuotasV20190624", operations, self._resource)

    def _resource(self, request: Request) -> str:
        """Return a quota's ARN for an increase, which is the only operation here that takes a resource."""
        increase = "DesiredValue" in request
        return _arn(request["ServiceCode"], request["QuotaCode"]) if increase else "*"

    def _find(self, request: Request, *, applied: bool = False) -> Answer:
        for quota in self._all(request, applied=applied):
            if quota["QuotaCode"] == request["QuotaCode"]:
                return quota
        raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")

    def _all(self, request: Request, *, applied: bool = False) -> list[Answer]:
        """Return the quotas that the region has; or only those of which the account has a value of its own."""
        if request["ServiceCode"] != "sagemaker":
            message = "The local cloud has only the quotas of sagemaker."
            raise AwsError("NotImplementedByLocalCloud", message, status=501)
        now = self._conditions.now()
        left_out = (*now.missing_types, *(now.unapplied_quotas if applied else ()))
        return [self._quota(name) for name in sorted(instance_types()) if not any(part in name for part in left_out)]

    def _quota(self, instance_type: str) -> Answer:
        # AWS's code where instances.toml has it; find the others by their names.
        made_up = f"L-{hashlib.sha256(instance_type.encode()).hexdigest()[:8].upper()}"
        code = instance_types()[instance_type].quota_code or made_up
        return {
            "ServiceCode": "sagemaker",
            "ServiceName": "Amazon SageMaker",
            "QuotaArn": _arn("sagemaker", code),
            "QuotaCode": code,
            "QuotaName": f"{instance_type} for endpoint usage",
            "Value": float(self._conditions.now().quota(instance_type)),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }

    def _request(self, request: Request) -> Answer:
        """Keep a request. Nobody decides it: the conditions stay as they are."""
        quota, wanted = self._find(request), request["DesiredValue"]
        if wanted <= quota["Value"]:
            message = f"The desired value {wanted} is not greater than the current value {quota['Value']}."
            raise AwsError("IllegalArgumentException", message)
        made = self._requests.setdefault(quota["QuotaCode"], [])
        if any(one["Status"] in _OPEN for one in made):
            message = "Only one open service quota increase request is allowed per quota."
            raise AwsError("ResourceAlreadyExistsException", message)
        kept = ("ServiceCode", "ServiceName", "QuotaCode", "QuotaName", "QuotaArn", "GlobalQuota", "Unit")
        digest = hashlib.sha256(f"{quota['QuotaArn']} {len(made)}".encode()).hexdigest()
        added = {key: quota[key] for key in kept} | {"Id": digest[:40], "DesiredValue": wanted, "Status": "PENDING"}
        made.append({**added, "Created": time.time()})
        return {"RequestedQuota": made[-1]}

    def _requested(self, request: Request) -> Answer:
        made = self._requests.get(self._find(request)["QuotaCode"], [])
        wanted = request.get("Status")
        return _page(request, "RequestedQuotas", [one for one in made if wanted in (None, one["Status"])])


def _arn(service: str, code: str) -> str:
    return f"arn:aws:servicequotas:{emulator.region()}:{emulator.account()}:{service}/{code}"


def _default(quota: Answer) -> Answer:
    return {**quota, "Value": float(DEFAULT_QUOTA)}


def _page(request: Request, member: str, found: Iterable[Answer]) -> Answer:
    """Return one page, of at most 100."""
    all_of_them, start = list(found), int(request.get("NextToken") or 0)
    end = start + request.get("MaxResults", 100)
    rest = {"NextToken": str(end)} if end < len(all_of_them) else {}
    return {member: all_of_them[start:end], **rest}
