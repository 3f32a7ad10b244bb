"""Where the time of a rank's steps went: by layer, by range and layer, and as bars to draw."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Codes, Ints, ints
from ..arithmetic.nesting import split_levels
from ..arithmetic.spans import cut_at, find_gaps, intersect, join_spans
from ..attribution.attribution import Attribution
from ..attribution.range_names import NO_RANGE, RangeName, spell_messages
from ..breakdown.windows import device_windows, find_instance
from ..export.calls import WAITING, names_like
from ..labelling.labelled import Labelled
from ..trace.trace import Trace
from .step_ranges import pattern_of
from .summaries import STEP_LAYERS, Bars, HostTime, StepSums
from .waiting import Timeline

MOST_BARS = 64
"""Ranges directly in a step that its lane shows."""


def sum_steps_of(
    labelled: Labelled,
    timeline: Timeline,
    steps: Ints,
    collectives: Ints,
    *,
    device: int | None,
    window: str,
) -> StepSums:
    """The sums of steps (rows of trace.ranges, in order) of a rank with these collectives (rows of activities)."""
    trace, attribution = labelled.trace, labelled.attribution
    inside = _Inside.of(trace, steps)
    start, end = _windows(trace, attribution, inside.code, steps, device, window)
    slices = timeline.sum_slices(start, end, inside.code)
    slices = slices.sort_values(["window", "owner", "layer"], kind="stable")
    step, layer, path, ns = (ints(slices, name) for name in ("window", "layer", "owner", "ns"))
    layers = np.zeros((len(steps), len(STEP_LAYERS)), np.int64)
    np.add.at(layers, (step, layer), ns)
    number = np.full(len(trace.ranges) + 1, NONE, np.int64)
    number[steps] = np.arange(len(steps))
    owner = attribution.owner[collectives]
    names = ints(trace.ranges, "name")[steps].tolist()
    bars = _list_bars(trace, attribution, steps, collectives, inside, device)
    host = _sum_host(trace, attribution, steps, inside.code)
    used, place = np.unique(np.concatenate([path, bars.path, host.path]), return_inverse=True)
    of_bars, of_host = len(path), len(path) + len(bars.path)
    ranges = (*inside.ranges, NO_RANGE)  # the last one is for -1
    own = tuple(ranges[code] for code in used.tolist())
    return StepSums(
        names=tuple(trace.name(code) for code in names),
        start_ns=start,
        end_ns=end,
        layers=layers,
        split=timeline.work.split,
        step=step.astype(np.int32),
        path=place[: len(path)].astype(np.int32),
        layer=layer.astype(np.int8),
        ns=ns,
        paths=tuple(path for _, path in own),
        ranges=own,
        of_collective=number[find_instance(trace, owner, steps)].astype(np.int32),
        bars=replace(bars, path=place[of_bars:of_host].astype(np.int32)),
        host=replace(host, path=place[of_host:].astype(np.int32)),
    )


def _windows(
    trace: Trace, attribution: Attribution, code: Codes, steps: Ints, device: int | None, window: str
) -> tuple[Ints, Ints]:
    if window == "device" and device is not None:
        return device_windows(trace, attribution, code, steps, device)
    return ints(trace.ranges, "start_ns")[steps], ints(trace.ranges, "end_ns")[steps]


def _sum_host(trace: Trace, attribution: Attribution, steps: Ints, code: Codes) -> HostTime:
    """By step and innermost owner range on the steps' thread."""
    if not len(steps):
        return HostTime(step=steps.astype(np.int32), path=steps.astype(np.int32), ns=steps)
    thread = int(ints(trace.ranges, "thread")[steps[0]])
    start, end = ints(trace.ranges, "start_ns")[steps], ints(trace.ranges, "end_ns")[steps]
    times, rows = attribution.ownership.threads.switches(thread)
    cut = cut_at(start, end, times)
    awake = intersect(cut.start, cut.end, *find_gaps(*join_spans(*_waiting_calls(trace, thread))))
    owner = np.append(rows, NONE)[cut.other[awake.source]]
    cells = {"step": cut.source[awake.source], "path": np.append(code, NONE)[owner]}
    spent = pd.DataFrame({**cells, "ns": awake.end - awake.start})
    sums = spent.groupby(["step", "path"])["ns"].sum().reset_index()
    return HostTime(
        step=ints(sums, "step").astype(np.int32),
        path=ints(sums, "path").astype(np.int32),
        ns=ints(sums, "ns"),
    )


