"""What a step is made of, where one of them was held up."""

from __future__ import annotations

import pytest
from drawing.drawn import Drawn, Range
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.breakdown.trace_steps import StepRow
from flopprof.reports.trace.steady_step import describe_step, part_table

MS = 1_000_000


def divide(*data_ms: int) -> StepRow:
    """A step for each: so long in `data`, then 1 ms in `forward` and 1 ms in neither."""
    ranges: list[Range] = []
    now = 0
    for long in data_ms:
        data, end = now + long * MS, now + (long + 2) * MS
        ranges += [
            Range(now, end, "step"),
            Range(now, data, "data"),
            Range(data, data + MS, "forward"),
        ]
        now = end
    (row,) = analyze_trace(Drawn(ranges=ranges).trace()).steps
    return row


def parts_of(row: StepRow) -> dict[str | None, float]:
    return {part.range: part.ns / MS for part in row.parts}


def test_one_that_was_held_up_is_in_no_part_and_is_named():
    row = divide(2, 2, 2, 2, 2, 2, 300, 2, 2, 2, 2, 2)
    assert (row.instances, row.median_ns, row.hiccups) == (12, 4 * MS, 1)
    assert parts_of(row) == {"data": 2, "forward": 1, None: 1}
    assert describe_step(row) == (
        "A steady ops: step takes 4000 µs on the host (median of 12; one, which took 302 ms, is left out of its "
        "parts); its longest part is data, 50.0 %."
    )
    assert part_table(row).notes == (
        "Times are on the host, the mean of 11 of the 12 steady instances; the parts sum to the step. a step: how "
        "often it comes.",
    )


def test_several_are_counted():
    row = divide(*[2] * 18, 300, 20)
    assert row.hiccups == 2
    assert "(median of 20; 2, the longest of 302 ms, are left out of its parts)" in describe_step(row)


@pytest.mark.parametrize(
    "data_ms",
    [
        [2, 2, 2, 2, 300, 300, 2, 2],  # too many to be chance
        [*[2] * 200, 20],  # of no weight
        [2, 3, 2, 9, 2, 3, 2, 2],  # not that much longer
    ],
)
def test_steps_that_differ_are_all_in_the_parts(data_ms: list[int]):
    row = divide(*data_ms)
    assert row.hiccups == 0
    assert parts_of(row)["data"] == pytest.approx(sum(data_ms) / len(data_ms))
