"""A rank's timeline with the waiting inside its collectives taken out.

A collective's kernel waits on the device until the last rank has arrived, and only then transfers. What it waited is
known from the other ranks (matching.py): from its start on. The transfer is work like that of any kernel; the
waiting is time the device lost, but for what other work did in it. So waiting shows where nothing else does:
below kernels, copies and fills, above what idle time is made of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Codes, Ints, ints
from ..arithmetic.spans import FIRST, LAST, cut_at, find_gaps, intersect, join_spans, show_first
from ..attribution.attribution import Attribution
from ..attribution.ownership import BY_PROCESS
from ..breakdown.windows import sum_slices
from ..export.activities import order_activities
from ..labelling.gaps import paint_busy
from ..labelling.labelled import Labelled
from ..labelling.timeline import DeviceSpans
from ..trace.trace import Trace
from ..words import BUSY_LAYERS, LAYERS
from .summaries import WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A device's time: what it did or why it idled, and apart from it where it only waited for other ranks."""

    work: DeviceSpans
    waiting: DeviceSpans
    """Its layers say kernel, which a collective is."""

    def sum_slices(self, start_ns: Ints, end_ns: Ints, group: Codes) -> pd.DataFrame:
        """As windows.sum_slices, with the layer WAIT; the rows of a window add up to its length."""
        work = sum_slices(self.work, start_ns, end_ns, group)
        if not len(self.waiting):
            return work
        waiting = sum_slices(self.waiting, start_ns, end_ns, group).assign(layer=WAIT)
        return pd.concat([work, waiting], ignore_index=True)


def label_rank(labelled: Labelled, device: int | None, rows: Ints, wait_ns: Ints, thread: int) -> Timeline:
    """The timeline of a rank's device; its collectives are `rows` of trace.activities. Without a device all is host.

    What no range owns goes to the range that was open on `thread`, that of the steps, at that time: PyTorch's
    backward runs on a thread without ranges while the step's thread stays in ``backward``.
    """
    trace, attribution = labelled.trace, labelled.attribution
    if device is None:
        return Timeline(work=_adopt(_one_span("host"), attribution, thread), waiting=_NOTHING)
    whole = labelled.timelines[device]
    start = ints(trace.activities, "start_ns")
    waits = np.flatnonzero(wait_ns > 0)
    begun = start.copy()
    begun[rows[waits]] += wait_ns[waits]
    busy = _paint(trace, device, begun)
    idle = whole.layer >= len(BUSY_LAYERS)
    work = _sort(
        DeviceSpans(
            start_ns=np.concatenate([busy[0], whole.start_ns[idle]]),
            end_ns=np.concatenate([busy[1], whole.end_ns[idle]]),
            layer=np.concatenate([ints(trace.activities, "layer")[busy[2]], whole.layer[idle]]),
            owner=np.concatenate([attribution.owner[busy[2]], whole.owner[idle]]),
            by_process=np.concatenate([attribution.kind[busy[2]] == BY_PROCESS, whole.by_process[idle]]),
            split=whole.split,
        )
    )
    waiting = _expose(start[rows[waits]], begun[rows[waits]], rows[waits], busy[:2], attribution)
    return Timeline(work=_adopt(work, attribution, thread), waiting=_adopt(waiting, attribution, thread))


def _one_span(layer: str) -> DeviceSpans:
    """All of time in one layer."""
    return DeviceSpans(
        start_ns=np.array([FIRST]),
        end_ns=np.array([LAST]),
        layer=np.array([LAYERS.index(layer)], np.int8),
        owner=np.array([NONE], np.int32),
        by_process=np.zeros(1, np.bool_),
    )


_NOTHING = replace(
    _one_span("host"),
    **{
        name: np.zeros(0, dtype)
        for name, dtype in (
            *(("start_ns", np.int64), ("end_ns", np.int64), ("layer", np.int8)),
            *(("owner", np.int32), ("by_process", np.bool_)),
        )
    },
)


def _paint(trace: Trace, device: int, begun: Ints) -> tuple[Ints, Ints, Ints]:
    """What shows of the device's work when collectives begin with their transfer."""
    activities = trace.activities.assign(start_ns=begun)
    order = order_activities(activities)
    mine = order[ints(activities, "device")[order] == device]
    return paint_busy(replace(trace, activities=activities, by_start=order), mine)


def _expose(
    start: Ints, end: Ints, rows: Ints, busy: tuple[Ints, Ints], attribution: Attribution
) -> DeviceSpans:
    """Waiting that no work covers; of several collectives that wait at once the first to begin shows."""
    order = np.argsort(start, kind="stable")
    pieces = intersect(*show_first(start[order], end[order]), *find_gaps(*join_spans(*busy)))
    row = rows[order][pieces.source]
    return DeviceSpans(
        start_ns=pieces.start,
        end_ns=pieces.end,
        layer=np.full(len(row), LAYERS.index("kernel"), np.int8),
        owner=attribution.owner[row],
        by_process=attribution.kind[row] == BY_PROCESS,
    )


def _adopt(spans: DeviceSpans, attribution: Attribution, thread: int) -> DeviceSpans:
    """Give what no range owns to the innermost range open on a thread."""
    free = np.flatnonzero(spans.owner < 0)
    if thread < 0 or not len(free):
        return spans
    times, rows = attribution.ownership.threads.switches(thread)
    cut = cut_at(spans.start_ns[free], spans.end_ns[free], times)
    kept, source = spans.owner >= 0, free[cut.source]
    adopted = np.append(rows, NONE)[cut.other].astype(np.int32)
    return _sort(
        DeviceSpans(
            start_ns=np.concatenate([spans.start_ns[kept], cut.start]),
            end_ns=np.concatenate([spans.end_ns[kept], cut.end]),
            layer=np.concatenate([spans.layer[kept], spans.layer[source]]),
            owner=np.concatenate([spans.owner[kept], adopted]),
            by_process=np.concatenate([spans.by_process[kept], adopted >= 0]),
            split=spans.split,
        )
    )


def _sort(spans: DeviceSpans) -> DeviceSpans:
    order = np.argsort(spans.start_ns, kind="stable")
    return replace(
        spans,
        start_ns=spans.start_ns[order],
        end_ns=spans.end_ns[order],
        layer=spans.layer[order],
        owner=spans.owner[order],
        by_process=spans.by_process[order],
    )
