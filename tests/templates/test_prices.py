"""Every resource of every template is priced, or is free for a reason that is written down."""

import json
from pathlib import Path

from endpointctl.prices import readme
from endpointctl.prices.estimate import Estimate
from endpointctl.prices.items import is_listed
from endpointctl.prices.price_list import free_types
from endpointctl.prices.terms import Terms
from stacks.settings import read_file
from tests.support.templates import EXAMPLES, ROOT, Templates

SNAPSHOTS = Path(__file__).parent / "__snapshots__" / "test_snapshots"


def types_in(templates: Templates) -> set[str]:
    return {one["Type"] for template in templates.values() for one in template["Resources"].values()}


def test_every_type_of_the_environments_and_examples_is_listed(templates: Templates) -> None:
    found = types_in(templates)
    assert len(found) > 30
    assert {name for name in found if not is_listed(name)} == set()


def test_every_type_of_the_snapshots_is_listed() -> None:
    found = types_in({path.stem: json.loads(path.read_text("utf-8")) for path in SNAPSHOTS.glob("*.json")})
    assert found
    assert {name for name in found if not is_listed(name)} == set()


def test_every_free_type_has_a_reason() -> None:
    assert all(reason.strip() for reason in free_types().values())


def test_the_readmes_prices_are_the_plans(templates: Templates) -> None:
    of_files: dict[str, Templates] = {}
    for name, template in templates.items():
        environment, _, stack = name.partition("/")
        of_files.setdefault(environment, {})[stack] = template
    text = (ROOT / "README.md").read_text("utf-8")
    assert readme.written(text, readme.section(of_files)) == text, "run `make prices`"
    assert readme.section(of_files) in text


def test_an_example_with_a_budget(templates: Templates) -> None:
    """The seller's price is in its file, so that nothing of its cost is unknown."""
    settings = read_file(EXAMPLES / "budget.yaml")
    found = {name: one for name, one in templates.items() if name.startswith("budget/")}
    assert set(found) == {"budget/endpoint", "budget/operations", "budget/proxy"}
    estimate = Estimate.of("budget", found, Terms.of(settings))
    assert not estimate.month.unknown
    assert round(estimate.month.low - estimate.fixed_month.low, 2) == 2852.84  # (1.408 + 2.5) x 730
    assert settings.budget
    assert estimate.month.high < settings.budget.usd_per_month
