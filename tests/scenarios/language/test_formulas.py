from __future__ import annotations

import pytest
from flopprof.scenarios.language.formulas import FormulaError, evaluate_formula
from hypothesis import given
from hypothesis import strategies as st


@given(m=st.integers(1, 10**9), n=st.integers(1, 10**9))
def test_formulas_are_exact_integers(m: int, n: int):
    assert evaluate_formula("2*m*n - m", {"m": m, "n": n}) == 2 * m * n - m
    assert evaluate_formula("n*(n + 1)/2", {"n": n}) == n * (n + 1) // 2
    assert evaluate_formula("-m // n + +m**2", {"m": m, "n": n}) == -m // n + m**2


def test_decimals_mean_what_is_written():
    assert evaluate_formula("0.1*n", {"n": 10}) == 1


def test_min_and_max_choose():
    assert evaluate_formula("min(n, 32) * max(1, n, 2)", {"n": 100}) == 3200


def test_a_whole_number_needs_no_parsing():
    assert evaluate_formula(7, {}) == 7


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        ("n/7", "'n/7' is 1.42857 for n=10, not a whole number"),
        ("n/0", "'n/0' divides by zero for n=10"),
        ("q", "'q': unknown name 'q' for n=10"),
        ("n**n**n", "'n**n**n': a power is too large for n=10"),
        ("n**0.5", "'n**0.5': a power must be whole for n=10"),
        ("n**400", "'n**400': a power is too large for n=10"),
        ("2**200*2**200*2**200", "'2**200*2**200*2**200': a value is too large for n=10"),
        ("1e999", "'1e999': inf is not a finite number for n=10"),
        ("", "'' is not arithmetic over the sweep's names"),
        ("n +", "'n +' is not arithmetic over the sweep's names"),
        ("n" * 501, "a formula of 501 characters is too long (at most 500)"),
    ],
)
def test_a_formula_without_a_value_says_why(formula: str, problem: str):
    with pytest.raises(FormulaError) as caught:
        evaluate_formula(formula, {"n": 10})
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('os')",
        "n.real",
        "[n]",
        "n if n else 1",
        "lambda: n",
        "n < 3",
        "n and 1",
        "True",
        "'n'",
        "max()",
        "max(n, key=n)",
        "max(*n)",
        "abs(n)",
        "n % 3",
        "~n",
        "(n := 3)",
        "n; n",
    ],
)
def test_only_arithmetic_is_allowed(formula: str):
    with pytest.raises(FormulaError, match="is not arithmetic"):
        evaluate_formula(formula, {"n": 10})


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("9**9**9**9", "a power is too large"),
        ("(" * 240 + "n" + ")" * 240, "is not arithmetic over the sweep's names"),
        ("n*" * 249 + "n", "a value is too large"),
    ],
    ids=["a tower of powers", "parentheses", "a long product"],
)
def test_what_would_hang_is_refused_before_it_is_computed(formula: str, says: str):
    with pytest.raises(FormulaError, match=says):
        evaluate_formula(formula, {"n": 10**9})


def test_a_formula_of_signs_has_its_value():
    assert evaluate_formula("-" * 491 + "n", {"n": 10**9}) == -(10**9)
