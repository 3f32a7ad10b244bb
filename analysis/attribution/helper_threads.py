"""Which threads without ranges work for the range that owns their work by process, and which merely run beside it.

PyTorch computes gradients on a thread of its own while the thread that asked for them waits: that work is the
range's own. A thread that fetches the next batch meanwhile does somebody else's work, which no rate of the range
may count. A helper mostly launches kernels, and its owner makes no calls between its launches, or only between long
bursts of them, and is in no call itself: it waits for the helper, not for the device. One that only copies does not
help; one that copies as often as it computes, or launches kernels beside its owner, may or may not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arithmetic.arrays import Bools, Codes, Ints, find_run, ints
from ..arithmetic.grouped import code_combinations
from ..trace.trace import Trace
from ..words import BUSY_LAYERS
from .ownership import FoundByProcess
from .sites import Sites

COMPUTING = [BUSY_LAYERS.index(layer) for layer in ("kernel", "graph")]

COPYING = [BUSY_LAYERS.index("memcpy")]

BURST = 8
"""Launches of a helper between two calls of its owner, on average, when its owner calls at all meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Helped:
    """Sites that do nothing for the range that owns them by process, and those of which that cannot be told."""

    foreign: Bools
    unsure: Bools


def judge_helpers(trace: Trace, sites: Sites, site_of: Codes, found: FoundByProcess) -> Helped:
    """Judge every site that another thread's range owns; `site_of` is the site of each activity."""
    foreign, unsure = np.zeros((2, len(sites)), np.bool_)
    if not len(found.at):
        return Helped(foreign=foreign, unsure=unsure)
    thread = sites.thread[found.at]
    kernels, copies = (_ask_for(trace, site_of, layers, len(sites)) for layers in (COMPUTING, COPYING))
    helps = np.isin(thread, np.unique(thread[kernels[found.at]]))
    foreign[found.at[~helps]] = True
    some = np.flatnonzero(helps)
    if len(some):
        at, owner = found.at[some], found.thread[some]
        group = code_combinations(thread[some].astype(np.int64), found.place[some].astype(np.int64))
        doubtful = _run_beside(trace, sites.time[at], group, owner)
        doubtful |= _mostly_copy(kernels[at], copies[at], group)
        unsure[at[doubtful]] = True
    return Helped(foreign=foreign, unsure=unsure)


def _ask_for(trace: Trace, site_of: Codes, layers: list[int], sites: int) -> Bools:
    """Which sites asked for work of some layers."""
    rows = np.isin(ints(trace.activities, "layer"), layers) & (site_of >= 0)
    asked = np.zeros(sites, np.bool_)
    asked[site_of[rows]] = True
    return asked


def _mostly_copy(kernels: Bools, copies: Bools, group: Ints) -> Bools:
    """Launches of a thread in a range of its owner's in which it copies at least as often as it computes."""
    copied, computed = (np.bincount(group, weights=asked) for asked in (copies, kernels))
    return ((copied > 0) & (copied >= computed))[group]


def _run_beside(trace: Trace, time: Ints, group: Ints, owner: Ints) -> Bools:
    """Launches of a thread in a range of its owner's, in or between which the owner calls too often to be waiting."""
    order = np.lexsort((time, group))
    calls, calling = _look_at_calls(trace, owner[order], time[order])
    group = group[order]
    split = calling.copy()
    split[1:] |= (group[1:] == group[:-1]) & (calls[1:] > calls[:-1])
    launches = np.bincount(group)
    bursts = np.bincount(group[split], minlength=len(launches)) + 1
    beside = np.zeros(len(time), np.bool_)
    beside[order] = ((bursts > 1) & (launches < BURST * bursts))[group]
    return beside


def _look_at_calls(trace: Trace, thread: Ints, time: Ints) -> tuple[Ints, Bools]:
    """How many calls each thread had begun before then, and whether it was in one; calls lie by thread and start."""
    of_call, start = ints(trace.calls, "thread"), ints(trace.calls, "start_ns")
    begun, calling = np.zeros(len(time), np.int64), np.zeros(len(time), np.bool_)
    for one in np.unique(thread).tolist():
        calls = find_run(of_call, one)
        mine = np.flatnonzero(thread == one)
        before = np.searchsorted(start[calls], time[mine])
        last = ints(trace.calls, "end_ns")[calls][before[before > 0] - 1]
        begun[mine] = before
        calling[mine[before > 0]] = last > time[mine[before > 0]]
    return begun, calling
