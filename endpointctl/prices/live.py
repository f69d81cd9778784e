"""Instance prices from AWS's Price List API, which knows every region. What it does not answer clearly is unknown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from endpointctl.aws import Aws
from endpointctl.failure import Failure
from endpointctl.prices.price_list import Found, Price, Unknown

REGION: Final = "us-east-1"
"""Where the API is; it has the prices of all regions."""

SERVICE: Final = "AmazonSageMaker"
NOTE: Final = "Instance prices are those of AWS's price list at this moment; all others are dated."
_SOURCE: Final = "AWS Price List API, GetProducts"


class AwsPrices:
    """The instance prices of one region, asked for one at a time.

    Args:
        region: the region whose prices are asked for.

    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._known: dict[str, Found] = {}

    def find(self, name: str) -> Found:
        """Return the price of an instance of a type for an hour; why it is unknown where AWS does not tell."""
        if name not in self._known:
            self._known[name] = self._ask(name)
        return self._known[name]

    def _ask(self, name: str) -> Found:
        wanted = {"regionCode": self._region, "instanceName": name, "component": "Hosting"}
        filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
        try:
            aws = Aws(REGION)
            aws.credentials()
            pages = aws.client("pricing").get_paginator("get_products").paginate(ServiceCode=SERVICE, Filters=filters)
            products = [json.loads(one) for page in pages for one in page["PriceList"]]
            usd = hourly(products)
        except (Failure, ClientError, BotoCoreError) as error:
            return self._unknown(name, f"AWS's price list was not asked: {_first_line(error)}")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return self._unknown(name, f"AWS's price list has no clear answer: {_first_line(error)}")
        return Price(name, usd, "instance and hour", self._region, datetime.now(UTC).date(), _SOURCE, "page")

    def _unknown(self, name: str, reason: str) -> Unknown:
        return Unknown(name, f"unknown in {self._region}: {reason}", f"{name} in {self._region}")


def hourly(products: list[Mapping[str, Any]]) -> float:
    """Return the one price for an hour that a list of products has.

    Raises:
        ValueError: there is not exactly one product, on-demand term and price dimension, or it is no positive price of
            an hour in USD.

    """
    product = _only(products, "products")
    term = _only(list(product["terms"]["OnDemand"].values()), "on-demand terms")
    dimension = _only(list(term["priceDimensions"].values()), "price dimensions")
    unit = str(dimension["unit"])
    if unit.lower() not in ("hrs", "hours", "hour"):
        raise ValueError(f"the price is for {unit!r}, not for hours")
    usd = float(dimension["pricePerUnit"]["USD"])
    if not 0 < usd < float("inf"):
        raise ValueError(f"{usd} is no price")
    return usd


def _only(found: list[Any], what: str) -> Any:  # noqa: ANN401 - JSON
    if len(found) != 1:
        raise ValueError(f"{len(found)} {what}, expected one")
    return found[0]


def _first_line(error: Exception) -> str:
    missing = f"no {error}" if isinstance(error, KeyError) else ""
    return missing or (str(error).splitlines() or [type(error).__name__])[0]
