"""Who owns device work, and which ranges are credited with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from drawing.drawn import Call, Drawn, Oracle, Range, Work, credits_of, drawn_traces
from drawing.draws import draws
from drawing.nsys_file import export_drawn
from drawing.traces import GPU, read_recorded
from flopprof.analysis.arithmetic.arrays import ints
from flopprof.analysis.attribution.attribution import Attribution, attribute
from flopprof.analysis.attribution.ownership import ATTRIBUTIONS, BY_PROCESS
from flopprof.analysis.export.frames import CROSS_THREAD
from flopprof.analysis.trace.reading import read_trace
from flopprof.analysis.trace.trace import Trace
from hypothesis import given
from hypothesis import strategies as st


def owners(drawn: Drawn, domains: tuple[str, ...] | None = ("ops",)) -> list[tuple[str | None, str]]:
    """(name of the owner, how) per activity."""
    trace = drawn.trace()
    found = attribute(trace, domains)
    return [
        (trace.name(int(ints(trace.ranges, "name")[o])) if o >= 0 else None, ATTRIBUTIONS[k])
        for o, k in zip(found.owner, found.kind, strict=True)
    ]


def credited(trace: Trace, attribution: Attribution) -> Counter[tuple[int, int, str]]:
    """How often each (activity, range, how) is credited."""
    pairs: Counter[tuple[int, int, str]] = Counter()
    for credit in credits_of(attribution):
        for site, row in zip(credit.site.tolist(), credit.range.tolist(), strict=True):
            for activity in np.flatnonzero(attribution.site == site).tolist():
                pairs[activity, row, ATTRIBUTIONS[credit.kind]] += 1
    return pairs


def launched(at: int, thread: int = 0) -> Call:
    return Call(at, at + 2, thread)


def test_the_innermost_range_at_the_calls_start_owns():
    ranges = [Range(0, 50, "step"), Range(10, 20, "op")]
    drawn = Drawn(
        [launched(12), launched(19), launched(20)], [Work(30 + i, 31 + i, call=i) for i in range(3)], ranges
    )
    assert owners(drawn) == [("op", "thread"), ("op", "thread"), ("step", "thread")]


def test_a_library_range_is_credited_but_owns_nothing_by_default():
    drawn = Drawn(
        [launched(5)], [Work(9, 10, call=0)], [Range(0, 9, "op"), Range(4, 8, "sgemm", domain="cuBLAS")]
    )
    assert owners(drawn, None) == [("op", "thread")]
    assert owners(drawn, ("cuBLAS",)) == [("sgemm", "thread")]
    assert credited(drawn.trace(), attribute(drawn.trace())) == {(0, 0, "thread"): 1, (0, 1, "thread"): 1}


def test_a_call_of_a_bare_thread_goes_to_the_only_other_thread_with_a_range():
    drawn = Drawn(
        [launched(5, 1)], [Work(9, 10, call=0)], [Range(0, 9, "step"), Range(4, 8, "backward")], (0, 0)
    )
    assert owners(drawn) == [("backward", "process")]
    assert credited(drawn.trace(), attribute(drawn.trace())) == {(0, 0, "process"): 1, (0, 1, "process"): 1}


def test_of_several_threads_the_one_that_launched_in_its_outermost_range_owns():
    ranges = [Range(0, 30, "train", 1), Range(8, 12, "fetch", 1), Range(0, 30, "load", 2)]
    calls = [launched(10, 0), launched(20, 1)]
    work = [Work(40, 41, call=0), Work(41, 42, call=1)]
    assert owners(Drawn(calls, work, ranges, (0, 0, 0))) == [("fetch", "process"), ("train", "thread")]


def test_two_threads_that_both_launched_leave_it_unattributed():
    ranges = [Range(0, 30, "a", 1), Range(0, 30, "b", 2)]
    calls = [launched(10, 0), launched(20, 1), launched(21, 2)]
    drawn = Drawn(calls, [Work(40 + i, 41 + i, call=i) for i in range(3)], ranges, (0, 0, 0))
    assert owners(drawn) == [(None, "none"), ("a", "thread"), ("b", "thread")]
    assert [(q.code, q.count) for q in attribute(drawn.trace()).quality] == [("ambiguous_thread", 1)]


def test_another_process_is_never_a_candidate():
    drawn = Drawn([launched(5, 1)], [Work(9, 10, call=0, process=1)], [Range(0, 9)], (0, 1))
    assert owners(drawn) == [(None, "none")]


def test_a_range_that_ends_on_another_thread_owns_only_when_nothing_else_could():
    wide = Range(0, 30, "wide", 0, "ops", CROSS_THREAD)
    work = [Work(40, 41, call=0)]
    assert owners(Drawn([launched(5, 1)], work, [wide], (0, 0))) == [("wide", "process")]
    assert owners(Drawn([launched(5, 0)], work, [wide], (0, 0))) == [("wide", "process")]
    assert owners(Drawn([launched(5, 1)], work, [wide, Range(0, 9, "near", 1)], (0, 0))) == [
        ("near", "thread")
    ]
    assert owners(Drawn([launched(5, 1)], work, [wide, Range(0, 9, "near", 0)], (0, 0))) == [
        ("near", "process")
    ]


def test_of_twins_the_later_row_is_the_inner_one():
    for names in ("ab", "ba"):
        drawn = Drawn([launched(5)], [Work(9, 10, call=0)], [Range(0, 9, names[0]), Range(0, 9, names[1])])
        trace = drawn.trace()
        assert owners(drawn) == [(names[1], "thread")]
        assert ints(trace.ranges, "parent").tolist() == [-1, 0]


def test_same_named_nesting_credits_each_instance_once():
    drawn = Drawn(
        [launched(5)], [Work(9, 10, call=0)], [Range(0, 9, "f"), Range(2, 8, "f"), Range(4, 8, "f")]
    )
    assert set(credited(drawn.trace(), attribute(drawn.trace())).values()) == {1}
    assert len(credited(drawn.trace(), attribute(drawn.trace()))) == 3


def test_ranges_that_overlap_without_nesting_are_all_credited():
    ranges = [Range(0, 10, "a", style=1), Range(5, 20, "b", style=1), Range(7, 9, "c")]
    drawn = Drawn([launched(6), launched(12), launched(8)], [Work(30, 31, call=i) for i in range(3)], ranges)
    assert owners(drawn) == [("b", "thread"), ("b", "thread"), ("c", "thread")]
    rows = {(a, r) for a, r, _ in credited(drawn.trace(), attribute(drawn.trace()))}
    assert rows == {(0, 0), (0, 1), (1, 1), (2, 0), (2, 1), (2, 2)}


@st.composite
def crowded_traces(draw: st.DrawFn) -> Drawn:
    """Three threads of one process, all in ranges most of the time, launching from bare moments too."""
    times = st.integers(0, 30)
    calls = [
        launched(t, thread) for t, thread in draw(st.lists(st.tuples(times, st.integers(0, 2)), max_size=8))
    ]
    spans = st.tuples(
        times, st.integers(1, 25), st.integers(0, 2), st.sampled_from((0, 0, 0, 1, CROSS_THREAD))
    )
    ranges = [
        Range(start, start + length, f"r{i}", thread, "ops", style)
        for i, (start, length, thread, style) in enumerate(draw(st.lists(spans, min_size=2, max_size=7)))
    ]
    return Drawn(calls, [Work(60 + i, 61 + i, call=i) for i in range(len(calls))], ranges, (0, 0, 0))


@draws(400)
@given(crowded_traces())
def test_crowded_threads_have_the_oracles_owners(drawn: Drawn):
    oracle, found = Oracle(drawn), attribute(drawn.trace(), ("ops",))
    wanted = [oracle.owner_of_call(i) for i in range(len(drawn.calls))]
    assert [
        (o, ATTRIBUTIONS[k]) for o, k in zip(found.owner.tolist(), found.kind.tolist(), strict=True)
    ] == wanted


@draws(300)
@given(crowded_traces())
def test_every_open_range_is_credited_exactly_once(drawn: Drawn):
    trace, ranges = drawn.trace(), drawn.ranked()
    found = attribute(trace, ("ops",))
    wanted: set[tuple[int, int, str]] = set()
    for i, call in enumerate(drawn.calls):
        thread = call.thread
        if found.kind[i] == BY_PROCESS and ranges[found.owner[i]].style != CROSS_THREAD:
            thread = ranges[found.owner[i]].thread
        for row, r in enumerate(ranges):
            if r.start <= call.start < r.end and r.style == CROSS_THREAD:
                wanted.add((i, row, "process"))
            elif r.start <= call.start < r.end and r.thread in (call.thread, thread):
                wanted.add((i, row, "thread" if r.thread == call.thread else "process"))
    pairs = credited(trace, found)
    assert set(pairs) == wanted
    assert set(pairs.values()) <= {1}


@draws(200)
@given(drawn_traces())
def test_attribution_loses_and_doubles_no_device_time(drawn: Drawn):
    trace = drawn.trace()
    found = attribute(trace, ("ops",))
    duration = ints(trace.activities, "end_ns") - ints(trace.activities, "start_ns")
    parts = [int(duration[found.kind == kind].sum()) for kind in range(len(ATTRIBUTIONS))]
    assert sum(parts) == sum(w.end - w.start for w in drawn.work)
    assert ((found.owner >= 0) == (found.kind > 0)).all()


def test_recorded_traces_keep_all_their_device_time():
    for name in GPU:
        trace = read_recorded(name)
        found = attribute(trace)
        assert len(found.owner) == len(trace.activities)
        assert ((found.owner >= 0) == (found.kind > 0)).all()


@draws(60)
@given(drawn_traces())
def test_the_same_through_a_file(drawn: Drawn):
    import tempfile

    possible = [w for w in drawn.work if w.end]  # 0 to 0 is what could not be timed
    drawn = replace(drawn, work=[replace(w, stream=at) for at, w in enumerate(possible)])
    with tempfile.TemporaryDirectory() as folder:
        trace = read_trace(export_drawn(drawn).write(Path(folder) / "t.sqlite"))
    mine, theirs = drawn.trace(), trace
    for frame in ("calls", "ranges"):
        for column in ("start_ns", "end_ns"):
            assert sorted(ints(getattr(mine, frame), column)) == sorted(ints(getattr(theirs, frame), column))
    assert sorted(attribute(mine, ("ops",)).kind) == sorted(attribute(theirs, ("ops",)).kind)
