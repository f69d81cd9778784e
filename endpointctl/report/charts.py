"""The plots, as Plotly's figures. Colours of text and grid are set by the page, which knows light from dark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from endpointctl.report.statistics import Figures, Group
from endpointctl.sweep.plan import Plan

# Okabe and Ito's colours, which people with a colour vision deficiency can tell apart.
_FIRST, _SECOND, _THIRD = "#0072B2", "#D55E00", "#009E73"
_MEASURES: Final[dict[str, str]] = {
    "perplexity": "perplexity",
    "cut_off": "share cut off",
    "tokens": "tokens",
    "characters": "characters",
    "distinct_2": "distinct word pairs",
    "overlap": "overlap between texts",
    "seconds": "seconds, median",
}


@dataclass(frozen=True)
class Chart:
    """A plot, or the reason why there is none.

    Attributes:
        id: its place in the page.
        title: what it shows.
        figure: Plotly's data and layout; None without data.
        note: how to read it, or why it is missing.
        wide: whether it takes the whole width.

    """

    id: str
    title: str
    figure: dict[str, Any] | None
    note: str
    wide: bool = False


def grid_axes(plan: Plan) -> list[str]:
    """Return the two parameters with the most values, across and down; none where no two were combined."""
    names = sorted(plan.varied, key=lambda name: -len(plan.parameters[name]))[:2]
    return names if len(names) == 2 and plan.mode == "product" else []


def charts(plan: Plan, axes: dict[str, list[Group]], grid: Sequence[Group]) -> list[Chart]:
    """Return every chart of the report, also those that the data do not allow.

    Args:
        plan: the sweep.
        axes: for each varied parameter, the figures by its values.
        grid: the figures by the values of ``grid_axes``, over all values of the others.

    """
    return [
        _length(axes.get("max_tokens")),
        _likelihood(axes.get("temperature")),
        _diversity(axes.get("temperature")),
        _speed(axes),
        _heat_map(plan, grid),
    ]


def _length(groups: list[Group] | None) -> Chart:
    title = "Length and cut-off by max_tokens"
    if not groups:
        return Chart("length", title, None, "max_tokens was not varied.")
    unit = "tokens" if any(one.figures.tokens is not None for one in groups) else "characters"
    x = [one.key["max_tokens"] for one in groups]
    data = [
        _line(x, groups, lambda f: getattr(f, unit), f"mean {unit}", _FIRST),
        {**_line(x, groups, lambda f: f.cut_off, "share cut off", _SECOND, dash="dot"), "yaxis": "y2"},
    ]
    layout = _layout("max_tokens", f"mean {unit} of a text", second="share cut off", share=True)
    return Chart("length", title, {"data": data, "layout": layout}, "Cut off: ended at max_tokens, not by itself.")


def _likelihood(groups: list[Group] | None) -> Chart:
    title = "Log-probability and perplexity by temperature"
    if not groups:
        return Chart("likelihood", title, None, "temperature was not varied.")
    if all(one.figures.likelihood is None for one in groups):
        return Chart("likelihood", title, None, "No answer has likelihoods.")
    x = [one.key["temperature"] for one in groups]
    data = [
        _line(x, groups, lambda f: f.likelihood, "mean log-probability", _FIRST),
        {**_line(x, groups, lambda f: f.perplexity, "perplexity", _SECOND, dash="dot"), "yaxis": "y2"},
    ]
    layout = _layout("temperature", "mean log-probability of a token", second="perplexity (logarithmic)")
    layout["yaxis2"]["type"] = "log"
    note = "The nearer to 0, the less the model was surprised by its own text. Perplexity is exp of the negative."
    return Chart("likelihood", title, {"data": data, "layout": layout}, note)


def _diversity(groups: list[Group] | None) -> Chart:
    title = "Diversity by temperature"
    if not groups:
        return Chart("diversity", title, None, "temperature was not varied.")
    x = [one.key["temperature"] for one in groups]
    data = [
        _line(x, groups, lambda f: f.distinct_1, "distinct words", _FIRST),
        _line(x, groups, lambda f: f.distinct_2, "distinct word pairs", _THIRD),
    ]
    if any(one.figures.overlap is not None for one in groups):
        data.append(_line(x, groups, lambda f: f.overlap, "overlap between texts", _SECOND, dash="dot"))
    layout = _layout("temperature", "share")
    layout["yaxis"].update(range=[0, 1.05], tickformat=".0%")
    note = (
        "Distinct: of equally many words, or pairs of neighbours, of each prompt's texts, so that long and short texts "
        "compare. Overlap 1: the same text again."
    )
    return Chart("diversity", title, {"data": data, "layout": layout}, note)


def _speed(axes: dict[str, list[Group]]) -> Chart:
    title = "Time of an answer"
    name = "max_tokens" if "max_tokens" in axes else next(iter(axes), "")
    if not name:
        return Chart("speed", title, None, "Nothing was varied.")
    groups = axes[name]
    x = [one.key[name] for one in groups]
    data = [
        _line(x, groups, lambda f: f.seconds, "median", _FIRST),
        _line(x, groups, lambda f: f.slow_seconds, "95 of 100 within", _THIRD, dash="dash"),
    ]
    if all(one.figures.slow_seconds is None for one in groups):
        data.pop()  # too few answers
    rated = any(one.figures.tokens_per_second is not None for one in groups)
    layout = _layout(name, "seconds", second="tokens a second" if rated else None)
    if rated:
        rate = _line(x, groups, lambda f: f.tokens_per_second, "tokens a second", _SECOND, dash="dot")
        data.append({**rate, "yaxis": "y2"})
    return Chart("speed", title, {"data": data, "layout": layout}, "From sending a request to its last byte.")


def _heat_map(plan: Plan, grid: Sequence[Group]) -> Chart:
    title = "The grid"
    names = grid_axes(plan)
    if not names:
        return Chart("grid", title, None, "A grid needs two parameters, each value with each.")
    across, down = names
    x, y = list(plan.parameters[across]), list(plan.parameters[down])
    known = [name for name in _MEASURES if any(getattr(cell.figures, name) is not None for cell in grid)]
    at = {(cell.key[across], cell.key[down]): cell.figures for cell in grid}
    data = []
    for name in known:
        rows = [[_at(at.get((a, b)), name) for a in x] for b in y]
        data.append(
            {
                "type": "heatmap",
                "x": [str(a) for a in x],
                "y": [str(b) for b in y],
                "z": rows,
                "name": _MEASURES[name],
                "visible": name == known[0],
                "colorscale": "Viridis",
                "texttemplate": "%{z:.3~r}",
                "hovertemplate": f"{across} %{{x}}, {down} %{{y}}: %{{z:.4~g}}<extra>{_MEASURES[name]}</extra>",
                "colorbar": {"thickness": 12},
            }
        )
    layout = _layout(across, down)
    layout["xaxis"].update(type="category")
    layout["yaxis"].update(type="category")
    choices = [
        {"label": _MEASURES[name], "method": "restyle", "args": ["visible", [one == name for one in known]]}
        for name in known
    ]
    menu = {"buttons": choices, "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "direction": "down"}
    layout.update(updatemenus=[menu], showlegend=False, margin={**layout["margin"], "t": 60})
    more = [name for name in plan.varied if name not in names]
    note = f"Choose a measure above. Over all values of {', '.join(more)}." if more else "Choose a measure above."
    return Chart("grid", title, {"data": data, "layout": layout}, note, wide=True)


def _at(figures: Figures | None, name: str) -> float | None:
    return getattr(figures, name) if figures else None


def _line(
    x: list[Any],
    groups: Sequence[Group],
    figure: Callable[[Figures], float | None],
    name: str,
    colour: str,
    dash: str = "solid",
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": x,
        "y": [figure(one.figures) for one in groups],
        "name": name,
        "line": {"color": colour, "dash": dash, "width": 2},
        "marker": {"size": 8},
    }


def _layout(x: str, y: str, *, second: str | None = None, share: bool = False) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": x}, "automargin": True},
        "yaxis": {"title": {"text": y}, "automargin": True, "rangemode": "tozero"},
        "margin": {"t": 16, "r": 16, "b": 48, "l": 56},
        "legend": {"orientation": "h", "y": -0.22},
        "hovermode": "x unified",
        "height": 380,
    }
    if second:
        layout["yaxis2"] = {
            "title": {"text": second},
            "overlaying": "y",
            "side": "right",
            "automargin": True,
            "showgrid": False,
            "tickmode": "auto",
            **({"range": [0, 1.05], "tickformat": ".0%"} if share else {"rangemode": "tozero"}),
        }
    return layout
