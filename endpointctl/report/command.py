"""``endpointctl report``: a results file as a page and as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from endpointctl import files
from endpointctl.failure import Failure
from endpointctl.output import show
from endpointctl.report.advice import Limits, Wish, pick, summary
from endpointctl.report.charts import charts, grid_axes
from endpointctl.report.page import Content, page
from endpointctl.report.statistics import figures, groups, sample_sizes
from endpointctl.report.table import table as csv_table
from endpointctl.sweep.results import read


def report(
    results: Annotated[Path, typer.Argument(help="The file that `endpointctl sweep` wrote.")],
    out: Annotated[Path | None, typer.Option(help="The page. Default: the results' name with .html.")] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help="The same data as CSV; texts that a spreadsheet would run as a formula get a leading apostrophe. "
            "Default: the results' name with .csv.",
        ),
    ] = None,
    prefer: Annotated[list[Wish] | None, typer.Option(help="Pick values for this wish; may be given again.")] = None,
    max_perplexity: Annotated[float | None, typer.Option(help="Of every pick. Default: any.")] = None,
    max_cut_off: Annotated[
        float | None, typer.Option(min=0, max=1, help="The share of cut-off texts of every pick. Default: any.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the page and the CSV file if they exist.")] = False,
) -> None:
    """Show what a sweep found: one page with plots, a summary in words and all texts, and the data as CSV."""
    if results.is_dir():
        raise Failure(f"{results} is a folder: name a results file of `endpointctl sweep`")
    page_path, table_path = out or results.with_suffix(".html"), table or results.with_suffix(".csv")
    files.check_targets([results], {"--out": page_path, "--csv": table_path}, force=force)
    plan, found = read(results)
    if not found:
        raise Failure(f"{results}: holds no result yet: run the sweep")
    sizes = sample_sizes(found)
    whole = figures(plan, found, sizes)
    cells = groups(plan, found, list(plan.parameters), sizes)
    axes = {name: groups(plan, found, [name], sizes) for name in plan.varied}
    picks = [pick(wish, cells, Limits(max_perplexity, max_cut_off)) for wish in prefer or ()]
    sentences = summary(plan, whole, axes)
    over = grid_axes(plan)
    # Each figure costs a look at every text: not twice, and not for a grid that is not shown.
    grid = cells if set(over) == set(plan.parameters) else groups(plan, found, over, sizes) if over else []
    content = Content(plan, found, sentences, picks, charts(plan, axes, grid))
    files.write({page_path: page(content), table_path: csv_table(plan, found)}, force=force)
    for path in (page_path, table_path):
        show(f"{path}")
    for sentence in sentences:
        show(sentence)
    for one in picks:
        show(f"{one.wish}: {one.values} ({one.reason})")
