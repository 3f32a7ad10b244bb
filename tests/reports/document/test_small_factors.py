"""A ratio whose factors are all too small to be told: how large the difference is, and what makes most of it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from drawing.subjects import draw_part, draw_side
from flopprof.analysis.explain.explain import explain
from flopprof.analysis.explain.factors import Factor, FactorName
from flopprof.analysis.explain.subject import Subject
from flopprof.reports.document.factor_words import describe_factors


def side(kernels_us: float, whole_us: float) -> Subject:
    """A rep whose bytes nobody knows: time in kernels, and the time over it."""
    part = draw_part(kernels_us, least_bytes=None, counters=None, flops=None, limit=None)
    drawn = draw_side("A", part, us=whole_us)
    return replace(drawn, least_bytes=None, flops=None, counters=None, limit=None)


def tell(a: Subject, b: Subject, interval: tuple[float, float] | None = None) -> str:
    explanation = explain(a, b, interval)
    assert explanation is not None
    assert math.isclose(math.prod(one.ratio for one in explanation.factors), explanation.ratio)
    return describe_factors(explanation)


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (
            (800, 1000),
            (763, 933),
            "0.933×, 67.0 µs less; no factor of it is over 1.05×; most of it is by time in kernels (763 µs against "
            "800 µs)",
        ),
        (
            (800, 1000),
            (800, 1040),
            "1.04×, 40.0 µs more; no factor of it is over 1.05×; most of it is by time over kernel time (1.30× "
            "against 1.25×)",
        ),
        ((800, 1000), (773, 933), "0.933×, 67.0 µs less; no factor of it is over 1.05×"),
        ((800, 1000), (832, 1010), "no factor of it is over 1.05×"),
    ],
    ids=["kernels", "around", "both alike", "too little to explain"],
)
def test_the_part_that_makes_most_of_it_is_named(a: tuple[int, int], b: tuple[int, int], told: str):
    assert tell(side(*a), side(*b)) == told


def test_what_is_undecided_has_no_part_that_makes_it():
    assert tell(side(800, 1000), side(763, 933), (0.9, 1.1)) == "no factor of it is over 1.05×"


def test_a_factor_that_others_take_back_makes_not_most_of_it():
    ratios: dict[FactorName, float] = {"least_bytes": 1.035, "bandwidth": 1.0176, "exposure": 0.9703}
    explanation = explain(side(800, 1000), side(763, 933))
    assert explanation is not None
    ratio = math.prod(ratios.values())
    factors = tuple(Factor(name=name, ratio=one, a=1000.0, b=1000.0 * one) for name, one in ratios.items())
    slower = replace(explanation.b, time_ns=explanation.a.time_ns * ratio)
    told = describe_factors(replace(explanation, b=slower, ratio=ratio, factors=factors))
    assert told == "1.02×, 21.9 µs more; no factor of it is over 1.05×"
