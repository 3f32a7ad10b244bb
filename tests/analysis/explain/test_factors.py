"""Factors close: their product is the ratio of the times, whatever was measured of either side."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from drawing.subjects import draw_counters, draw_cpu_side, draw_part, draw_side, draw_use
from flopprof.analysis.explain.explain import explain
from flopprof.analysis.explain.factors import Factor, measure_factors
from flopprof.analysis.explain.subject import Subject
from hypothesis import given
from hypothesis import strategies as st

amounts = st.floats(min_value=1e-3, max_value=1e15, allow_nan=False)
unknown = st.none() | st.just(0.0) | amounts


@st.composite
def counters(draw: st.DrawFn):
    return replace(
        draw_counters(1.0),
        dram_read_bytes=draw(unknown),
        executed_flops=draw(unknown),
        dram_write_bytes=draw(unknown),
    )


@st.composite
def uses(draw: st.DrawFn):
    return draw_use(draw(amounts), draw(unknown) or 0.0, draw(unknown) or 0.0)


@st.composite
def sides(draw: st.DrawFn) -> Subject:
    return Subject(
        key="s",
        name="s",
        device=draw(st.sampled_from(("cuda", "cpu"))),
        time_ns=draw(amounts),
        working_ns=draw(unknown),
        least_bytes=draw(unknown),
        flops=draw(unknown),
        limit=draw(st.sampled_from((None, "memory", "compute", "launch", "copy"))),
        roof_share=draw(st.none() | st.floats(min_value=1e-6, max_value=1.02)),
        in_cache=draw(st.booleans()),
        counters=draw(st.none() | counters()),
        cpu=draw(st.none() | uses()),
    )


@given(sides(), sides())
def test_the_product_of_the_factors_is_the_ratio(a: Subject, b: Subject):
    explanation = explain(a, b)
    assert explanation is not None
    product = math.prod(factor.ratio for factor in explanation.factors)
    assert math.isclose(product, b.time_ns / a.time_ns, rel_tol=1e-9)
    assert explanation.ratio == b.time_ns / a.time_ns


@given(sides())
def test_a_side_against_itself_has_factors_of_1_and_no_cause(side: Subject):
    explanation = explain(side, side)
    assert explanation is not None
    assert [factor.ratio for factor in explanation.factors] == [1.0] * len(explanation.factors)
    assert explanation.causes == ()


def terms(factors: tuple[Factor, ...]) -> dict[str, tuple[object, float | None, float | None]]:
    return {factor.name: (pytest.approx(factor.ratio), factor.a, factor.b) for factor in factors}


def test_twice_the_bytes_at_half_the_rate_and_more_around_them():
    a = draw_side("matvec", draw_part(100))
    b = draw_side("outer_sum", draw_part(100), draw_part(300, counters=draw_counters(150e6)), us=500)
    assert terms(measure_factors(a, b)) == {
        "least_bytes": (2.0, 100e6, 200e6),
        "excess": (1.25, 1.0, 1.25),
        "bandwidth": (1.6, 1000.0, 625.0),
        "exposure": (1.25 / 1.01, 1.01, 1.25),
    }


def test_bytes_that_one_side_did_not_count_are_left_out_of_both():
    a, b = draw_side("a", draw_part(100, counters=None)), draw_side("b", draw_part(200), us=201)
    assert terms(measure_factors(a, b)) == {
        "least_bytes": (1.0, 100e6, 100e6),
        "excess": (1.0, None, None),
        "bandwidth": (2.0, 1000.0, 500.0),
        "exposure": (201 / 200 / 1.01, 1.01, 1.005),
    }


def test_where_arithmetic_bounds_both_the_terms_are_flops():
    part = draw_part(100, flops=500e6, limit="compute")
    a = draw_side("a", part, limit="compute", counters=draw_counters(1.0, executed=500e6))
    b = draw_side(
        "b", part, us=202, working_ns=200e3, limit="compute", counters=draw_counters(1.0, executed=1e9)
    )
    assert [(f.name, round(f.ratio, 9)) for f in measure_factors(a, b)] == [
        ("flops", 1.0),
        ("executed", 2.0),
        ("rate", 1.0),
        ("exposure", 1.0),
    ]


def test_where_two_floors_bound_the_terms_are_shares_of_the_roof():
    a = draw_side("memory", draw_part(100), roof_share=0.5)
    b = draw_side("compute", draw_part(300), limit="compute", roof_share=0.25)
    assert terms(measure_factors(a, b)) == {
        "least_time": (1.5, 50e3, 75e3),
        "roof_share": (2.0, 0.5, 0.25),
        "exposure": (301 / 300 / 1.01, 1.01, 301 / 300),
    }


def test_bytes_of_a_cache_and_bytes_of_the_memory_are_not_held_against_each_other():
    a = draw_side("small", draw_part(10, least_bytes=1e5), in_cache=True)
    b = draw_side("large", draw_part(100))
    assert [factor.name for factor in measure_factors(a, b)] == ["working_time", "exposure"]


@pytest.mark.parametrize("kernels_us", [0, 5])
def test_time_without_kernels_is_not_called_time_in_them(kernels_us: int):
    """Of a range that loads data both times are the host's."""
    nothing = draw_side("loading", us=1.6, counters=None)
    other = (
        draw_side("loading", draw_part(kernels_us), us=16) if kernels_us else replace(nothing, time_ns=16e3)
    )
    assert terms(measure_factors(nothing, other)) == {
        "whole_time": (10.0, 1.6e3, 16e3),
        "exposure": (1.0, None, None),
    }


def test_what_the_memory_moved_is_no_term_of_two_sides_in_the_cache():
    """Without a bound, 8 kB against 2 MB of a matrix of 4 MB make 250× and 0.004×, which say nothing."""
    a = draw_side("axis 0", draw_part(14, counters=draw_counters(8e3)), in_cache=True, limit=None)
    b = draw_side("axis 1", draw_part(7, counters=draw_counters(2e6)), in_cache=True, limit=None)
    assert terms(measure_factors(a, b)) == {
        "least_bytes": (1.0, 100e6, 100e6),
        "excess": (1.0, None, None),
        "bandwidth": (0.5, 100e6 / 14e3, 100e6 / 7e3),
        "exposure": (8 / 7 / (15 / 14), 15 / 14, 8 / 7),
    }


def test_more_cores_at_work_than_there_are_is_no_term():
    """A short loop on a 16-core machine was charged for 39.8 cores: what had run before it, a tick late."""
    late, right = (draw_use(wall, user, 0.0, cores_allowed=16) for wall, user in ((0.03, 1.2), (0.06, 0.06)))
    assert (late.cores, right.cores) == (None, 1.0)
    factors = measure_factors(draw_cpu_side("reused", late), draw_cpu_side("fresh", right))
    assert "cores" not in terms(factors)


def test_on_the_cpu_the_systems_time_and_the_cores_are_terms():
    a = draw_cpu_side("reused", draw_use(41, 40, 0.5))
    b = draw_cpu_side("fresh", draw_use(124, 40, 160), time_ns=130e6)
    assert terms(measure_factors(a, b)) == {
        "least_bytes": (1.0, 256e6, 256e6),
        "excess": (1.0, None, None),
        "bandwidth": (1.0, 6.4, 6.4),
        "system": (5 / (40.5 / 40), 40.5 / 40, 5.0),
        "cores": (40.5 / 41 / (200 / 124), 40.5 / 41, 200 / 124),
        "passes": (130 / 124, 1.0, 130 / 124),
    }
