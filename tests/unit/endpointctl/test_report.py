"""The report: figures worked out by hand, picks with reasons, a page that no text can break, a look in a browser."""

import csv
import json
import math
import os
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from endpointctl.completion import Generation
from endpointctl.failure import Failure
from endpointctl.report import statistics
from endpointctl.report.advice import Limits, Wish, pick, summary
from endpointctl.report.charts import charts, grid_axes
from endpointctl.report.command import report
from endpointctl.report.page import Content, page
from endpointctl.report.statistics import Figures, Group, figures, groups
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.result import Result
from endpointctl.sweep.results import opened

PLAN = Plan("dev", {"max_tokens": [3, 9], "temperature": [0, 1]}, {"1": "p"}, repeats=2, seed=5)
NASTY = "</script><script>document.title='broken'</script><img src=x onerror=alert(1)> {{ROWS}} \u2028 & <b>"


def generation(text: str, likelihoods: tuple[float, ...] | None = None, reason: str | None = None) -> Generation:
    mean = sum(likelihoods) / len(likelihoods) if likelihoods else None
    return Generation(text, reason, mean, likelihoods)


def result(number: int, *texts: Generation, seconds: float = 1.0, **parameters: Any) -> Result:
    tokens = [one.tokens for one in texts]
    out = None if None in tokens else sum(one or 0 for one in tokens)
    return Result(number, "1", 0, parameters, seconds, 1, texts, None, out)


def error(number: int, **parameters: Any) -> Result:
    return Result(number, "1", 0, parameters, 0.5, 1, code="model_refused", message="HTTP 400: " + NASTY)


# a b c: three tokens of -1; a b d e: three tokens of -1, -2, -3.
ONE = result(0, generation("a b c", (-1.0, -1.0, -1.0)), seconds=2.0, max_tokens=3, temperature=0, seed=5)
TWO = result(4, generation("a b d E", (-1.0, -2.0, -3.0)), seconds=4.0, max_tokens=3, temperature=0, seed=6)


def test_figures_by_hand() -> None:
    found = figures(PLAN, [ONE, TWO, error(1, max_tokens=3, temperature=1, seed=5)])
    assert (found.answers, found.errors, found.texts) == (2, 1, 2)
    assert (found.characters, found.tokens) == ((5 + 7) / 2, 3)
    assert found.cut_off == 1.0  # three tokens of three
    assert found.likelihood == pytest.approx(-9 / 6)
    assert found.perplexity == pytest.approx(math.exp(1.5))
    assert found.distinct_1 == pytest.approx(5 / 7)  # a b c d e of seven words
    assert found.distinct_2 == pytest.approx(4 / 5)  # ab bc bd de of five pairs
    assert found.overlap == pytest.approx(1 / 4)  # ab of ab bc bd de
    assert (found.seconds, found.slow_seconds) == (3.0, None)
    assert found.tokens_per_second == pytest.approx(6 / 6)


@pytest.mark.parametrize(("count", "slow"), [(19, None), (20, 19.0), (40, 38.0)])
def test_95_of_100_needs_twenty_answers(count: int, slow: float | None) -> None:
    found = [result(number, generation("a"), seconds=number, max_tokens=3) for number in range(1, count + 1)]
    assert figures(PLAN, found).slow_seconds == slow


def test_what_is_missing_is_not_known() -> None:
    found = figures(PLAN, [result(0, generation(""), max_tokens=3, temperature=0, seed=5)])
    unknown = (found.tokens, found.cut_off, found.likelihood, found.perplexity, found.distinct_1, found.distinct_2)
    assert unknown == (None,) * 6
    assert (found.overlap, found.tokens_per_second, found.characters) == (None, None, 0)
    nothing = figures(PLAN, [error(0)])
    assert (nothing.answers, nothing.errors, nothing.seconds, nothing.characters) == (0, 1, None, None)


def test_only_texts_that_differ_by_chance_are_compared() -> None:
    other = result(1, generation("a b c", (-1.0,)), max_tokens=3, temperature=1, seed=5)
    assert figures(PLAN, [ONE, other]).overlap is None
    twice = result(0, generation("a b"), generation("a b"), max_tokens=3, temperature=0)
    assert figures(PLAN, [twice]).overlap == 1.0


