"""Warm-up is what comes first and is slower than the rest."""

from __future__ import annotations

import numpy as np
import pytest
from flopprof.analysis.arithmetic.steady import FEWEST_STEADY, MOST_LOOKED_AT, count_warm_up, running_spreads
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("times", "count"),
    [
        ([30, 30, *[1, 1.01] * 7], 2),
        ([30, 2, 1.2, *[1.0] * 13], 3),
        ([1.0] * 16, 0),
        ([1.0] * 8 + [9.0] + [1.0] * 7, 0),  # a hiccup
        ([0.5, 0.5, *[1.0] * 14], 0),  # faster at first
        ([5.0] * 8 + [1.0] * 8, 8),
        ([5.0] * 10 + [1.0] * 6, 0),  # more than half is no warm-up
        ([9.0, 1.0, 1.0], 0),
        ([9.0, 1.0, 1.0, 1.0], 1),
        ([], 0),
    ],
)
def test_the_slow_beginning_is_counted(times: list[float], count: int):
    assert count_warm_up(times) == count


@pytest.mark.parametrize("ratio", [1.1, 1.5, 2.4])
@pytest.mark.parametrize("count", [8, 16, 50, 200])
def test_steps_of_two_kinds_that_take_turns_are_no_warm_up(ratio: float, count: int):
    """Ranks of unequal GPUs in one trace, or every other step with more to do: up to half of them were set aside."""
    for seed in range(20):
        times = np.array([ratio, 1.0] * (count // 2)) * np.random.default_rng(seed).lognormal(0, 0.01, count)
        assert count_warm_up(times) == 0
        assert count_warm_up([30.0, 30.0, *times]) == 2


def test_steady_noise_is_seldom_taken_for_warm_up():
    found = [count_warm_up(1e6 * np.random.default_rng(seed).lognormal(0, 0.05, 50)) for seed in range(100)]
    assert sum(count > 0 for count in found) <= 2


@given(st.lists(st.floats(1, 1e12), max_size=40))
def test_half_and_three_instances_always_stay(times: list[float]):
    count = count_warm_up(times)
    assert 0 <= count <= max(0, min(len(times) // 2, len(times) - FEWEST_STEADY))


@given(st.lists(st.floats(-10, 10), max_size=40))
def test_running_spreads_are_those_of_every_beginning(values: list[float]):
    parts = [np.asarray(values[:at]) for at in range(1, len(values) + 1)]
    expected = [np.abs(part - np.median(part)).sum() for part in parts]
    assert list(running_spreads(values)) == pytest.approx(expected, abs=1e-9)


def test_of_a_long_series_only_the_beginning_is_looked_at():
    beginning = [5.0] * 50 + [1.0, 1.01] * MOST_LOOKED_AT
    assert count_warm_up(beginning) == count_warm_up([*beginning, *[99.0] * 100_000]) == 50


def test_a_first_instance_by_far_the_slowest_is_start_up_in_a_series_that_drifts():
    noise = np.random.default_rng(5)
    drifting = np.concatenate([noise.normal(9.5, 1, 700), noise.normal(10.8, 1, 799)])
    assert count_warm_up([609.0, *drifting]) == 1
    assert count_warm_up([28.0, *drifting]) == 0
    assert count_warm_up([40.0, *drifting, 41.0]) == 0
