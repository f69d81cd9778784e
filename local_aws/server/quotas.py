"""Service Quotas: the instances of each type for endpoints, as the conditions say."""

from __future__ import annotations

import hashlib

from local_aws.conditions import DEFAULT_QUOTA, ConditionsFile
from local_aws.server import emulator
from local_aws.server.errors import AwsError
from local_aws.server.json_api import Answer, JsonApi, Operations, Request
from sagemaker_llm.models.instance_type import instance_types


class Quotas:
    """The quotas of the account.

    Args:
        conditions: the file with the quotas.

    """

    def __init__(self, conditions: ConditionsFile) -> None:
        self._conditions = conditions
        operations: Operations = {
            "GetServiceQuota": lambda r: {"Quota": self._find(r)},
            "ListServiceQuotas": lambda r: {"Quotas": self._all(r)},
            "GetAWSDefaultServiceQuota": lambda r: {"Quota": {**self._find(r), "Value": float(DEFAULT_QUOTA)}},
        }
        self.api = JsonApi("service-quotas", "ServiceQuotasV20190624", operations)

    def _find(self, request: Request) -> Answer:
        for quota in self._all(request):
            if quota["QuotaCode"] == request["QuotaCode"]:
                return quota
        raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")

    def _all(self, request: Request) -> list[Answer]:
        if request["ServiceCode"] != "sagemaker":
            message = "The local cloud has only the quotas of sagemaker."
            raise AwsError("NotImplementedByLocalCloud", message, status=501)
        return [self._quota(name) for name in sorted(instance_types())]

    def _quota(self, instance_type: str) -> Answer:
        # AWS's code where instances.toml has it; find the others by their names.
        made_up = f"L-{hashlib.sha256(instance_type.encode()).hexdigest()[:8].upper()}"
        code = instance_types()[instance_type].quota_code or made_up
        arn = f"arn:aws:servicequotas:{emulator.region()}:{emulator.account()}:sagemaker/{code}"
        return {
            "ServiceCode": "sagemaker",
            "ServiceName": "Amazon SageMaker",
            "QuotaArn": arn,
            "QuotaCode": code,
            "QuotaName": f"{instance_type} for endpoint usage",
            "Value": float(self._conditions.now().quota(instance_type)),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
