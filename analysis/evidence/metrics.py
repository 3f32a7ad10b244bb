"""What the GPU did while a range's or a kernel's work ran: samples of the whole device, credited to whose work it was.

A sample is the mean of a device over the time since the sample before. What it saw is shared out among the device work
in that time, by duration; idle instants move no bytes, so a sample that a kernel fills in part is still all its own.
A sample in which only one owner worked is that owner's *own*; the others are mixed. Shared out like this nothing is
lost and nothing counts twice: the bytes of all owners sum to what the samples of busy times hold.

A figure needs samples of its own: without at least LEAST_OWN of them, or where they cover less than half of the owner's
device time, it is None.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import Codes, Ints, ints
from ..arithmetic.spans import intersect, join_spans
from ..samples.gpu_samples import FIGURES, GpuSamples
from ..trace.trace import Trace

LEAST_OWN = 3

LEAST_SHARE = 0.5

DRAM = ("dram_read_pct", "dram_write_pct")

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What samples say of some device work; None where there were too few."""

    samples: int = 0
    """Samples in which nothing else worked."""
    dram_read_bytes: float | None = None
    """Over all of the device time, also that which no sample covers."""
    dram_write_bytes: float | None = None
    dram_step_bytes: float | None = None
    """What one percent of the peak is of these bytes, where samples are whole percents: less may be nothing."""
    dram_read_pct: float | None = None
    """Means over the device time, in percent of the device's peak."""
    dram_write_pct: float | None = None
    sm_active_pct: float | None = None
    sm_issue_pct: float | None = None
    warps_pct: float | None = None
    tensor_pct: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """Device work of one device, cut at the bounds of its samples."""

    activity: Codes
    """Row of trace.activities."""
    sample: Ints
    ns: Ints
    share: Reals
    """Of all that worked during the sample."""
    busy_ns: Ints
    """Per sample: time in which anything worked."""
    worked_ns: Ints
    """Per sample: durations of all that worked, added."""
    duration_ns: Ints
    """Per activity of the trace."""
    first: Ints
    """Per activity of the trace: its first piece; an activity's pieces lie together."""
    count: Ints
    """Per activity of the trace: its pieces."""


def cut_work(trace: Trace, samples: GpuSamples) -> Pieces:
    """Cut a device's work at its samples."""
    frame = trace.activities
    low, high = sample_bounds(samples)
    rows = trace.by_start[ints(frame, "device")[trace.by_start] == samples.device]
    start, end = ints(frame, "start_ns")[rows], ints(frame, "end_ns")[rows]
    cut = intersect(start, end, low, high)
    ns = cut.end - cut.start
    worked = np.bincount(cut.other, weights=ns, minlength=len(low)).astype(np.int64)
    union = intersect(*join_spans(start, end), low, high)
    busy = np.bincount(union.other, weights=union.end - union.start, minlength=len(low))
    activity = rows[cut.source]
    count = np.bincount(activity, minlength=len(frame))
    first = np.zeros(len(frame), np.int64)
    some, place = np.unique(activity, return_index=True)
    first[some] = place
    return Pieces(
        activity=activity,
        sample=cut.other,
        ns=ns,
        share=ns / worked[cut.other],
        busy_ns=busy,
        worked_ns=worked,
        duration_ns=ints(frame, "end_ns") - ints(frame, "start_ns"),
        first=first,
        count=count,
    )


def sample_bounds(samples: GpuSamples) -> tuple[Ints, Ints]:
    """The time that each sample covers: since the one before, and after a gap, since a period before."""
    high = samples.time_ns
    period = round(samples.period_ns)
    before = np.concatenate([high[:1] - period, high[:-1]])
    low = np.where(high - before > 1.5 * period, high - period, before)
    return low, high


def credit_samples(
    samples: GpuSamples,
    pieces: Pieces,
    activity: Codes,
    group: Ints,
    groups: int,
    bandwidth_bytes_per_s: int | None,
) -> list[Figures]:
    """The figures of each group of activities; `activity` and `group` are pairs, each pair once.

    They are added up in the order of time: in another one sums of fractions differ in their last digit.
    """
    by_time = np.argsort(pieces.first[activity], kind="stable")
    activity, group = activity[by_time], group[by_time]
    count = pieces.count[activity]
    row = np.repeat(np.arange(len(activity)), count)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    piece = pieces.first[activity[row]] + within
    of_group, sample = group[row], pieces.sample[piece]
    total = np.bincount(group, weights=pieces.duration_ns[activity], minlength=groups)
    own_samples, own_ns = _own(of_group, sample, pieces, piece, groups)
    low, high = sample_bounds(samples)
    length = (high - low).astype(float)
    enough = (own_samples >= LEAST_OWN) & (own_ns >= LEAST_SHARE * total) & (total > 0)
    percents: dict[str, Reals] = {}
    moved: dict[str, Reals] = {}
    step = np.full(groups, np.nan)
    for figure in FIGURES:
        values = samples.values.get(figure)
        if values is None:
            continue
        valid = ~np.isnan(values[sample])
        at, p = sample[valid], piece[valid]
        weight = pieces.share[p]
        time = np.bincount(of_group[valid], weights=weight * pieces.busy_ns[at], minlength=groups)
        seen = np.bincount(of_group[valid], weights=weight * values[at] * length[at], minlength=groups)
        with np.errstate(invalid="ignore", divide="ignore"):
            percents[figure] = np.minimum(seen / time, 100.0)
            valid_ns = np.bincount(of_group[valid], weights=pieces.ns[p], minlength=groups)
            moved[figure] = seen / 100 * 1e-9 * (total / valid_ns)
            if figure in DRAM and (values[sample][valid] % 1 == 0).all():
                whole = np.bincount(of_group[valid], weights=weight * length[at], minlength=groups)
                step = np.fmax(step, whole / 100 * 1e-9 * (total / valid_ns))
    return [
        _figures(at, int(own_samples[at]), percents, {**moved, "step": step}, bandwidth_bytes_per_s)
        if enough[at]
        else Figures(samples=int(own_samples[at]))
        for at in range(groups)
    ]


def _own(of_group: Ints, sample: Ints, pieces: Pieces, piece: Ints, groups: int) -> tuple[Ints, Ints]:
    """Per group its samples in which nothing else worked, and its own time in them."""
    width = np.int64(max(len(pieces.worked_ns), 1))
    pair, place = np.unique(of_group * width + sample, return_inverse=True)
    mine = np.bincount(place, weights=pieces.ns[piece], minlength=len(pair))
    alone = mine >= pieces.worked_ns[pair % width]
    group = (pair // width)[alone]
    return (
        np.bincount(group, minlength=groups),
        np.bincount(group, weights=mine[alone], minlength=groups),
    )


def _figures(
    at: int, own: int, percents: dict[str, Reals], moved: dict[str, Reals], bandwidth: int | None
) -> Figures:
    known = {name: float(value[at]) for name, value in percents.items() if np.isfinite(value[at])}
    byte_counts = {
        f"dram_{way}_bytes": float(moved[f"dram_{way}_pct"][at] * bandwidth)
        for way in ("read", "write")
        if bandwidth is not None and f"dram_{way}_pct" in known
    }
    if byte_counts and bandwidth is not None and np.isfinite(moved["step"][at]):
        byte_counts["dram_step_bytes"] = float(moved["step"][at] * bandwidth)
    return Figures(samples=own, **known, **byte_counts)
