"""DescribeModelPackage, for the packages in the catalogue."""

from __future__ import annotations

from typing import Any

from local_aws.conditions import Conditions
from local_aws.server.errors import validation
from sagemaker_llm.models import catalog


def describe(arn: str, conditions: Conditions) -> dict[str, Any]:
    """Return what DescribeModelPackage returns.

    Args:
        arn: the package's ARN.
        conditions: the account's subscriptions.

    Raises:
        AwsError: ``ValidationException`` when the package is not in the catalogue, or the account is not subscribed.

    """
    name = arn.rpartition("/")[2]
    known = catalog.by_id(name)
    if known is None or conditions.lacks_subscription(name):
        raise validation(f"ModelPackage {arn} does not exist.")
    specification = {
        # The catalogue has the types on which a package was seen, not all that its listing declares.
        "SupportedRealtimeInferenceInstanceTypes": list(known.instance_types),
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
        "Containers": [{"Image": f"{known.id}:local", "ProductId": known.listing or known.id}],
    }
    return {
        "ModelPackageName": name,
        "ModelPackageArn": arn,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "CertifyForMarketplace": True,
        "CreationTime": 0,
        "InferenceSpecification": specification,
    }