@pytest.mark.parametrize(
    ("one", "limit", "cut"),
    [
        (generation("t", (-1.0,) * 9), 9, True),
        (generation("t", (-1.0,) * 8), 9, False),
        (generation("t", None), 9, None),
        (generation("t", (-1.0,)), None, None),
        (generation("t", None, "MAX_TOKENS"), 9, True),
        (generation("t", (-1.0,) * 9, "COMPLETE"), 9, False),
    ],
)
def test_what_is_cut_off(one: Generation, limit: int | None, cut: bool | None) -> None:
    parameters = {} if limit is None else {"max_tokens": limit}
    assert statistics.cut_off(PLAN, result(0, one, **parameters), one) is cut


def test_a_limit_that_all_calls_share_counts_too() -> None:
    plan = Plan("dev", {"k": [0, 1]}, {"1": "p"}, fixed={"max_tokens": 2})
    one = generation("t", (-1.0, -1.0))
    assert statistics.cut_off(plan, result(0, one, k=0), one) is True


def test_a_perplexity_beyond_a_float_is_infinite() -> None:
    assert statistics.perplexity(-5000.0) == math.inf
    assert statistics.perplexity(0.0) == 1.0


def test_groups_are_in_the_plans_order() -> None:
    plan = Plan("dev", {"k": [5, 1, 3]}, {"1": "p"})
    found = groups(plan, [result(0, generation("a"), k=3), result(1, generation("a"), k=5)], ["k"])
    assert [one.key for one in found] == [{"k": 5}, {"k": 3}]


def cell(max_tokens: int, temperature: float, **known: Any) -> Group:
    given: dict[str, Any] = {"answers": 1, "errors": 0, "texts": 1, "seconds": 1.0, **known}
    return Group({"max_tokens": max_tokens, "temperature": temperature}, Figures(**given))


CELLS = [
    cell(100, 0, cut_off=0.9, perplexity=2.0, distinct_2=0.5, seconds=1.0),
    cell(200, 0, cut_off=0.05, perplexity=3.0, distinct_2=0.6, seconds=2.0),
    cell(200, 1, cut_off=0.0, perplexity=2.5, distinct_2=0.7, seconds=2.5),
    cell(300, 1, cut_off=0.0, perplexity=40.0, distinct_2=0.9, seconds=3.0),
]


@pytest.mark.parametrize(
    ("wish", "limits", "key"),
    [
        # Two combinations of 200 are complete enough: the likelier one.
        (Wish.SHORTEST_COMPLETE, Limits(), {"max_tokens": 200, "temperature": 1}),
        (Wish.SHORTEST_COMPLETE, Limits(cut_off=1.0), {"max_tokens": 100, "temperature": 0}),
        (Wish.SHORTEST_COMPLETE, Limits(perplexity=1.0), {}),
        (Wish.MOST_LIKELY, Limits(), {"max_tokens": 100, "temperature": 0}),
        (Wish.MOST_LIKELY, Limits(cut_off=0.5), {"max_tokens": 200, "temperature": 1}),
        (Wish.MOST_DIVERSE, Limits(), {"max_tokens": 300, "temperature": 1}),
        (Wish.MOST_DIVERSE, Limits(perplexity=10), {"max_tokens": 200, "temperature": 1}),
        (Wish.FASTEST, Limits(), {"max_tokens": 100, "temperature": 0}),
    ],
)
def test_picks(wish: Wish, limits: Limits, key: dict[str, Any]) -> None:
    found = pick(wish, CELLS, limits)
    assert found.key == key
    assert ("no combination keeps to a perplexity of at most 1" in found.reason) == (not key)


@pytest.mark.parametrize(
    ("wish", "cells", "limits", "message"),
    [
        (Wish.SHORTEST_COMPLETE, [Group({"k": 1}, Figures(1, 0, 1))], Limits(), "max_tokens was not varied"),
        (Wish.MOST_LIKELY, [cell(1, 0)], Limits(), "no answer has likelihoods"),
        (Wish.FASTEST, [cell(1, 0)], Limits(perplexity=5), "no answer has likelihoods"),
        (Wish.FASTEST, [cell(1, 0)], Limits(cut_off=0.1), "no answer has finish reasons, nor tokens"),
    ],
)
def test_wishes_that_the_data_cannot_answer(wish: Wish, cells: list[Group], limits: Limits, message: str) -> None:
    with pytest.raises(Failure, match=f"^--prefer {wish}: {message}"):
        pick(wish, cells, limits)


