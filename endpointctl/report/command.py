"""``endpointctl report``: a results file as a page and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from endpointctl.failure import Failure
from endpointctl.report.advice import Limits, Wish, pick, summary
from endpointctl.report.charts import charts
from endpointctl.report.page import Content, page
from endpointctl.report.statistics import cut_off, figures, groups, mean_likelihood, perplexity
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.results import Result, read

_out = Console(highlight=False, soft_wrap=True)


def report(
    results: Annotated[Path, typer.Argument(help="What `endpointctl sweep` wrote.")],
    out: Annotated[Path | None, typer.Option(help="The page. Default: the results' name with .html.")] = None,
    table: Annotated[Path | None, typer.Option("--csv", help="The same data as CSV. Default: with .csv.")] = None,
    prefer: Annotated[list[Wish] | None, typer.Option(help="Pick values for this wish; may be given again.")] = None,
    max_perplexity: Annotated[float | None, typer.Option(help="Of every pick. Default: any.")] = None,
    max_cut_off: Annotated[
        float | None, typer.Option(min=0, max=1, help="The share of cut-off texts of every pick. Default: any.")
    ] = None,
) -> None:
    """Show what a sweep found: one page with plots, a summary in words and all texts, and the data as CSV."""
    plan, found = read(results)
    if not found:
        raise Failure(f"{results}: holds no result yet: run the sweep")
    cells = groups(plan, found, list(plan.parameters))
    axes = {name: groups(plan, found, [name]) for name in plan.varied}
    whole = figures(plan, found)
    picks = [pick(wish, cells, Limits(max_perplexity, max_cut_off)) for wish in prefer or ()]
    said = summary(plan, whole, axes)
    content = Content(plan, found, whole, said, picks, charts(plan, axes, cells))
    _write(out or results.with_suffix(".html"), page(content))
    _write_table(table or results.with_suffix(".csv"), plan, found)
    for sentence in said:
        _out.print(sentence, markup=False)
    for one in picks:
        values = ", ".join(f"{name} {value}" for name, value in one.key.items()) or "none"
        _out.print(f"{one.wish}: {values} ({one.reason})", markup=False)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}: name another file") from None
    _out.print(f"{path}", markup=False)


def _write_table(path: Path, plan: Plan, results: Sequence[Result]) -> None:
    """Write one row for each text, and one for each error."""
    names = list(plan.parameters)
    head = ["call", "prompt", "repeat", "seed", *names, "seconds", "attempts", "tokens", "likelihood", "perplexity"]
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*head, "cut_off", "finish_reason", "text", "code", "message"])
            for result in results:
                for row in _rows(plan, result, names):
                    writer.writerow(["" if value is None else value for value in row])
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}: name another file") from None
    _out.print(f"{path}", markup=False)


def _rows(plan: Plan, result: Result, names: list[str]) -> list[list[Any]]:
    parameters = result.parameters
    head = [result.call, result.prompt, result.repeat, parameters.get("seed"), *(parameters.get(n) for n in names)]
    head += [result.seconds, result.attempts]
    if not result.ok:
        return [[*head, None, None, None, None, None, None, result.code, result.message]]
    rows = []
    for one in result.generations:
        likelihood = mean_likelihood([one])
        ends = [cut_off(plan, result, one), one.finish_reason, one.text, None, None]
        rows.append([*head, one.tokens, likelihood, perplexity(likelihood), *ends])
    return rows
