"""Service Quotas: how many instances of each type endpoints may have, as the conditions say."""

from __future__ import annotations

import hashlib
from typing import Final

from local_aws.conditions import DEFAULT_QUOTA, ConditionsFile
from local_aws.server import emulator
from local_aws.server.errors import AwsError
from local_aws.server.json_api import Answer, JsonApi, Operations, Request
from sagemaker_llm.models.instance_type import instance_types

CODES: Final = {
    "ml.g5.xlarge": "L-1928E07B",
    "ml.g5.2xlarge": "L-9614C779",
    "ml.g5.4xlarge": "L-C1B9A48D",
    "ml.g5.12xlarge": "L-65C4BD00",
    "ml.g6.xlarge": "L-D470D954",
    "ml.g6.2xlarge": "L-98BDE811",
    "ml.g6.4xlarge": "L-DFB10FDE",
    "ml.g6.12xlarge": "L-0A29AACF",
    "ml.g6e.xlarge": "L-B0729CB4",
    "ml.g6e.2xlarge": "L-F8D7F460",
    "ml.p4d.24xlarge": "L-09F79647",
    "ml.p4de.24xlarge": "L-456B4C5F",
    "ml.p5.48xlarge": "L-16AF71F1",
}
"""AWS's codes, from a public audit of 2026-08-17. The codes of the other types here are made up: ask by name."""


class Quotas:
    """The quotas of the account.

    Args:
        conditions: what they are.

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
            said = "The local cloud knows the quotas of sagemaker only."
            raise AwsError("NotImplementedByLocalCloud", said, status=501)
        return [self._quota(name) for name in sorted(instance_types())]

    def _quota(self, instance_type: str) -> Answer:
        made_up = f"L-{hashlib.sha256(instance_type.encode()).hexdigest()[:8].upper()}"
        code = CODES.get(instance_type, made_up)
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