def test_the_summary_says_what_changes_and_what_is_not_known() -> None:
    axes = {
        "max_tokens": [CELLS[0], CELLS[3]],
        "temperature": [cell(1, 0, likelihood=-1.0), cell(1, 5, likelihood=-4.0)],
    }
    sentences = summary(PLAN, Figures(6, 1, 6, likelihood=-2.0), axes)
    assert sentences[0] == "6 of 8 calls were answered, 1 failed, 1 were not made yet."
    assert "From max_tokens 100 to 300 the share of texts that are cut off falls from 90% to 0%." in sentences
    assert "From temperature 0 to 5 the mean log-probability of a token falls from -1 to -4." in sentences
    assert any("how alike repetitions are is not known" in one for one in sentences)


def grid(repeats: int = 3, likelihoods: bool = True) -> tuple[Plan, list[Result]]:
    """Return a sweep of the article's shape, with a refusal and a text that would break a careless page."""
    values = {"max_tokens": [100, 200, 300, 400, 500], "temperature": [0, 1, 2, 3, 4, 5]}
    plan = Plan("dev", values, {"1": "Write a post:", "2": "And another:"}, repeats=repeats, seed=1)
    generator, words = random.Random(7), [f"word{number}" for number in range(60)]
    found = []
    for call in plan.calls:
        limit, heat = call.parameters["max_tokens"], call.parameters["temperature"]
        length = min(limit, round(generator.gauss(220, 60)))
        text = " ".join(generator.choices(words[: 6 + 9 * heat], k=max(length, 1)))
        likely = tuple(generator.gauss(-0.4 - heat, 0.1) for _ in range(length)) if likelihoods else None
        one = generation(NASTY if call.number == 3 else text, likely)
        made = result(call.number, one, seconds=0.2 + length / 100, **call.parameters)
        found.append(Result(**{**vars(made), "prompt": call.prompt, "repeat": call.repeat}))
    found[5] = Result(**{**vars(error(5, **plan.calls[5].parameters)), "prompt": plan.calls[5].prompt})
    return plan, found


def written(path: Path, plan: Plan, found: list[Result]) -> Path:
    with opened(path, plan) as (results, _):
        for one in found:
            results.add(one)
    return path


def test_a_figure_is_the_same_in_page_and_table(tmp_path: Path) -> None:
    plan, found = grid()
    path = written(tmp_path / "r.jsonl", plan, found)
    report(path, prefer=[Wish.SHORTEST_COMPLETE, Wish.MOST_DIVERSE], max_perplexity=50)
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found) == 180
    hot = [float(row["likelihood"]) for row in rows if row["temperature"] == "5" and row["likelihood"]]
    tokens = [int(row["tokens"]) for row in rows if row["temperature"] == "5" and row["tokens"]]
    by_hand = sum(a * b for a, b in zip(hot, tokens, strict=True)) / sum(tokens)
    text = (tmp_path / "r.html").read_text("utf-8")
    embedded = json.loads(re.search(r'id="figures">(.*?)</script>', text)[1])  # type: ignore[index]
    (shown,) = [one for one in embedded["likelihood"]["data"] if one["name"] == "mean log-probability"]
    assert shown["y"][-1] == pytest.approx(by_hand)
    speed = {one["name"] for one in embedded["speed"]["data"]}
    assert "95 of 100 within" in speed
    assert next(row for row in rows if row["code"])["message"] == "HTTP 400: " + NASTY
    assert next(row for row in rows if row["call"] == "3")["text"] == NASTY


