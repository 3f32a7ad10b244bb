"""CUDA API calls on the host, what they wait for, and which call each device record came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, rows_where
from ..arithmetic.grouped import FEW
from ..sqlite.file import SqliteFile
from .identity import process_key
from .possible_times import possible_times
from .raw_tables import read_table
from .texts import NameCollector

RUNTIME = "CUPTI_ACTIVITY_KIND_RUNTIME"

SYNCHRONIZATION = "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION"

WAITING = re.compile(r"cu(da)?(Device|Ctx|Stream|Event)Synchronize|cu(da)?(Memcpy|Memset)(?!.*Async)")
"""Calls that return when the device is done; a memcpy or memset call without Async is one."""

GRAPH_LAUNCH = re.compile(r"cu(da)?GraphLaunch")

LAUNCHING_KERNELS = re.compile(r"cu(da)?Launch((Cooperative)?Kernel|Grid|(_\w+)?$)")
"""Of every kind there ever was; cudaLaunchHostFunc is work of the host's."""

EVENT_WAIT = re.compile(r"cu(da)?StreamWaitEvent")

SPARSE = 8
"""Correlation ids are looked up by index while their span is below this many times their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCalls:
    """Rows of RUNTIME with possible times, by thread and start."""

    start: Ints
    end: Ints
    thread: Codes
    """Places in `global_tids`."""
    global_tids: Ints
    """Each thread once, in order."""
    correlation_id: Ints
    name: Codes
    succeeded: Bools
    dropped: int = 0
    foreign: int = 0


def read_calls(file: SqliteFile, names: NameCollector, schema: str) -> RawCalls:
    """All calls; none when the export has no RUNTIME table."""
    table = read_table(
        file,
        RUNTIME,
        ["start", "end", "globalTid", "correlationId", "nameId"],
        folded=["globalTid", "nameId", "returnValue"],
        schema=schema,
    )
    kinds, code = table.folded, table.folded.codes
    good = possible_times(table) & kinds.known("globalTid")[code]
    times = np.bincount(code, minlength=len(kinds))
    used = np.bincount(code if good.all() else code[good], minlength=len(kinds)) > 0
    thread = np.full(len(kinds), NONE, np.int32)
    global_tids, thread[used] = np.unique(kinds.values("globalTid", 0)[used], return_inverse=True)
    name = names.add_ids(kinds.values("nameId", 0), kinds.known("nameId"), "call", times)
    foreign = table.foreign
    order = _order(thread[code], table.values("start", 0), good)

    def take_out(column: str) -> Ints:
        values = table.values(column, 0)[order]
        table.columns.pop(column, None)  # there may be millions
        return values

    return RawCalls(
        start=take_out("start"),
        end=take_out("end"),
        correlation_id=take_out("correlationId"),
        thread=thread[code[order]],
        global_tids=global_tids,
        name=name[code[order]],
        succeeded=(kinds.values("returnValue", 0) == 0)[code[order]],
        dropped=int(len(good) - good.sum()),
        foreign=foreign,
    )


def _order(thread: Codes, start: Ints, good: Bools) -> Ints | slice:
    """The good rows by thread, then start; exports mostly come sorted by start."""
    rows = None if good.all() else np.flatnonzero(good)
    if rows is not None:
        thread, start = thread[rows], start[rows]
    if len(start) and (start[1:] >= start[:-1]).all() and int(thread.max()) < FEW:
        if not thread.any():
            return slice(None) if rows is None else rows
        order = np.argsort(thread.astype(np.uint16), kind="stable")
    else:
        order = np.lexsort((start, thread))
    return order if rows is None else rows[order]


def names_like(names: Sequence[str], pattern: re.Pattern[str]) -> Bools:
    """Which names match from their beginning; they carry suffixes (_v3020, _ptsz)."""
    return np.array([bool(pattern.match(name)) for name in names] + [False], np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallJoin:
    """For each device record the place of its call, -1 for none; `doubtful`: ids that several calls share."""

    call: Codes
    doubtful: int


def join_calls(
    call_process: Codes, call_id: Ints, call_start: Ints, process: Codes, wanted_id: Ints, start: Ints
) -> CallJoin:
    """Join device records with calls on (process, correlation id), never on the id alone.

    An id that several calls share is a fault of the data: the latest call before the record is taken.
    """
    found = np.full(len(process), NONE, np.int32)
    doubtful = 0
    for one in np.unique(process[process >= 0]).tolist():
        calls = rows_where((call_process == one) & (call_id > 0))
        records = rows_where((process == one) & (wanted_id > 0))
        if len(call_id[calls]) and len(start[records]):
            matched, shared = _join_one(call_id[calls], call_start[calls], wanted_id[records], start[records])
            places = matched if isinstance(calls, slice) else np.append(calls, NONE)[matched]
            found[records] = places
            doubtful += shared
    return CallJoin(call=found, doubtful=doubtful)


def _join_one(call_id: Ints, call_start: Ints, wanted: Ints, start: Ints) -> tuple[Ints, int]:
    """The call of each record of one process, and how many ids are shared by several calls."""
    low, high = int(call_id.min()), int(call_id.max())
    if high - low > SPARSE * (len(call_id) + len(wanted)):
        codes = pd.factorize(np.concatenate([call_id, wanted]))[0]
        return _join_one(codes[: len(call_id)], call_start, codes[len(call_id) :], start)
    place = call_id - low
    number = np.arange(len(call_id), dtype=np.int32)
    table = np.full(high - low + 2, NONE, np.int32)  # the last entry is for ids without a call
    table[place] = number
    target = np.where((wanted >= low) & (wanted <= high), wanted - low, high - low + 1)
    matched = table[target]
    overwritten = table[place] != number
    if not overwritten.any():
        return matched, 0
    shared = np.zeros(len(table), np.bool_)
    shared[place[overwritten]] = True
    doubtful = shared[target]
    matched[doubtful] = _latest_before(call_id, call_start, wanted[doubtful], start[doubtful])
    return matched, int(shared.sum())


def _latest_before(call_id: Ints, call_start: Ints, wanted: Ints, start: Ints) -> Ints:
    """Of several calls with the id wanted, the latest that starts no later; else the earliest."""
    order = np.lexsort((call_start, call_id))
    times = np.unique(np.concatenate([call_start, start]))
    ids = np.unique(call_id)

    def key(some_id: Ints, some_start: Ints) -> Ints:
        return np.searchsorted(ids, some_id) * (len(times) + 1) + np.searchsorted(times, some_start)

    keys = key(call_id[order], call_start[order])
    at = np.searchsorted(keys, key(wanted, start), side="right") - 1
    earliest = np.searchsorted(keys, np.searchsorted(ids, wanted) * (len(times) + 1))
    return order[np.maximum(at, earliest)]


def read_event_waits(file: SqliteFile, schema: str) -> tuple[Ints, Ints, Ints, Ints]:
    """Rows of SYNCHRONIZATION as (process key, correlation id, context, stream).

    Its syncType is unreliable (2025.3 numbers differ from its own ENUM table), so the kind of a row is that
    of its call's name. An export without the columns says nothing about streams, which can be done without.
    """
    if not {"correlationId", "globalPid"} <= set(file.tables.get(SYNCHRONIZATION, ())):
        none = np.zeros(0, np.int64)
        return none, none, none, none
    table = read_table(
        file, SYNCHRONIZATION, ["correlationId", "globalPid"], ["contextId", "streamId"], schema=schema
    )
    return (
        process_key(table.values("globalPid", 0)),
        table.values("correlationId", 0),
        table.values("contextId", NONE),
        table.values("streamId", NONE),
    )
