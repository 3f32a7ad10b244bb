"""A number is written in one place: digits, units, unknown."""

from __future__ import annotations

import math

import pytest
from flopprof.reports.document.numbers import (
    UNKNOWN,
    Kind,
    count_noun,
    format_digits,
    format_quantity,
    format_value,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0, "time", "0"),
        (960, "time", "960 ns"),
        (999.7, "time", "1.00 µs"),
        (13_280, "time", "13.3 µs"),
        (1_947_200, "time", "1947 µs"),
        (9_999_400, "time", "9999 µs"),
        (9_999_600, "time", "10.0 ms"),
        (165e6, "time", "165 ms"),
        (12.5e9, "time", "12.5 s"),
        (-3200, "time", "-3.20 µs"),
        (4.8546, "ratio", "4.85×"),
        (123.4, "ratio", "123×"),
        (0.0532, "ratio", "0.0532×"),
        (0.4932, "percent", "49.3 %"),
        (1.0, "percent", "100 %"),
        (0.0002, "percent", "<0.1 %"),
        (0.0, "percent", "0.0 %"),
        (799_980_000, "flops", "800 M"),
        (0, "flops", "0"),
        (1_600_160_000, "bytes", "1.60 GB"),
        (0, "bytes", "0 B"),
        (999_999, "bytes", "1.00 MB"),
        (3, "count", "3"),
        (1.5, "count", "1.50"),
        (0.05994, "tflops", "0.0599"),
        (4150.4, "gbps", "4150"),
    ],
)
def test_a_value_is_written_with_the_digits_that_mean_something(value: float, kind: Kind, text: str):
    assert format_value(value, kind) == text


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_unknown_is_a_dash_and_never_a_zero(value: float | None):
    assert {format_value(value, kind) for kind in ("time", "ratio", "percent", "count")} == {UNKNOWN}
    assert format_quantity(value, "gbps") == UNKNOWN


def test_a_quantity_carries_the_unit_that_a_table_has_in_its_heading():
    assert format_quantity(4150.4, "gbps") == "4150 GB/s"
    assert format_quantity(0.4, "tflops") == "0.400 TFLOP/s"
    assert format_quantity(2e-9, "tflops") == "2.00 kFLOP/s"
    assert format_quantity(799_980_000, "flops") == "800 MFLOP"
    assert format_quantity(12, "flops") == "12.0 FLOP"
    assert format_quantity(401_100, "time") == "401 µs"
    assert (count_noun(1, "step"), count_noun(2, "step")) == ("1 step", "2 steps")


@given(st.floats(min_value=1e-9, max_value=1e15))
def test_written_digits_are_within_half_a_percent_of_the_value(value: float):
    text = format_digits(value)
    assert "e" not in text
    assert float(text) == pytest.approx(value, rel=0.00501)


_TIME_UNITS = {"ns": 1.0, "µs": 1e3, "ms": 1e6, "s": 1e9}


@given(st.floats(min_value=1, max_value=1e13))
def test_a_written_time_reads_back(value: float):
    digits, unit = format_value(value, "time").split(" ")
    assert float(digits) * _TIME_UNITS[unit] == pytest.approx(value, rel=0.00501)
