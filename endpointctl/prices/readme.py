"""Writes README.md's table of prices anew: ``python -m endpointctl.prices.readme``, or ``make prices``.

A test compares the table with the plans of the same files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from endpointctl.changes import Template
from endpointctl.prices.amount import Amount
from endpointctl.prices.estimate import Estimate
from endpointctl.prices.terms import MONTH_HOURS, Terms
from endpointctl.prices.text import cell, instances
from sagemaker_llm.models.instance_type import price_origin
from stacks.settings import ENVIRONMENTS, Settings, read_file

ROOT: Final = ENVIRONMENTS.parent
PATH: Final = ROOT / "README.md"
FILES: Final = (
    "environments/dev.yaml",
    "environments/prod.yaml",
    *(f"docs/examples/{n}.yaml" for n in ("embed-v4", "rerank-v3-5")),
)
BEGIN: Final = "<!-- make prices -->\n"
END: Final = "<!-- the end of make prices -->\n"


def name_of(file: str) -> str:
    """Return the environment's name of a file."""
    return file.rpartition("/")[2].removesuffix(".yaml")


def section(templates: Mapping[str, Mapping[str, Template]]) -> str:
    """Return the table and its footer.

    Args:
        templates: the templates of each of ``FILES``, by the environment's name.

    """
    origin = price_origin()
    head = (
        "| environment | model | instances | USD an hour | USD a month | an update adds |\n|---|---|---|---|---|---|\n"
    )
    rows = (_row(file, read_file(ROOT / file), templates[name_of(file)]) for file in FILES)
    footer = (
        f"This is `make plan`, with prices of {origin.region} seen {origin.seen:%Y-%m} ([AWS]({origin.source})); "
        f"a month has {MONTH_HOURS:.0f} hours."
    )
    return f"{head}{''.join(rows)}\n{footer}\n"


def _row(file: str, settings: Settings, templates: Mapping[str, Template]) -> str:
    name, terms, origin = name_of(file), Terms.of(settings), price_origin()
    estimate = Estimate.of(name, templates, terms)
    elsewhere = Estimate.of(name, templates, replace(terms, region=origin.region))
    costs = [
        _cost(getattr(estimate, what), getattr(elsewhere, what), known=estimate.instances_known)
        for what in ("hour", "month", "update")
    ]
    fleets = " + ".join(f"`{instances(fleet)}`" for fleet in estimate.fleets)
    model = settings.model.catalog or "a package of yours"
    return f"| [{name}]({file}), {estimate.region} | {model} | {fleets} | {' | '.join(costs)} |\n"


def _cost(here: Amount, elsewhere: Amount, *, known: bool) -> str:
    """Return a cell; where no price is known, what it is in the one region whose prices are, and which that is."""
    return cell(here) if known else f"unknown; {cell(elsewhere)} in {price_origin().region}"


def written(readme: str, text: str) -> str:
    """Return the README with another section between the two marks."""
    pattern = re.compile(f"(?<={re.escape(BEGIN)}).*(?={re.escape(END)})", re.DOTALL)
    return pattern.sub(lambda _: text, readme, count=1)


def _synthesized() -> dict[str, dict[str, Template]]:
    """Return the templates of ``FILES``, made in this process and not validated."""
    from aws_cdk import App, Stack

    from stacks.stage import LlmStage

    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    app = App(builtin_cloud_formation_validation=False, analytics_reporting=False, context=context)
    stages = [LlmStage(app, name_of(file), settings=read_file(ROOT / file)) for file in FILES]
    assembly = app.synth()
    found: dict[str, dict[str, Template]] = {}
    for stage in stages:
        stacks = [child for child in stage.node.children if isinstance(child, Stack)]
        nested = assembly.get_nested_assembly(stage.artifact_id)
        found[stage.node.id] = {
            stack.node.id: dict(nested.get_stack_artifact(stack.artifact_id).template) for stack in stacks
        }
    return found


if __name__ == "__main__":
    PATH.write_text(written(PATH.read_text("utf-8"), section(_synthesized())), "utf-8")
