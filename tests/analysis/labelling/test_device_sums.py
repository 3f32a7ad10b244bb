"""Sums by range and layer, which are made without spans, against those of the spans."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from drawing.drawn import LAYERS, Drawn, drawn_traces
from drawing.draws import draws
from drawing.tree import DATA
from flopprof.analysis.arithmetic.arrays import ints
from flopprof.analysis.attribution.attribution import attribute
from flopprof.analysis.labelling import gaps
from flopprof.analysis.labelling.device_sums import DeviceSums, sum_devices
from flopprof.analysis.labelling.timeline import DeviceSpans, label_devices
from flopprof.analysis.trace.reading import read_trace
from flopprof.analysis.trace.trace import Trace
from hypothesis import given


def add_up(spans: DeviceSpans, trace: Trace, *, by_process: bool) -> np.ndarray:
    """(layer, range) -> ns, one span after another."""
    low, high = trace.extent()
    start, end = np.clip(spans.start_ns, low, high), np.clip(spans.end_ns, low, high)
    sums = np.zeros((len(LAYERS), len(trace.ranges) + 1), np.int64)
    mine = np.flatnonzero(spans.by_process == by_process)
    for layer, owner, ns in zip(spans.layer[mine], spans.owner[mine], (end - start)[mine], strict=True):
        sums[layer, owner] += ns
    return sums


def both(drawn: Drawn) -> list[tuple[Trace, DeviceSpans, DeviceSums]]:
    trace = drawn.trace()
    attribution = attribute(trace, ("ops",))
    spans, sums = label_devices(trace, attribution), sum_devices(trace, attribution)
    assert list(spans) == list(sums)
    return [(trace, spans[one], sums[one]) for one in spans]


@pytest.mark.parametrize("at_once", [1, 3, 1 << 16])
@draws(300)
@given(drawn=drawn_traces())
def test_sums_are_those_of_the_spans(at_once: int, drawn: Drawn):
    with patch.object(gaps, "AT_ONCE", at_once):
        for trace, spans, sums in both(drawn):
            assert (sums.by_thread == add_up(spans, trace, by_process=False)).all()
            other = add_up(spans, trace, by_process=True)
            assert not other.any() if sums.by_process is None else (sums.by_process == other).all()


@pytest.mark.parametrize("at_once", [1, 1 << 16])
def test_kinds_of_copies_come_in_one_order_however_many_gaps_are_summed_at_once(at_once: int):
    trace = read_trace(DATA / "ranks" / "strag_rank0.sqlite.xz")
    with patch.object(gaps, "AT_ONCE", at_once):
        (sums,) = sum_devices(trace, attribute(trace)).values()
    assert list(sums.copies) == [1, 2, 8]


@draws(150)
@given(drawn_traces())
def test_a_devices_time_is_the_whole_trace_once(drawn: Drawn):
    for trace, _, sums in both(drawn):
        low, high = trace.extent()
        by_process = 0 if sums.by_process is None else sums.by_process.sum()
        assert sums.by_thread.sum() + by_process == high - low
        assert sum(sums.copies.values()) == (sums.own.sum(axis=1) + nobodys(sums))[LAYERS.index("memcpy")]


def nobodys(sums: DeviceSums) -> np.ndarray:
    return sums.by_thread[:, -1]


@draws(150)
@given(drawn_traces())
def test_what_a_range_holds_is_its_own_and_what_those_inside_it_hold(drawn: Drawn):
    for trace, _, sums in both(drawn):
        parent, inclusive = ints(trace.ranges, "parent"), sums.inclusive(trace)
        for row in range(len(trace.ranges)):
            inside = inclusive[:, parent == row].sum(axis=1)
            assert (inclusive[:, row] == sums.own[:, row] + inside).all()
