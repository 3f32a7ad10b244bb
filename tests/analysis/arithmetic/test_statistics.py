from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from drawing.draws import draws
from flopprof.analysis.arithmetic.judgement import THRESHOLD, adjust_holm, count_deciding, judge
from flopprof.analysis.arithmetic.statistics import median_interval, ratio_interval
from flopprof.analysis.compare.run_noise import RunNoise, widen
from hypothesis import given
from hypothesis import strategies as st

times = st.floats(min_value=1.0, max_value=1e9, allow_nan=False)
samples = st.lists(times, min_size=2, max_size=60)
OPPOSITE = {"same": "same", "unsure": "unsure", "faster": "slower", "slower": "faster"}


def draw(median: float, count: int, noise: float, seed: int) -> np.ndarray:
    return median * np.random.default_rng(seed).lognormal(0.0, noise, count)


@pytest.mark.parametrize("count", [10, 50, 201, 1000])
def test_the_interval_covers_the_true_median_about_19_times_in_20(count: int):
    covered = 0
    for seed in range(200):
        interval = median_interval(draw(100.0, count, 0.1, seed))
        assert interval is not None
        covered += interval[0] <= 100.0 <= interval[1]
    assert covered >= 180


def test_the_interval_knows_that_neighbours_are_alike():
    noise = np.random.default_rng(3).normal(size=1000)
    drift = np.empty_like(noise)
    drift[0] = noise[0]
    for at in range(1, len(noise)):
        drift[at] = 0.9 * drift[at - 1] + noise[at]
    ordered, shuffled = 100 + drift, 100 + np.random.default_rng(4).permutation(drift)
    wide, narrow = median_interval(ordered), median_interval(shuffled)
    assert wide is not None
    assert narrow is not None
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_an_interval_is_the_same_each_time_it_is_asked_for():
    values = draw(5.0, 100, 0.05, 1)
    assert median_interval(values) == median_interval(values.copy())


def test_the_interval_of_times_in_two_states_is_of_times():
    interval = median_interval([5.0, 4.8, 5.1, 4.9, 5.2] * 2 + [85.0, 90.0, 88.0, 95.0, 80.0] * 4)
    assert interval is not None
    assert 0 < interval[0] <= 83 <= interval[1]


def test_one_sample_has_no_interval():
    assert median_interval([3.0]) is None
    assert median_interval([]) is None


def test_a_higher_level_has_a_wider_interval():
    values = draw(5.0, 100, 0.05, 1)
    usual, strict = median_interval(values), median_interval(values, level=0.999)
    assert usual is not None
    assert strict is not None
    assert strict[0] < usual[0] <= np.median(values) <= usual[1] < strict[1]


def test_many_samples_are_drawn_in_pieces_that_change_nothing(monkeypatch: pytest.MonkeyPatch):
    values = draw(5.0, 1000, 0.05, 3)
    whole = median_interval(values)
    monkeypatch.setattr("flopprof.analysis.arithmetic.statistics._MOST_DRAWN", 7000)
    assert median_interval(values) == whole


@given(samples, samples)
@draws(60)
def test_swapping_the_sides_inverts_the_ratio_and_swaps_the_verdict(a: list[float], b: list[float]):
    ahead, back = judge([ratio_interval(a, b)])[0], judge([ratio_interval(b, a)])[0]
    assert back.ratio == pytest.approx(1 / ahead.ratio, rel=1e-12)
    assert back.interval == pytest.approx((1 / ahead.interval[1], 1 / ahead.interval[0]), rel=1e-9)
    assert back.p == pytest.approx(ahead.p, rel=1e-9)
    assert back.verdict == OPPOSITE[ahead.verdict]


@given(samples)
@draws(30)
def test_a_side_against_itself_is_the_same(a: list[float]):
    judgement = judge([ratio_interval(a, a)])[0]
    assert (judgement.ratio, judgement.interval, judgement.verdict) == (1.0, (1.0, 1.0), "same")


@given(samples, samples, st.floats(min_value=0.01, max_value=100))
@draws(40)
def test_the_ratio_of_medians_lies_in_its_interval_whatever_the_unit(
    a: list[float], b: list[float], unit: float
):
    estimate = ratio_interval([value * unit for value in a], [value * unit for value in b])
    assert estimate.ratio == pytest.approx(np.median(b) / np.median(a))
    low, high = estimate.interval()
    assert low <= estimate.ratio <= high


@given(st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=12))
def test_holm_is_the_step_down_rule(p: list[float]):
    adjusted = adjust_holm(p)
    rejected: set[int] = set()
    for place, at in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        if p[at] * (len(p) - place) >= 0.05:
            break
        rejected.add(at)
    assert {at for at, value in enumerate(adjusted) if value < 0.05} == rejected
    assert all(value >= own for value, own in zip(adjusted, p, strict=True))


def test_holm_keeps_the_order_it_was_given():
    assert adjust_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert adjust_holm([]) == []


def test_many_samples_take_no_more_memory_than_a_replicate_needs():
    values = draw(5.0, 50_000, 0.05, 1)
    median_interval(values[:100])
    tracemalloc.start()
    try:
        median_interval(values)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 80e6


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
@draws(25)
def test_the_interval_excludes_one_exactly_where_the_adjusted_p_is_under_five_percent(shifts: list[int]):
    estimates = [
        ratio_interval(draw(100.0, 20, 0.02, seed), draw(100.0 + shift / 10, 20, 0.02, 99 - seed))
        for seed, shift in enumerate(shifts)
    ]
    adjusted = adjust_holm([estimate.p for estimate in estimates])
    for judgement, p in zip(judge(estimates), adjusted, strict=True):
        low, high = judgement.interval
        assert (low > 1 or high < 1) == (p < 0.05)


