"""Sentences on ranges without FLOPs."""

from __future__ import annotations

from flopprof.analysis.breakdown.rows import RangeRow
from flopprof.reports.trace.uncounted import tell_uncounted


def row(name: str, *reasons: str, flops: int | None = None, elements: int | None = None) -> RangeRow:
    return RangeRow(
        range=name,
        path=("outer", name),
        domain="flopprof",
        style="push_pop",
        pid=1,
        tid=1,
        instances=1,
        wall_ns=1,
        activities=0,
        kernel_sum_ns=0,
        busy_ns=0,
        projected_ns=0,
        launch_call_ns=0,
        flops=flops,
        elements=elements,
        no_flops=reasons,
    )


def test_a_reason_is_told_once_with_the_ranges_it_is_of() -> None:
    rows = [row(name, "mine::op has no formula") for name in ("a", "b", "a", "c", "d")]
    assert list(tell_uncounted(rows, limit=5)) == ["no FLOPs: mine::op has no formula (a, b, c and 1 more)."]


def test_many_reasons_are_cut_and_counted() -> None:
    told = list(tell_uncounted([row("a", *(f"r{at}" for at in range(7)))], limit=2))
    assert told == ["no FLOPs: r0 (a).", "no FLOPs: r1 (a).", "no FLOPs: 5 more reasons, see --json."]


def test_what_is_left_out_is_told_of_ranges_that_lack_a_figure_for_it() -> None:
    assert list(tell_uncounted([row("a", flops=5, elements=0)], limit=5)) == []
    assert list(tell_uncounted([row("a", elements=9), row("b", elements=9)], limit=5)) == [
        "no FLOPs: where more than 2 % would be left out, as ranges compute element by element."
    ]