def _waiting_calls(trace: Trace, thread: int) -> tuple[Ints, Ints]:
    mine = ints(trace.calls, "thread") == thread
    rows = np.flatnonzero(mine & names_like(trace.names, WAITING)[ints(trace.calls, "name")])
    return ints(trace.calls, "start_ns")[rows], ints(trace.calls, "end_ns")[rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inside:
    """Ranges by their place in a step, whichever step that is."""

    code: Codes
    """For each row of trace.ranges a place in `ranges`."""
    ranges: tuple[RangeName, ...]
    """Names from the step's own inwards; for what is in no step, such as ranges of other threads, whole ones."""

    @classmethod
    def of(cls, trace: Trace, steps: Ints) -> _Inside:
        """Number the names; the steps are one, though their names may hold their numbers."""
        columns = ("parent", "domain", "name", "depth")
        parent, domain, name, depth = (ints(trace.ranges, column) for column in columns)
        code = np.full(len(trace.ranges) + 1, NONE, np.int64)
        found: list[RangeName] = []
        if len(steps):
            found.append(((trace.name(int(domain[steps[0]])),), (_common_name(trace, name[steps]),)))
        code[steps] = 0
        kind, kinds = pd.factorize(domain.astype(np.int64) * len(trace.names) + name)
        for level in split_levels(depth):
            rows = level[code[level] < 0]
            outer = code[parent[rows]]
            keys, unique = pd.factorize((outer + 1) * len(kinds) + kind[rows])
            first = np.full(len(unique), len(rows), np.int64)
            np.minimum.at(first, keys, np.arange(len(rows)))
            code[rows] = len(found) + keys
            for at in first.tolist():
                around, outside = found[int(outer[at])] if outer[at] >= 0 else NO_RANGE
                row = int(rows[at])
                found.append(
                    (
                        (*around, trace.name(int(domain[row]))),
                        (*outside, trace.name(int(name[row]))),
                    )
                )
        return cls(code=code[:-1].astype(np.int32), ranges=tuple(found))


def tell_apart(sums: Mapping[int, StepSums]) -> dict[int, StepSums]:
    """Steps of the ranks of one job, ranges that differ by a domain alone in any of them called by it in all."""
    domains: dict[tuple[str, ...], set[str]] = {}
    for one in sums.values():
        for of, path in one.ranges:
            for end in range(1, len(path) + 1):
                domains.setdefault(path[:end], set()).add(of[end - 1])
    several = {path for path, found in domains.items() if len(found) > 1}
    if not several:
        return dict(sums)
    return {
        rank: replace(one, paths=tuple(_spell(name, several) for name in one.ranges))
        for rank, one in sums.items()
    }


def _spell(name: RangeName, several: Set[tuple[str, ...]]) -> tuple[str, ...]:
    path, told = name[1], spell_messages(name, every=True)
    return tuple(told[at] if path[: at + 1] in several else message for at, message in enumerate(path))


def _common_name(trace: Trace, names: Codes) -> str:
    """The name of all steps, numbers out where they differ."""
    texts = [trace.name(code) for code in np.unique(names).tolist()]
    return texts[0] if len(texts) == 1 else pattern_of(texts[0])


def _list_bars(
    trace: Trace,
    attribution: Attribution,
    steps: Ints,
    collectives: Ints,
    inside: _Inside,
    device: int | None,
) -> Bars:
    """The ranges directly in each step: their own time on the host, and from first to last of their work."""
    rows = _children(trace, attribution, steps)
    number = np.full(len(trace.ranges) + 1, NONE, np.int64)
    number[steps] = np.arange(len(steps))
    step, path = number[ints(trace.ranges, "parent")[rows]], inside.code[rows]
    start, end = ints(trace.ranges, "start_ns")[rows], ints(trace.ranges, "end_ns")[rows]
    first, last = _extents(trace, attribution, rows, collectives, device)
    worked = last > first
    return Bars(
        step=np.concatenate([step, step[worked]]).astype(np.int32),
        path=np.concatenate([path, path[worked]]).astype(np.int32),
        on_device=np.repeat([False, True], [len(rows), int(worked.sum())]),
        start_ns=np.concatenate([start, first[worked]]),
        end_ns=np.concatenate([end, last[worked]]),
    )


def _children(trace: Trace, attribution: Attribution, steps: Ints) -> Ints:
    """The first ranges directly in each step, libraries' own apart."""
    is_step = np.zeros(len(trace.ranges) + 1, np.bool_)
    is_step[steps] = True
    parent = ints(trace.ranges, "parent")
    rows = np.flatnonzero(is_step[parent] & (parent >= 0) & attribution.owner_rows)
    place = pd.Series(parent[rows]).groupby(parent[rows]).cumcount().to_numpy()
    return rows[place < MOST_BARS]


def _extents(
    trace: Trace, attribution: Attribution, rows: Ints, collectives: Ints, device: int | None
) -> tuple[Ints, Ints]:
    """For each range, the first start and last end of device work it or a range in it owns; not of collectives."""
    mine = ints(trace.activities, "device") == (NONE if device is None else device)
    mine[collectives] = False
    work = np.flatnonzero(mine)
    instance = find_instance(trace, attribution.owner[work], rows)
    owned = instance >= 0
    place = np.full(len(trace.ranges) + 1, NONE, np.int64)
    place[rows] = np.arange(len(rows))
    at = place[instance[owned]]
    first = np.full(len(rows), np.iinfo(np.int64).max)
    last = np.full(len(rows), np.iinfo(np.int64).min)
    np.minimum.at(first, at, ints(trace.activities, "start_ns")[work[owned]])
    np.maximum.at(last, at, ints(trace.activities, "end_ns")[work[owned]])
    return first, last
