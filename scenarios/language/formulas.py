"""Arithmetic over a sweep's names, evaluated exactly and never by ``eval``.

``"2*n**2 - n"`` is parsed by `ast` and walked over a whitelist: numbers, names, ``+ - * / // **``, unary
signs, parentheses, ``min(…)`` and ``max(…)``. Values are fractions, so ``n/2*2`` is exact; a result that must
be a whole number and is not is an error. Powers are bounded before they are computed: no formula can hang.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

LONGEST_FORMULA = 500

LARGEST_BITS = 512
"""No intermediate value may need more; a FLOP count needs 64."""

_BINARY: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
}

_CHOICES: dict[str, Callable[[list[Fraction]], Fraction]] = {"min": min, "max": max}


class FormulaError(ValueError):
    """A formula is not arithmetic, or has no value; the text says which formula and why."""


def evaluate_formula(formula: str | int, values: Mapping[str, int]) -> int:
    """The whole number a formula gives for these values.

    >>> evaluate_formula("2*n**2 - n", {"n": 1000})
    1999000

    Raises FormulaError when a name is unknown, the result is not whole, or a value grows out of bounds.
    """
    if isinstance(formula, int):
        return formula
    tree = _parse(formula)
    try:
        result = _value(tree, values)
    except ZeroDivisionError:
        raise FormulaError(f"'{formula}' divides by zero{_for(values)}") from None
    except FormulaError as problem:
        raise FormulaError(f"'{formula}': {problem}{_for(values)}") from None
    if result.denominator != 1:
        raise FormulaError(f"'{formula}' is {float(result):g}{_for(values)}, not a whole number")
    return result.numerator


def _for(values: Mapping[str, int]) -> str:
    return " for " + ", ".join(f"{name}={value}" for name, value in values.items()) if values else ""


def _parse(formula: str) -> ast.expr:
    if len(formula) > LONGEST_FORMULA:
        raise FormulaError(f"a formula of {len(formula)} characters is too long (at most {LONGEST_FORMULA})")
    try:
        tree = ast.parse(formula.strip(), mode="eval").body
        _allow(tree, formula)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        if isinstance(problem, FormulaError):
            raise
        raise FormulaError(f"'{formula}' is not arithmetic over the sweep's names") from None
    return tree


def _allow(node: ast.expr, formula: str) -> None:
    """Refuse whatever is not arithmetic, before any value is computed."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return
        case ast.Name():
            return
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            _allow(operand, formula)
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _BINARY or isinstance(op, ast.Pow):
            _allow(left, formula)
            _allow(right, formula)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _CHOICES and args:
            for argument in args:
                _allow(argument, formula)
        case _:
            allowed = "numbers, names, + - * / // **, parentheses, min and max"
            raise FormulaError(f"'{formula}' is not arithmetic: only {allowed} are allowed")


def _value(node: ast.expr, values: Mapping[str, int]) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as number):
            return _bounded(_fraction(number))
        case ast.Name(id=name):
            if name not in values:
                raise FormulaError(f"unknown name '{name}'")
            return Fraction(values[name])
        case ast.UnaryOp(op=op, operand=operand):
            value = _value(operand, values)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            return _power(_value(left, values), _value(right, values))
        case ast.BinOp(op=op, left=left, right=right):
            return _bounded(_BINARY[type(op)](_value(left, values), _value(right, values)))
        case ast.Call(func=ast.Name(id=name), args=args):
            return _CHOICES[name]([_value(argument, values) for argument in args])
        case _:
            raise AssertionError(f"_allow let {node!r} through")


def _fraction(number: int | float) -> Fraction:
    """0.1 means a tenth, as written, not the nearest binary float."""
    try:
        return Fraction(str(number))
    except ValueError:
        raise FormulaError(f"{number} is not a finite number") from None


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise FormulaError("a power must be whole")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(exponent) > LARGEST_BITS or bits * abs(exponent) > LARGEST_BITS:
        raise FormulaError("a power is too large")
    return base**exponent.numerator


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > LARGEST_BITS:
        raise FormulaError("a value is too large")
    return value
