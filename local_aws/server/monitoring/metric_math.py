"""Metric math: the operators and functions that alarms and dashboards of this project use, and no others.

Source: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

Value: TypeAlias = float | None
Values: TypeAlias = list[Value]

_BINARY: Final[Mapping[type[ast.AST], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
_MOST: Final[Mapping[str, Callable[[list[float]], float]]] = {"MAX": max, "MIN": min, "SUM": sum}


class MathError(ValueError):
    """An expression that CloudWatch would refuse, or that the local cloud does not know."""


def names(expression: str) -> set[str]:
    """Return the ids that an expression uses.

    Raises:
        MathError: it cannot be parsed.

    """
    return {node.id for node in ast.walk(_parsed(expression)) if isinstance(node, ast.Name)} - {"FILL", "IF", *_MOST}


def evaluate(expression: str, series: Mapping[str, Sequence[Value]]) -> Values:
    """Return the values of an expression, datapoint by datapoint; None where one that it needs is missing.

    Args:
        expression: the expression.
        series: the values of each id, all of the same length.

    Raises:
        MathError: it uses what is not known.

    """
    tree = _parsed(expression)
    count = max((len(values) for values in series.values()), default=0)
    return [_of(tree, {name: values[number] for name, values in series.items()}) for number in range(count)]


def _parsed(expression: str) -> ast.expr:
    try:
        return ast.parse(expression, mode="eval").body
    except SyntaxError:
        raise MathError(f"Error in expression {expression!r}: Syntax error") from None


def _of(node: ast.AST, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _two(_BINARY[type(op)], _of(left, values), _of(right, values))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _BINARY:
            return _two(_BINARY[type(op)], _of(left, values), _of(right, values))
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, replacement]):
            found = _of(filled, values)
            return _of(replacement, values) if found is None else found
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            truth = _of(condition, values)
            return None if truth is None else _of(then if truth else otherwise, values)
        case ast.Call(func=ast.Name(id=name), args=[ast.List(elts=elements)]) if name in _MOST:
            known = [value for element in elements if (value := _of(element, values)) is not None]
            return float(_MOST[name](known)) if known else None
    raise MathError(f"Error in expression: the local cloud does not know {ast.unparse(node)!r}")


def _two(apply: Callable[[float, float], Any], left: Value, right: Value) -> Value:
    if left is None or right is None or (apply is operator.truediv and right == 0):
        return None
    return float(apply(left, right))