def test_no_text_breaks_the_page() -> None:
    plan, found = grid()
    axes = {name: groups(plan, found, [name]) for name in plan.varied}
    cells = groups(plan, found, list(plan.parameters))
    content = Content(plan, found, [NASTY], [], charts(plan, axes, cells))
    text = page(content)
    assert text.count("</script>") == 4 + text.split('id="rows"')[1].split("<script>")[1].count("</script>") - 1
    assert "<img src=x" not in text
    assert "<b> &" not in text
    rows = json.loads(re.search(r'id="rows">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    assert any(NASTY in row for row in rows["rows"])
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text.split("<script>")[0]), "nothing is fetched"


def test_charts_that_the_data_do_not_allow_say_why() -> None:
    plan = Plan("dev", {"k": [0, 5]}, {"1": "p"})
    found = [result(0, generation("a b"), k=0), result(1, generation("a c"), k=5)]
    made = {one.id: one for one in charts(plan, {"k": groups(plan, found, ["k"])}, groups(plan, found, ["k"]))}
    assert {name for name, one in made.items() if one.figure} == {"speed"}
    assert made["speed"].figure
    assert [one["name"] for one in made["speed"].figure["data"]] == ["median"], "two answers have no 95 of 100"
    assert made["length"].note == "max_tokens was not varied."
    assert made["grid"].note.startswith("A grid needs two parameters")
    plan, found = grid(likelihoods=False)
    axes = {name: groups(plan, found, [name]) for name in plan.varied}
    made = {one.id: one for one in charts(plan, axes, groups(plan, found, list(plan.parameters)))}
    assert made["likelihood"].figure is None
    assert made["length"].figure
    assert made["length"].figure["layout"]["yaxis"]["title"]["text"] == "mean characters of a text"


def test_a_cell_of_the_grid_is_over_all_values_of_the_other_parameters() -> None:
    plan = Plan("dev", {"max_tokens": [10, 20, 30], "temperature": [0, 1], "k": [0, 5]}, {"1": "p"})
    lengths = {call.number: 1 + call.number for call in plan.calls}
    found = [
        result(call.number, generation("a" * lengths[call.number]), seconds=1.0, **call.parameters)
        for call in plan.calls
    ]
    assert grid_axes(plan) == ["max_tokens", "temperature"]
    made = charts(plan, {}, groups(plan, found, grid_axes(plan)))
    (grid_chart,) = [one for one in made if one.id == "grid"]
    assert grid_chart.figure
    (shown,) = [one["z"] for one in grid_chart.figure["data"] if one["name"] == "characters"]

    def mean(max_tokens: int, temperature: int) -> float:
        cell = {"max_tokens": max_tokens, "temperature": temperature}
        inside = [lengths[call.number] for call in plan.calls if call.parameters.items() >= cell.items()]
        assert len(inside) == 2
        return sum(inside) / 2

    assert shown == [[mean(a, b) for a in (10, 20, 30)] for b in (0, 1)]


def test_results_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="holds no result yet"):
        report(written(tmp_path / "r.jsonl", PLAN, []))
    plan, found = grid(repeats=1)
    path = written(tmp_path / "s.jsonl", plan, found)
    with pytest.raises(Failure, match="No such file or directory: name another file"):
        report(path, out=tmp_path / "missing" / "r.html")


BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
LOOK = """<!doctype html><iframe id="f" src="{name}" width="{width}" height="2000"></iframe><pre id="result"></pre>
<script>
const frame = document.getElementById("f");
window.onload = () => {{
  const drawn = setInterval(() => {{
    if (frame.contentDocument.documentElement.dataset.ready) {{
      clearInterval(drawn);
      look();
    }}
  }}, 100);
}};
function look() {{
  const page = frame.contentDocument, root = page.documentElement, search = page.getElementById("search");
  const plots = [...page.querySelectorAll(".plot")].map((one) => one.querySelectorAll("svg.main-svg").length > 0);
  const before = page.querySelectorAll("article.text").length;
  search.value = "broken";
  search.dispatchEvent(new Event("input"));
  document.getElementById("result").textContent = JSON.stringify({{
    ready: root.dataset.ready, plots, title: page.title, before, found: page.querySelectorAll("article.text").length,
    wide: root.scrollWidth, inner: frame.contentWindow.innerWidth,
    paper: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
  }});
}}
</script>"""


@pytest.mark.skipif(not BROWSER, reason="no Chromium is found: install Debian's package chromium")
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_look_at_the_page_in_a_browser(tmp_path: Path, width: int, dark: bool) -> None:
    report(written(tmp_path / "r.jsonl", *grid()), prefer=[Wish.MOST_LIKELY])
    (tmp_path / "look.html").write_text(LOOK.format(name="r.html", width=width), "utf-8")
    command = [str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += ["--virtual-time-budget=60000", f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr"]
    command += ["--force-dark-mode"] if dark else []
    command += ["--window-size=1400,2200", "--dump-dom", (tmp_path / "look.html").as_uri()]
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True, env=environment)
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    look = json.loads(re.search(r'<pre id="result">(.*?)</pre>', done.stdout)[1])  # type: ignore[index]
    assert (look["ready"], look["plots"]) == ("5", [True] * 5)
    assert look["title"] == "Sweep of dev", "a text ran as a script"
    assert (look["before"], look["found"]) == (40, 2), "the text, and the refusal that repeats it"
    assert look["inner"] == width
    assert look["wide"] <= width, "the page scrolls sideways"
    light = sum(map(int, re.findall(r"\d+", look["paper"]))) > 380
    assert light != dark
