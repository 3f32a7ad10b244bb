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
from flopprof.analysis.attribution.paths import Paths, find_paths
from flopprof.analysis.labelling import gaps
from flopprof.analysis.labelling.device_sums import DeviceSums, sum_devices
from flopprof.analysis.labelling.timeline import DeviceSpans, label_devices
from flopprof.analysis.trace.reading import read_trace
from flopprof.analysis.trace.trace import Trace
from hypothesis import given


def add_up(spans: DeviceSpans, trace: Trace, paths: Paths) -> tuple[np.ndarray, np.ndarray]:
    """(layer, range) -> ns, one span after another; and (layer, path) -> what of that is known by process only."""
    low, high = trace.extent()
    start, end = np.clip(spans.start_ns, low, high), np.clip(spans.end_ns, low, high)
    owned = np.zeros((len(LAYERS), len(trace.ranges) + 1), np.int64)
    by_process = np.zeros((len(LAYERS), len(paths)), np.int64)
    for row, (layer, owner, ns) in enumerate(zip(spans.layer, spans.owner, end - start, strict=True)):
        owned[layer, owner] += ns
        if spans.by_process[row]:
            by_process[layer, paths.of_range[owner]] += ns
    return owned, by_process


def both(drawn: Drawn) -> list[tuple[Trace, DeviceSpans, DeviceSums]]:
    trace = drawn.trace()
    attribution = attribute(trace, ("ops",))
    spans, sums = label_devices(trace, attribution), sum_devices(trace, attribution, find_paths(trace))
    assert list(spans) == list(sums)
    return [(trace, spans[one], sums[one]) for one in spans]


@pytest.mark.parametrize("at_once", [1, 3, 1 << 16])
@draws(300)
@given(drawn=drawn_traces())
def test_sums_are_those_of_the_spans(at_once: int, drawn: Drawn):
    with patch.object(gaps, "AT_ONCE", at_once):
        for trace, spans, sums in both(drawn):
            owned, other = add_up(spans, trace, find_paths(trace))
            assert (sums.owned == owned).all()
            assert not other.any() if sums.by_process is None else (sums.by_process == other).all()


@pytest.mark.parametrize("at_once", [1, 1 << 16])
def test_kinds_of_copies_come_in_one_order_however_many_gaps_are_summed_at_once(at_once: int):
    trace = read_trace(DATA / "ranks" / "strag_rank0.sqlite.xz")
    with patch.object(gaps, "AT_ONCE", at_once):
        (sums,) = sum_devices(trace, attribute(trace), find_paths(trace)).values()
    assert list(sums.copies) == [1, 2, 8]


@draws(150)
@given(drawn_traces())
def test_a_devices_time_is_the_whole_trace_once(drawn: Drawn):
    for trace, _, sums in both(drawn):
        low, high = trace.extent()
        assert sums.owned.sum() == high - low
        assert sum(sums.copies.values()) == sums.owned[LAYERS.index("memcpy")].sum()


@draws(150)
@given(drawn_traces())
def test_what_a_range_holds_is_its_own_and_what_those_inside_it_hold(drawn: Drawn):
    for trace, _, sums in both(drawn):
        parent, inclusive = ints(trace.ranges, "parent"), sums.inclusive(trace)
        for row in range(len(trace.ranges)):
            inside = inclusive[:, parent == row].sum(axis=1)
            assert (inclusive[:, row] == sums.owned[:, row] + inside).all()
