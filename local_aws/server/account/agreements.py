"""The Marketplace's agreements: the account's subscriptions to packages, as the conditions say."""

from __future__ import annotations

from typing import Final

from local_aws.conditions import Conditions, ConditionsFile
from local_aws.server import emulator
from local_aws.server.errors import AwsError, validation
from local_aws.server.json_api import Answer, JsonApi, Request
from sagemaker_llm.models import catalog
from sagemaker_llm.models.catalog import CatalogEntry

_ENDS: Final = frozenset({"BeforeEndTime", "AfterEndTime"})
_COMBINATIONS: Final = frozenset(
    {
        frozenset[str](),
        frozenset({"Status"}),
        *(frozenset({one}) for one in ("ResourceIdentifier", "ResourceType", "OfferId", "OfferSetId")),
        *(frozenset({one, "Status"}) for one in ("ResourceIdentifier", "OfferId", "OfferSetId")),
    }
)
"""What a buyer may combine with PartyType and AgreementType, besides the time at which agreements end.

Source: the documentation of SearchAgreements in botocore's model.
"""


class Agreements:
    """The account's agreements as a buyer; one for each package of the catalogue.

    Args:
        conditions: the file with the subscriptions.

    """

    def __init__(self, conditions: ConditionsFile) -> None:
        self._conditions = conditions
        self.api = JsonApi(
            "marketplace-agreement", "AWSMPCommerceService_v20200301", {"SearchAgreements": self._search}
        )

    def _search(self, request: Request) -> Answer:
        if emulator.region() != "us-east-1":
            raise AwsError("UnknownOperationException", "The Marketplace's agreements are in us-east-1 only.")
        filters = {one["name"]: one["values"][0] for one in request.get("filters", [])}
        _check(request, filters)
        found = []
        for package in catalog.entries():
            status = _status(package, self._conditions.now())
            product = package.listing or package.id
            if (
                status
                and filters.get("ResourceIdentifier", product) == product
                and filters.get("ResourceType", "MachineLearningProduct") == "MachineLearningProduct"
                and filters.get("Status", status) == status
                and not filters.keys() & {"OfferId", "OfferSetId"}
            ):
                found.append(_summary(package.id, product, status))
        return {"agreementViewSummaries": found}


def _status(package: CatalogEntry, conditions: Conditions) -> str | None:
    """Return the status of the agreement about a package; None when the account never subscribed."""
    if conditions.lacks_subscription(package.id):
        return None
    said = next((status for part, status in conditions.agreements.items() if part in package.id), "ACTIVE")
    return None if said == "NONE" else said


def _check(request: Request, filters: dict[str, str]) -> None:
    if request.get("catalog") != "AWSMarketplace":
        raise validation("The catalog is not supported; use AWSMarketplace.")
    if filters.get("AgreementType") != "PurchaseAgreement":
        raise validation("The filter AgreementType is required, and its value is PurchaseAgreement.")
    if filters.get("PartyType") != "Acceptor":
        raise validation("The account is no seller: the filter PartyType has to be Acceptor.")
    if filters.keys() - {"AgreementType", "PartyType"} - _ENDS not in _COMBINATIONS:
        raise validation(f"The combination of filters is not supported: {', '.join(sorted(filters))}.")


def _summary(package: str, product: str, status: str) -> Answer:
    return {
        "agreementId": f"agmt-{package[-25:]}",
        "agreementType": "PurchaseAgreement",
        "acceptor": {"accountId": emulator.account()},
        "proposalSummary": {"resources": [{"id": product, "type": "MachineLearningProduct"}]},
        "status": status,
    }
