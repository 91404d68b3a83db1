"""Amounts such as ``1-x`` or ``0.5*(1-x)/2``, evaluated without Python's own evaluator."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Final

from aiida_mlhull.science.errors import InputError

LONGEST: Final = 200
"""Characters; published expressions have a few dozen."""

_TWO: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_ONE: Final[dict[type[ast.unaryop], Callable[[float], float]]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


def evaluate(text: str, variables: Mapping[str, float]) -> float:
    """The value of an expression of numbers, variables, ``+ - * /`` and brackets.

    Args:
        text: the expression.
        variables: value of each name.

    Raises:
        InputError: if there is anything else in it, a variable has no value, or the result is not finite.
    """
    if len(text) > LONGEST:
        raise InputError(f"expression of {len(text)} characters: {text[:30]!r} ...")
    try:
        value = _value(ast.parse(text.strip(), mode="eval").body, variables)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"not an amount: {text!r} ({error})") from error
    except ZeroDivisionError:
        raise InputError(f"division by zero in {text!r}") from None
    if not math.isfinite(value):
        raise InputError(f"{text!r} is not finite")
    return value


def _value(node: ast.expr, variables: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in {int, float}:
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        if node.id not in variables:
            raise ValueError(f"the variable {node.id} has no value")
        return variables[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _TWO:
        return _TWO[type(node.op)](_value(node.left, variables), _value(node.right, variables))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _ONE:
        return _ONE[type(node.op)](_value(node.operand, variables))
    raise ValueError("only numbers, variables, + - * / and brackets are understood")
