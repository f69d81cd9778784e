"""docs/changes.md under load: a row is deployed while callers keep sending, and no request fails."""

from collections import Counter
from typing import Any

from tests.support.cloud import ANSWERED, Deployed, Stacks, callers
from tests.support.rows import DEV, ROWS
from tests.support.templates import ROOT, Templates, changed

Row = tuple[str, dict[str, Any], dict[str, Any]]

# Callers notice these, and docs/changes.md says what is lost: another name is another endpoint, another front door has
# another URL, and an API key is gone or sent otherwise. `test_front_doors.py` and `test_keys.py` have those. The alias
# and the front door turn to streaming one after the other.
NOTICED = (
    "endpoint.name",
    "proxy.rest_api, on",
    "proxy.rest_api, off",
    "proxy.rest_api, clients",
    "proxy.rest_api, a client less",
    "proxy.streaming",
    "proxy.rest_api, bearer",
    "proxy.rest_api, bearer clients",
    "proxy.rest_api, a bearer client less",
    "proxy.rest_api, domain",
)
# These change the stack of what watches only, which is not deployed here.
ELSEWHERE = ("budget, on", "budget, amount", "budget, address", "alarms, thresholds", "alarms, another topic")
_REPRESENTATIVES = 2


def _representatives() -> list[Row]:
    """Return the rows to deploy: of those with the very same effect in the table, a few."""
    lines = (ROOT / "docs" / "changes.md").read_text("utf-8").splitlines()
    cells = [line.strip("|").split("|", 1) for line in lines if line.startswith("| `")]
    effects = {what.replace("`", "").strip(): effect for what, effect in cells}
    counts = Counter[str]()
    found = []
    for row in ROWS:
        if row[0] not in (*NOTICED, *ELSEWHERE):
            counts[effects[row[0]]] += 1
            if row[0] in QUICK_NAMES or counts[effects[row[0]]] <= _REPRESENTATIVES:
                found.append(row)
    return found


QUICK_NAMES = (
    "model.package_arn",  # another model and fleet
    "proxy.generate_timeout_seconds",  # another version of the function
    "proxy.rest_api, throttle",
)
UNDER_LOAD: list[Row] = _representatives()

QUICK: list[Row] = [row for row in UNDER_LOAD if row[0] in QUICK_NAMES]
"""A few rows for every run; the proofs have all of them."""


def check_row(deployed: Deployed, stacks: Stacks, row: Row) -> None:
    """Deploy a row's two states, the second under load, and check that only the endpoint's config changed."""
    setting, before, after = row
    stacks.deploy(changed(DEV, before))
    old = deployed.sagemaker.describe_endpoint(EndpointName="cohere-dev")
    with callers(stacks.client()) as results:
        templates = stacks.deploy(changed(changed(DEV, before), after))
    new = deployed.sagemaker.describe_endpoint(EndpointName="cohere-dev")
    # A container that does not speak the other API answers so: that is no outage.
    expected = {ANSWERED} | ({one for one in results if "[model_refused]" in one} if setting == "model.api" else set())
    assert set(results) <= expected
    assert ANSWERED in results
    assert new["EndpointStatus"] == "InService"
    assert new["CreationTime"] == old["CreationTime"]
    _check_config(deployed, new["EndpointConfigName"], templates)


def _check_config(deployed: Deployed, name: str, templates: Templates) -> None:
    resources = templates["endpoint"]["Resources"].values()
    (config,) = [one for one in resources if one["Type"] == "AWS::SageMaker::EndpointConfig"]
    variant = config["Properties"]["ProductionVariants"][0]
    plain = {key: value for key, value in variant.items() if not isinstance(value, (dict, list))}
    live: Any = deployed.sagemaker.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"][0]
    assert {key: live[key] for key in plain} == plain
