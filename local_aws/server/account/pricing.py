"""The Price List API, in AWS's shape. Its prices are made up: those of instances.toml, with a factor for the region."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from local_aws.conditions import ConditionsFile
from local_aws.server.errors import AwsError
from local_aws.server.json_api import Answer, JsonApi, Operations, Request
from sagemaker_llm.models.instance_type import InstanceType, instance_types

FACTORS: Final = {"us-east-1": 1.01, "eu-central-1": 1.25, "eu-west-1": 1.1}
"""What AWS's prices are said to be of the dated ones: never the same, so that a test can tell which it sees."""

_SERVICE: Final = "AmazonSageMaker"
_COMPONENTS: Final = ("Hosting", "Training")


class Pricing:
    """The price list of SageMaker's instances that have a dated price, in the regions of ``FACTORS``.

    Args:
        conditions: the file that says of which types the list has two products.

    """

    def __init__(self, conditions: ConditionsFile) -> None:
        self._conditions = conditions
        operations: Operations = {"GetProducts": self._products}
        self.api = JsonApi("pricing", "AWSPriceListService", operations)

    def _products(self, request: Request) -> Answer:
        if request["ServiceCode"] != _SERVICE:
            message = f"The local cloud has only the prices of {_SERVICE}."
            raise AwsError("NotImplementedByLocalCloud", message, status=501)
        filters = request.get("Filters", [])
        if any(one["Type"] != "TERM_MATCH" for one in filters):
            raise AwsError("NotImplementedByLocalCloud", "The local cloud has only TERM_MATCH.", status=501)
        wanted = {one["Field"]: one["Value"] for one in filters}
        found = [one for one in self._all() if wanted.items() <= one["product"]["attributes"].items()]
        return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(one) for one in found[: request.get("MaxResults")]]}

    def _all(self) -> list[dict[str, Any]]:
        twice = self._conditions.now().priced_twice
        return [
            product
            for kind in instance_types().values()
            if kind.price_usd_per_hour is not None
            for region in FACTORS
            for component in _COMPONENTS
            for copy in range(1 + any(part in kind.name for part in twice))
            if (product := _product(kind, region, component, copy))
        ]


def price(instance_type: str, region: str) -> float:
    """Return the made-up price of an instance for an hour."""
    return round((InstanceType.of(instance_type).price_usd_per_hour or 0.0) * FACTORS[region], 4)


def _product(kind: InstanceType, region: str, component: str, copy: int) -> dict[str, Any]:
    sku = hashlib.sha256(f"{kind.name} {region} {component} {copy}".encode()).hexdigest()[:16].upper()
    term, rate = f"{sku}.JRTCKXETXF", f"{sku}.JRTCKXETXF.6YS6EN2CT7"
    usage = {"Hosting": "Host", "Training": "Train"}[component]
    dimension = {
        "unit": "Hrs",
        "endRange": "Inf",
        "beginRange": "0",
        "description": f"${price(kind.name, region)} per {component} {kind.name} hour in {region}",
        "appliesTo": [],
        "rateCode": rate,
        "pricePerUnit": {"USD": f"{price(kind.name, region):.10f}"},
    }
    attributes = {
        "regionCode": region,
        "instanceName": kind.name,
        "component": component,
        "servicecode": _SERVICE,
        "usagetype": f"{region.upper()}-{usage}:{kind.name}",
    }
    return {
        "serviceCode": _SERVICE,
        "product": {"productFamily": "ML Instance", "sku": sku, "attributes": attributes},
        "terms": {"OnDemand": {term: {"sku": sku, "priceDimensions": {rate: dimension}, "termAttributes": {}}}},
    }
