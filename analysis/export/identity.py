"""Processes and threads: the bits of Nsight Systems' global ids (nsys-facts: hardware 8, VM 8, pid 24, tid 24)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Bools, Codes, Ints
from .frames import make_frame

TID_BITS = 24

TID_MASK = (1 << TID_BITS) - 1


def process_key(global_id: Ints) -> Ints:
    """A global id without its thread: unique also across machines, where a pid alone is not."""
    return global_id & ~np.int64(TID_MASK)


def pid_of(key: int) -> int:
    """The plain pid of a process key or a global id."""
    return (key >> TID_BITS) & TID_MASK


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """The processes and threads a trace names, in the order of their global ids."""

    processes: Ints
    threads: Ints

    def process_codes(self, keys: Ints, known: Bools, callers: Ints) -> Codes:
        """Codes of process keys; an unknown one gets the only process there is or that made calls, else -1.

        `callers` are the global thread ids of calls: a process without them launched nothing.
        """
        if known.all():
            return np.searchsorted(self.processes, keys).astype(np.int32)
        likely = np.unique(process_key(pd.unique(callers)))
        likely = likely if len(likely) else self.processes
        default = int(np.searchsorted(self.processes, likely[0])) if len(likely) == 1 else NONE
        return np.where(known, np.searchsorted(self.processes, keys), default).astype(np.int32)

    def thread_codes(self, global_tids: Ints) -> Codes:
        """Codes of global thread ids."""
        return np.searchsorted(self.threads, global_tids).astype(np.int32)

    def processes_of(self, global_tids: Ints) -> Codes:
        """Codes of the processes of global thread ids."""
        of_thread = np.searchsorted(self.processes, process_key(self.threads)).astype(np.int32)
        return of_thread[self.thread_codes(global_tids)] if len(self.threads) else np.zeros(0, np.int32)

    def frame(self) -> pd.DataFrame:
        """The threads, one row per code."""
        keys = process_key(self.threads)
        return make_frame(
            "threads",
            {
                "process": np.searchsorted(self.processes, keys).astype(np.int32),
                "pid": ((keys >> TID_BITS) & TID_MASK).astype(np.int32),
                "tid": (self.threads & TID_MASK).astype(np.int32),
            },
        )


def collect_identities(global_tids: Iterable[Ints], process_keys: Iterable[Ints]) -> Identities:
    """All threads and processes that rows of a trace belong to."""
    threads = _distinct(global_tids)
    return Identities(threads=threads, processes=_distinct([*process_keys, process_key(threads)]))


def _distinct(arrays: Iterable[Ints]) -> Ints:
    return np.unique(np.concatenate([np.zeros(0, np.int64), *[pd.unique(a) for a in arrays]]))
