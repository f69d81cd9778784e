"""The report as one page that needs nothing beside it: no network, no other file."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from endpointctl.report.advice import Pick
from endpointctl.report.charts import Chart
from endpointctl.report.statistics import cut_off, mean_likelihood, perplexity
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.result import Result


@dataclass(frozen=True)
class Content:
    """What a page shows.

    Attributes:
        plan: the sweep.
        results: the result of each call.
        summary: sentences.
        picks: values for wishes.
        charts: the plots.

    """

    plan: Plan
    results: Sequence[Result]
    summary: Sequence[str]
    picks: Sequence[Pick]
    charts: Sequence[Chart]


def page(content: Content) -> str:
    """Return the page's HTML."""
    import plotly.offline  # half a second, which the other commands do without

    parts = {
        "TITLE": html.escape(f"Sweep of {content.plan.environment}"),
        "PLAN": _plan(content.plan),
        "SUMMARY": "".join(f"<li>{html.escape(one)}</li>" for one in content.summary),
        "PICKS": "".join(_pick(one) for one in content.picks),
        "CHARTS": "".join(_chart(one) for one in content.charts),
        "FIGURES": _embedded({one.id: one.figure for one in content.charts if one.figure}),
        "ROWS": _embedded(_rows(content.plan, content.results)),
        "PLOTLY": plotly.offline.get_plotlyjs(),
    }
    text = files("endpointctl.report").joinpath("page.html").read_text("utf-8")
    # In one pass: what a model wrote may look like one of our marks.
    pieces = text.split("{{")
    found = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        found += [parts[name], rest]
    return "".join(found)


def _plan(plan: Plan) -> str:
    rows = [("environment", plan.environment), ("calls", str(plan.count))]
    rows += [(name, ", ".join(map(str, values))) for name, values in plan.parameters.items()]
    rows += [("combined", "each value with each" if plan.mode == "product" else "first with first")]
    rows += [("repetitions", str(plan.repeats))] if plan.repeats > 1 else []
    rows += [("seed", str(plan.seed))] if plan.seed is not None else []
    rows += [(name, json.dumps(value)) for name, value in (plan.fixed or {}).items()]
    prompts = list(plan.prompts.values())
    rows += [("prompt", prompts[0])] if len(prompts) == 1 else [("prompts", str(len(prompts)))]
    return "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in rows)


def _pick(pick: Pick) -> str:
    return (
        f'<li class="pick"><span>{html.escape(pick.wish)}</span> <strong>{html.escape(pick.values)}</strong> '
        f"<small>{html.escape(pick.reason)}</small></li>"
    )


def _chart(chart: Chart) -> str:
    title, note = html.escape(chart.title), html.escape(chart.note)
    plot = (
        f'<div class="plot" id="plot-{chart.id}" role="img" aria-label="{title}. {note}"></div>' if chart.figure else ""
    )
    kind = "chart" + (" wide" if chart.wide else "") if chart.figure else "chart missing"
    return f'<section class="{kind}"><h2>{title}</h2>{plot}<p class="note">{note}</p></section>'


def _rows(plan: Plan, results: Sequence[Result]) -> dict[str, Any]:
    """Return the table's rows: one for each text, and one for each error."""
    names = list(plan.parameters)
    rows: list[list[Any]] = []
    for result in results:
        values = [result.parameters.get(name) for name in names]
        head = [result.call, result.prompt, result.repeat, *values]
        for one in result.generations:
            likelihood = mean_likelihood([one])
            figures = [one.tokens, _rounded(perplexity(likelihood)), cut_off(plan, result, one), result.seconds]
            rows.append([*head, *figures, one.text, ""])
        if not result.ok:
            rows.append([*head, None, None, None, result.seconds, "", result.message or result.code])
    columns = ["call", "prompt", "repeat", *names, "tokens", "perplexity", "cut off", "seconds", "text", "error"]
    return {"columns": columns, "parameters": names, "rows": rows, "prompts": dict(plan.prompts)}


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else float(f"{value:.4g}")


def _embedded(document: Any) -> str:  # noqa: ANN401 - JSON
    """Return JSON that can end no script element, whatever a model wrote. An infinite number is none in JSON."""
    text = json.dumps(_finite(document), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _finite(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return value
