"""The labelled timeline against an oracle that labels every nanosecond by itself."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from drawing.drawn import LAYERS, Call, Drawn, Oracle, Range, Work, drawn_traces
from drawing.draws import draws
from flopprof.analysis.attribution.attribution import attribute
from flopprof.analysis.attribution.ownership import ATTRIBUTIONS
from flopprof.analysis.breakdown import windows
from flopprof.analysis.breakdown.windows import sum_slices
from flopprof.analysis.labelling import gaps
from flopprof.analysis.labelling.timeline import DeviceSpans, label_devices
from hypothesis import given
from hypothesis import strategies as st

BEGIN, END = -5, 70


def label_all(drawn: Drawn) -> dict[int, DeviceSpans]:
    trace = drawn.trace()
    return label_devices(trace, attribute(trace, ("ops",)))


def each_ns(spans: DeviceSpans, begin: int = BEGIN, end: int = END) -> list[tuple[str, int]]:
    at = np.searchsorted(spans.end_ns, np.arange(begin, end), side="right")
    return [
        (LAYERS[layer], int(owner)) for layer, owner in zip(spans.layer[at], spans.owner[at], strict=True)
    ]


@draws(1000)
@given(drawn_traces())
def test_every_nanosecond_has_the_painters_layer_and_owner(drawn: Drawn):
    oracle = Oracle(drawn)
    for device, spans in label_all(drawn).items():
        assert each_ns(spans) == [oracle.label(device, now) for now in range(BEGIN, END)]


@draws(300)
@given(drawn_traces())
def test_every_activity_has_the_painters_owner(drawn: Drawn):
    oracle, trace = Oracle(drawn), drawn.trace()
    attribution = attribute(trace, ("ops",))
    work = sorted(drawn.work, key=lambda w: LAYERS.index(w.layer))
    wanted = [(-1, "none") if w.call is None else oracle.owner_of_call(w.call) for w in work]
    found = zip(attribution.owner.tolist(), attribution.kind.tolist(), strict=True)
    assert [(owner, ATTRIBUTIONS[kind]) for owner, kind in found] == wanted


@draws(150)
@given(drawn_traces())
def test_spans_leave_no_hole_and_never_overlap(drawn: Drawn):
    for spans in label_all(drawn).values():
        assert (spans.start_ns[1:] == spans.end_ns[:-1]).all()
        assert (spans.end_ns > spans.start_ns).all()
        assert spans.start_ns[0] == np.iinfo(np.int64).min
        assert spans.end_ns[-1] == np.iinfo(np.int64).max


@draws(150)
@given(drawn_traces(), st.lists(st.integers(BEGIN, END), min_size=2, max_size=6).map(sorted))
def test_splitting_a_window_is_additive(drawn: Drawn, cuts: list[int]):
    for spans in label_all(drawn).values():
        whole = sum_slices(spans, np.array([cuts[0]]), np.array([cuts[-1]]))
        parts = sum_slices(spans, np.array(cuts[:-1]), np.array(cuts[1:]))
        added = parts.groupby(["layer", "owner"])["ns"].sum()
        assert dict(added) == dict(whole.set_index(["layer", "owner"])["ns"])
        assert whole["ns"].sum() == cuts[-1] - cuts[0]


@pytest.mark.parametrize("at_once", [1, 3, 1 << 20])
@draws(100)
@given(
    drawn=drawn_traces(),
    limits=st.lists(st.tuples(st.integers(BEGIN, END), st.integers(0, 20)), min_size=1, max_size=5),
)
def test_layers_and_owners_of_any_window_are_the_painters(
    at_once: int, drawn: Drawn, limits: list[tuple[int, int]]
):
    """However many gaps and spans are looked at in one go."""
    oracle = Oracle(drawn)
    with patch.object(gaps, "AT_ONCE", at_once), patch.object(windows, "BATCH_PIECES", at_once):
        found_of = {
            device: sum_slices(
                spans, np.array([s for s, _ in limits]), np.array([s + length for s, length in limits])
            )
            for device, spans in label_all(drawn).items()
        }
    for device, slices in found_of.items():
        for window, (begin, length) in enumerate(limits):
            painted = [oracle.label(device, now) for now in range(begin, begin + length)]
            mine = slices[slices["window"] == window]
            found = {
                (LAYERS[layer], owner): ns
                for layer, owner, ns in zip(mine["layer"], mine["owner"], mine["ns"], strict=True)
            }
            assert found == {label: painted.count(label) for label in painted}


@draws(150)
@given(drawn_traces(), st.randoms(use_true_random=False))
def test_row_order_of_calls_and_work_is_irrelevant(drawn: Drawn, random: object):
    order = list(range(len(drawn.calls)))
    random.shuffle(order)  # pyright: ignore[reportAttributeAccessIssue]
    place = {row: at for at, row in enumerate(order)}
    work = [
        Work(**{**vars(w), "call": None if w.call is None else place[w.call]}) for w in reversed(drawn.work)
    ]
    shuffled = Drawn([drawn.calls[i] for i in order], work, drawn.ranges, drawn.threads)
    mine, theirs = label_all(drawn), label_all(shuffled)
    assert {d: each_ns(s) for d, s in mine.items()} == {d: each_ns(s) for d, s in theirs.items()}


def draw(**rows: str) -> Drawn:
    """A picture of one thread and one device: each launch belongs to the kernel or copy at the same place."""
    calls, work = [], []
    launches = _bars(rows.get("launch", ""))
    for layer in ("kernel", "memcpy", "memset", "graph"):
        for at, (start, end) in enumerate(_bars(rows.get(layer, ""))):
            work.append(Work(start, end, layer, at if layer == "kernel" and at < len(launches) else None))
    calls += [Call(start, end) for start, end in launches]
    calls += [
        Call(start, end, name="cudaStreamSynchronize_v3020") for start, end in _bars(rows.get("sync", ""))
    ]
    calls += [Call(start, end, name="cudaMalloc_v3020") for start, end in _bars(rows.get("api", ""))]
    ranges = [Range(start, end) for start, end in _bars(rows.get("range", ""))]
    return Drawn(calls, work, ranges)


def _bars(row: str) -> list[tuple[int, int]]:
    edges = [at for at in range(len(row) + 1) if (row + " ")[at].isspace() != (" " + row)[at].isspace()]
    return list(zip(edges[::2], edges[1::2], strict=True))


def split(window: tuple[int, int], drawn: Drawn) -> dict[str, int]:
    slices = sum_slices(label_all(drawn)[0], np.array([window[0]]), np.array([window[1]]))
    sums = slices.groupby("layer")["ns"].sum()
    return {LAYERS[layer]: int(ns) for layer, ns in sums.items()}  # pyright: ignore[reportCallIssue, reportArgumentType]


def test_a_copy_counts_only_where_no_kernel_hides_it():
    drawn = draw(
        kernel="     ####    ######",
        memcpy="       +++++",
        launch=" ==     ==",
    )
    assert split((0, 20), drawn) == {
        "kernel": 10,
        "memcpy": 3,
        "launch": 2,
        "latency": 3,
        "host": 2,
    }


def test_before_its_call_the_device_waits_for_what_the_thread_did():
    drawn = draw(
        kernel="  ##            ###",
        launch="==            ==",
        sync="    ~~~~",
        api="          aa",
    )
    assert split((0, 20), drawn) == {"kernel": 5, "launch": 4, "sync": 4, "api": 2, "host": 5}


def test_a_gap_that_ends_after_the_window_is_labelled_by_what_ends_it():
    drawn = draw(kernel="                ##", launch="    ==")
    assert split((0, 10), drawn) == {"host": 4, "launch": 2, "latency": 4}


def test_after_the_last_activity_the_thread_that_launched_it_tells():
    drawn = draw(kernel="  ##", launch="==", sync="   ~~~~~", range="      ####")
    assert split((4, 12), drawn) == {"sync": 4, "host": 4}
    assert each_ns(label_all(drawn)[0], 4, 12) == [
        *[("sync", -1)] * 2,
        *[("sync", 0)] * 2,
        *[("host", 0)] * 2,
        *[("host", -1)] * 2,
    ]


def test_an_asynchronous_copy_is_a_wait_once_its_own_work_has_begun():
    calls = [Call(2, 12, name="cudaMemcpyAsync_v3020"), Call(14, 15)]
    drawn = Drawn(calls, [Work(5, 8, "memcpy", 0), Work(16, 18, "kernel", 1)])
    assert split((0, 18), drawn) == {
        "memcpy": 3,
        "kernel": 2,
        "launch": 4,
        "sync": 4,
        "host": 4,
        "latency": 1,
    }


@pytest.mark.parametrize("decides", range(6))
def test_ties_fall_to_the_smallest_end_process_context_stream_id_name(decides: int):
    keys = ("end", "process", "context", "stream", "correlation_id", "name")
    low, high = (8, 0, 1, 7, 1, "k"), (9, 1, 2, 8, 2, "l")
    equal = dict(zip(keys[:decides], low[:decides], strict=True))
    first = {
        **equal,
        keys[decides]: low[decides],
        **dict(zip(keys[decides + 1 :], high[decides + 1 :], strict=True)),
    }
    later = {
        **equal,
        keys[decides]: high[decides],
        **dict(zip(keys[decides + 1 :], low[decides + 1 :], strict=True)),
    }
    work = [Work(start=5, call=call, **key) for call, key in enumerate((later, first))]  # pyright: ignore[reportArgumentType]
    drawn = Drawn(
        [Call(0, 1, 0), Call(0, 1, 1)], work, [Range(0, 4, "later", 0), Range(0, 4, "first", 1)], (0, 0)
    )
    assert each_ns(label_all(drawn)[0], 5, 8) == [("kernel", 1)] * 3


def test_activity_without_a_call_leaves_its_gap_unknown():
    assert split((0, 10), Drawn((), [Work(5, 10)])) == {"kernel": 5, "unknown": 5}
