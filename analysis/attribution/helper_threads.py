"""Which threads without ranges work for the range that owns their work by process, and which merely run beside it.

PyTorch computes gradients on a thread of its own while the thread that asked for them waits: that work is the
range's own. A thread that fetches the next batch meanwhile does somebody else's work, which no rate of the range
may count. A helper launches kernels, and its owner makes no calls between its launches, or only between long
bursts of them. One that only copies does not help; one that launches kernels beside its owner may or may not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arithmetic.arrays import Bools, Codes, Ints, ints
from ..arithmetic.grouped import code_combinations
from ..trace.trace import Trace
from ..words import BUSY_LAYERS
from .ownership import FoundByProcess
from .sites import Sites

COMPUTING = [BUSY_LAYERS.index(layer) for layer in ("kernel", "graph")]

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
    computing = np.isin(ints(trace.activities, "layer"), COMPUTING) & (site_of >= 0)
    kernels = np.zeros(len(sites), np.bool_)
    kernels[site_of[computing]] = True
    computers = np.unique(thread[kernels[found.at]])
    helps = np.isin(thread, computers)
    foreign[found.at[~helps]] = True
    some = np.flatnonzero(helps)
    beside = _run_beside(
        trace, sites.time[found.at[some]], thread[some], found.thread[some], found.place[some]
    )
    unsure[found.at[some[beside]]] = True
    return Helped(foreign=foreign, unsure=unsure)


def _run_beside(trace: Trace, time: Ints, thread: Codes, owner: Ints, place: Ints) -> Bools:
    """Launches of a thread in a range of its owner's, between which the owner calls too often to be waiting."""
    if not len(time):
        return np.zeros(0, np.bool_)
    group = code_combinations(thread.astype(np.int64), place.astype(np.int64))
    order = np.lexsort((time, group))
    calls = _calls_before(trace, owner[order], time[order])
    group = group[order]
    same = group[1:] == group[:-1]
    split = same & (calls[1:] > calls[:-1])
    count = int(group.max()) + 1
    bursts = np.bincount(group[1:][split], minlength=count) + 1
    launches = np.bincount(group, minlength=count)
    beside = np.zeros(len(time), np.bool_)
    beside[order] = ((bursts > 1) & (launches < BURST * bursts))[group]
    return beside


def _calls_before(trace: Trace, thread: Ints, time: Ints) -> Ints:
    """How many calls each thread had begun by then; calls lie by thread and start."""
    of_call, start = ints(trace.calls, "thread"), ints(trace.calls, "start_ns")
    found = np.zeros(len(time), np.int64)
    for one in np.unique(thread).tolist():
        low, high = np.searchsorted(of_call, [one, one + 1])
        mine = np.flatnonzero(thread == one)
        found[mine] = np.searchsorted(start[low:high], time[mine])
    return found