def test_judging_more_pairs_together_widens_an_interval():
    one = ratio_interval(draw(100.0, 30, 0.02, 1), draw(101.0, 30, 0.02, 2))
    others = [ratio_interval(draw(100.0, 30, 0.02, s), draw(100.0, 30, 0.02, s + 50)) for s in range(10, 20)]
    alone, among = judge([one])[0].interval, judge([one, *others])[0].interval
    assert among[0] < alone[0]
    assert among[1] > alone[1]


@pytest.mark.parametrize(
    ("change", "noise", "count", "verdict"),
    [
        (1.000, 0.005, 50, "same"),
        (1.030, 0.005, 50, "slower"),
        (1 / 1.03, 0.005, 50, "faster"),
        (1.015, 0.001, 50, "same"),  # surely different, but not by as much as matters
        (1.000, 0.200, 50, "unsure"),
        (1.500, 0.005, 9, "slower"),  # few samples, but none of one side lies among those of the other
        (1.030, 0.005, 9, "unsure"),  # too few samples for a verdict
        (1.500, 0.005, 4, "unsure"),
        (15.00, 0.005, 4, "slower"),  # no noise explains a factor of ten
        (1.500, 0.005, 10, "slower"),
    ],
)
def test_verdicts(change: float, noise: float, count: int, verdict: str):
    a, b = draw(100.0, count, noise, 7), draw(100.0 * change, count, noise, 8)
    assert judge([ratio_interval(a, b)])[0].verdict == verdict


def test_an_interval_wider_than_numbers_reach_still_has_ends():
    sure = ratio_interval(draw(100.0, 30, 0.02, 1), draw(100.0, 30, 0.02, 2))
    vague = widen(sure, RunNoise(deviation=4.0, pairs=1))
    judgement = judge([vague, *[sure] * 60])[0]
    low, high = judgement.interval
    assert 0 < low < 1e-20
    assert 1e20 < high < math.inf
    assert judgement.verdict == "unsure"


def test_a_change_that_straddles_the_threshold_is_unsure():
    a, b = draw(100.0, 200, 0.01, 7), draw(100.0, 200, 0.01, 8)
    judgement = judge([ratio_interval(a / np.median(a), 1.019 * b / np.median(b))])[0]
    assert judgement.interval[0] > 1
    assert judgement.interval[1] > 1 + THRESHOLD
    assert judgement.verdict == "unsure"


def test_a_ratio_needs_positive_samples_on_both_sides():
    with pytest.raises(ValueError, match="at least two positive samples"):
        ratio_interval([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="at least two positive samples"):
        ratio_interval([1.0, 2.0], [1.0, 0.0])


def test_random_halves_of_one_measurement_are_hardly_ever_decided():
    decided = 0
    for seed in range(60):
        both = np.random.default_rng(seed).permutation(draw(100.0, 200, 0.02, seed))
        decided += judge([ratio_interval(both[:100], both[100:])])[0].verdict in ("faster", "slower")
    assert decided <= 3


def test_three_percent_at_two_percent_noise_is_found():
    found = [
        judge([ratio_interval(draw(100.0, 200, 0.02, seed), draw(103.0, 200, 0.02, seed + 900))])[0].verdict
        for seed in range(60)
    ]
    assert found.count("slower") >= 57


@pytest.mark.parametrize(
    ("ratio", "interval", "have", "need"),
    [
        (1.03, (0.97, 1.09), 50, 227),
        (1 / 1.03, (1 / 1.09, 1 / 0.97), 50, 227),
        (0.959, (0.946, 1.01), 50, 85),
        (1.001, (0.999, 1.034), 50, 164),
        (1.0184, (1.0044, 1.0353), 100, 12091),
        (1.03, (0.9, 1.1), 3, 69),
    ],
    ids=["above", "below", "lopsided", "within", "near the threshold", "few"],
)
def test_as_many_samples_are_asked_for_as_narrow_the_interval_down_to_a_verdict(
    ratio: float, interval: tuple[float, float], have: int, need: int
):
    assert count_deciding(ratio, interval, have) == need


@pytest.mark.parametrize(
    ("ratio", "interval"),
    [(1.02, (0.97, 1.07)), (1.05, (1.03, 1.07)), (1.5, (0.1, 20.0))],
    ids=["at the threshold", "only its ranks disagree", "says nothing"],
)
def test_no_number_is_told_where_none_would_decide(ratio: float, interval: tuple[float, float]):
    assert count_deciding(ratio, interval, 50) is None


def test_no_interval_of_times_begins_below_nothing():
    interval = median_interval([1.0, 12.0, 13.0, 1.5, 11.0, 2.0, 12.0, 1.0, 6.0, 6.3, 12.4, 2.0])
    assert interval is not None
    assert 0.0 < interval[0] < 6.15 < interval[1]
    with_nothing = median_interval([0.0, 0.0, 9.0, 0.0, 8.0, 7.0, 0.0, 9.0, 8.0, 0.0, 3.0, 2.0])
    assert with_nothing is not None
    assert with_nothing[0] == 0.0
    signed = median_interval([-5.0, 1.0, -2.0, 6.0, -3.0, 2.0])
    assert signed is not None
    assert signed[0] < 0
