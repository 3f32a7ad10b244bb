"""How many examples a property is tried on: all with the slow tests, a fifth of them without."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.mark.structures import ParameterSet
from hypothesis import settings

WHOLE = 100


def load_draws(*, all_of_them: bool) -> None:
    """Before the tests are imported; the same examples every time, however long one takes."""
    number = WHOLE if all_of_them else WHOLE // 5
    settings.register_profile("flopprof", deadline=None, derandomize=True, max_examples=number)
    settings.load_profile("flopprof")


def draws(number: int) -> settings:
    """Of a property that deserves another number of examples than WHOLE."""
    usual = settings.get_profile("flopprof").max_examples
    return settings(max_examples=max(1, number * usual // WHOLE))


def one_in(number: int, cases: Iterable[object]) -> list[ParameterSet]:
    """Cases of a test of which one in `number` is tried each time, and the others with the slow tests."""
    slow = pytest.mark.slow
    return [
        pytest.param(*(case if isinstance(case, tuple) else [case]), marks=[slow] if place % number else [])
        for place, case in enumerate(cases)
    ]
