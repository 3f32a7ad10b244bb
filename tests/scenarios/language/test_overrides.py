"""Settings given as Python values change a scenario as their ``--set`` texts would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flopprof.scenarios.language.overrides import Setting, write_overrides
from flopprof.scenarios.language.schema import ScenarioFile
from flopprof.scenarios.plan.load import load_scenario
from hypothesis import given
from hypothesis import strategies as st


def load(settings: dict[str, Setting]) -> ScenarioFile:
    return load_scenario("outer", write_overrides(settings)).file


@given(sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=5, unique=True))
def test_sizes_arrive_as_they_were_given(sizes: list[int]) -> None:
    ways: list[Any] = [sizes, tuple(sizes), (n for n in sizes), np.array(sizes)]
    assert [load({"n": way}).sweep["n"] for way in ways] == [tuple(sizes)] * len(ways)


@given(seconds=st.floats(1e-300, 86_400, allow_nan=False, allow_infinity=False))
def test_numbers_arrive_to_the_last_digit(seconds: float) -> None:
    assert load({"reps.max_seconds": seconds}).reps.max_seconds == seconds


@pytest.mark.parametrize(
    ("settings", "texts"),
    [
        ({"n": 5, "backends": ("numpy", "torch")}, ("n=5", "backends=numpy,torch")),
        ({"n": range(1000, 4000, 1000)}, ("n=1000,2000,3000",)),
        ({"n": {"from": 1000, "to": 2000, "step": 500}}, ("n={from: 1000, to: 2000, step: 500}",)),
        ({"n": np.int64(7), "reps.max_seconds": np.float64(1e-5)}, ("n=7", "reps.max_seconds=1.0e-05")),
        ({"baseline": None}, ("baseline=null",)),
        ({"n": "1000,2000"}, ("n=1000,2000",)),
    ],
)
def test_settings_are_written_as_they_are_typed(settings: dict[str, Setting], texts: tuple[str, ...]) -> None:
    assert write_overrides(settings) == texts
    load(settings)
