"""A sweep's results as CSV: one row for each text, and one for each error.

Columns: ``call``, ``prompt`` (its id), ``repeat``, ``seed``, one for each varied parameter, ``seconds``, ``attempts``,
``tokens``, ``likelihood``, ``perplexity``, ``cut_off``, ``finish_reason``, ``text``, ``code``, ``message``. What is not
known is empty.

Spreadsheets run a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return as a formula. A cell of
text (not of a number) that begins so gets an apostrophe in front, which spreadsheets take as "this is text". Programs
that need the exact texts read the results file. Source: owasp.org/www-community/attacks/CSV_Injection.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

from endpointctl.report.statistics import cut_off, mean_likelihood, perplexity
from endpointctl.sweep.plan import Plan
from endpointctl.sweep.result import Result

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def table(plan: Plan, results: Sequence[Result]) -> str:
    """Return the results as CSV."""
    names = list(plan.parameters)
    head = ["call", "prompt", "repeat", "seed", *names, "seconds", "attempts", "tokens", "likelihood", "perplexity"]
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([*head, "cut_off", "finish_reason", "text", "code", "message"])
    for result in results:
        for row in _rows(plan, result, names):
            writer.writerow([_cell(value) for value in row])
    return file.getvalue()


def _cell(value: Any) -> Any:  # noqa: ANN401 - JSON
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


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
