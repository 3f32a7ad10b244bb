# pyright: strict
"""From a file to a trace: its tables read, joined, ordered and judged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Bools, Codes, ints
from ..arithmetic.nesting import find_parents, measure_depths, rank_ranges
from ..export.activities import RawActivities, leave_out, order_activities
from ..export.calls import EVENT_WAIT, RUNTIME, RawCalls, join_calls, names_like, read_event_waits
from ..export.devices import (
    CONTEXTS,
    limit_sms,
    place_on_devices,
    read_device_map,
    read_gpus,
    read_sm_counts,
)
from ..export.frames import CROSS_THREAD, make_frame
from ..export.graph_nodes import RawGraphNodes, read_graph_nodes
from ..export.identity import Identities, collect_identities, pid_of, process_key
from ..export.lacking import find_lacking
from ..export.metadata import Metadata, read_metadata
from ..export.nvtx import RawEvents
from ..samples.layouts import read_gpu_samples
from ..sqlite.file import SqliteFile
from ..tables.joined import open_tables
from ..words import BUSY_LAYERS, QualityNote
from .judging import Counted, find_unified_memory, judge_trace
from .lost import Asked, Nodes, Recorded, judge_lost
from .open import Announce, open_trace_file
from .outlasting import find_outlasting
from .overlaps import find_overlaps, find_repeats
from .raw import read_tables
from .split_export import count_cores
from .trace import Trace

KERNELS = [BUSY_LAYERS.index(layer) for layer in ("kernel", "graph")]


def read_trace(path: Path, *, announce: Announce | None = None) -> Trace:
    """Read a recording of Nsight Systems (.sqlite, also packed, .nsys-rep, .qdstrm) or the embedded recorder.

    `announce` is told of steps that take long. Raises TraceError for what is no such file, is damaged, or
    lacks a column without which a table is useless.
    """
    with open_trace_file(path, announce=announce, cores=count_cores()) as opened:
        return read_opened(opened, path)


def read_opened(opened: Path, path: Path) -> Trace:
    """Read the trace `path` that `open_trace_file` has opened. Raises TraceError."""
    with open_tables(opened) as file:
        return _read(file, Path(path))


def _read(file: SqliteFile, path: Path) -> Trace:
    metadata = read_metadata(file)
    schema = metadata.schema_name
    tables = read_tables(file, schema)
    raw_calls, raw, nvtx, names = tables.calls, tables.work, tables.nvtx, tables.names
    nodes = read_graph_nodes(file, schema)
    who = collect_identities(
        [raw_calls.global_tids, nvtx.ranges.global_tid, nvtx.marks.global_tid, nodes.global_tid],
        [raw.process[raw.process_known]],
    )
    texts, final = names.sort()
    session_end = _session_end(metadata, raw_calls, raw, nvtx.ranges)
    process = who.process_codes(raw.process, raw.process_known, raw_calls.global_tids)
    with ThreadPoolExecutor(1) as pool:
        ranked = pool.submit(
            _rank, nvtx.ranges, who, final, session_end, known=metadata.duration_ns is not None
        )
        call_process = who.processes_of(raw_calls.global_tids)[raw_calls.thread]
        join = join_calls(
            call_process,
            raw_calls.correlation_id,
            raw_calls.start,
            process,
            raw.correlation_id,
            raw.start,
        )
        calls = _calls(raw_calls, who, final)
    ranges = ranked.result()
    gpus, bad_gpus = read_gpus(file)
    gpus = limit_sms(gpus, read_sm_counts(file))
    device, devices = place_on_devices(process, raw.ordinal, who.processes, gpus, read_device_map(file))
    activities = _activities(raw, process, device, join.call, final)
    by_start = order_activities(activities)
    asked = _asked(raw_calls, calls, call_process, texts)
    del call_process
    with ThreadPoolExecutor(1) as pool:
        judging_lost = pool.submit(_judge_lost, raw_calls, raw, nodes, who, activities, asked)
        called = _called(activities, calls)
        overlaps = find_overlaps(activities, by_start, _on_stream(raw, activities), called, texts, gpus)
        outlasting = find_outlasting(activities, asked, overlaps)
        wrong = [overlaps.rows, overlaps.everywhere, outlasting.rows]
        repeats = find_repeats(activities, calls, called, texts, wrong)
    lost = judging_lost.result()
    out = np.concatenate([overlaps.rows, outlasting.rows, repeats.rows])
    if len(out):
        kept = np.ones(len(activities), np.bool_)
        kept[out] = False
        raw, activities = leave_out(raw, kept), activities[kept].reset_index(drop=True)
        by_start = order_activities(activities)
        if (ended := _session_end(metadata, raw_calls, raw, nvtx.ranges)) != session_end:
            session_end, ranges = ended, _rank(nvtx.ranges, who, final, ended, known=False)
    waits = _event_waits(file, schema, raw_calls, names_like(texts, EVENT_WAIT)[ints(calls, "name")])
    samples = read_gpu_samples(file, schema)
    counted = Counted(
        has_calls=RUNTIME in file.tables,
        has_contexts=not CONTEXTS.isdisjoint(file.tables),
        dropped=raw.dropped,
        overlaps=overlaps,
        outlasting=outlasting,
        repeats=repeats,
        impossible={
            "impossible_bytes": raw.bad_bytes,
            "impossible_geometry": raw.bad_launches,
            "impossible_device_info": bad_gpus,
        },
        dropped_calls=raw_calls.dropped,
        dropped_ranges=nvtx.dropped,
        foreign=raw.foreign + raw_calls.foreign + nvtx.foreign,
        unknown=raw.unknown + nvtx.unknown,
        unnamed=names.missing + int((raw_calls.name < 0).sum()),
        wordless=nvtx.wordless,
        lacking=find_lacking(file, metadata.recorder, of_kineto=metadata.of_kineto),
        doubtful=join.doubtful,
        unplaced_waits=int((ints(waits, "stream") == NONE).sum()),
        lost_domains=nvtx.lost_domains,
        nameless_domains=nvtx.nameless_domains,
        described=bool(gpus),
        stand_ins=_count_stand_ins(who) if metadata.of_kineto else 0,
    )
    return Trace(
        path=path,
        metadata=metadata,
        activities=activities,
        by_start=by_start,
        copies=raw.copies,
        launches=raw.launches,
        calls=calls,
        event_waits=waits,
        graph_nodes=nodes.frame(who),
        ranges=ranges,
        marks=_marks(nvtx.marks, who, final),
        threads=who.frame(),
        names=texts,
        processes=tuple(who.processes.tolist()),
        devices=devices,
        gpus=gpus,
        has_calls=counted.has_calls,
        duration_ns=session_end,
        samples=samples,
        quality=judge_trace(metadata, activities, raw.copies, calls, ranges, texts, devices, counted, lost),
    )


def _count_stand_ins(who: Identities) -> int:
    from ..kineto.writer import count_stand_ins  # which few traces need

    return count_stand_ins(who.threads)


def _calls(raw: RawCalls, who: Identities, final: Codes) -> pd.DataFrame:
    """Calls in the order in which they were read, which is that of the codes of threads, too."""
    thread = who.thread_codes(raw.global_tids)[raw.thread]
    return make_frame(
        "calls", {"start_ns": raw.start, "end_ns": raw.end, "thread": thread, "name": final[raw.name]}
    )


def _session_end(metadata: Metadata, calls: RawCalls, work: RawActivities, ranges: RawEvents) -> int:
    ends = [calls.end, work.end, ranges.end[ranges.end_known]]
    return metadata.duration_ns or max((int(e.max()) for e in ends if len(e)), default=0)


def _rank(raw: RawEvents, who: Identities, final: Codes, session_end: int, *, known: bool) -> pd.DataFrame:
    """Ranges in their rank; unless the end of the session is known, the last to end may have been closed."""
    thread = who.thread_codes(raw.global_tid)
    is_open = ~raw.end_known | (raw.end >= session_end) & (raw.end > raw.start) & known
    end = np.where(raw.end_known, raw.end, np.maximum(raw.start, session_end))
    order = rank_ranges(thread, raw.start, end)
    own = np.flatnonzero(raw.style[order] != CROSS_THREAD)
    parent = np.full(len(order), NONE, np.int64)
    found = find_parents(thread[order][own], end[order][own])
    parent[own] = np.where(found >= 0, own[found], NONE) if len(own) else found
    return make_frame(
        "ranges",
        {
            "start_ns": raw.start[order],
            "end_ns": end[order],
            "thread": thread[order],
            "domain": final[raw.domain[order]],
            "name": final[raw.name[order]],
            "style": raw.style[order],
            "payload_kind": raw.payload_kind[order],
            "payload": raw.payload[order],
            "open": is_open[order],
            "parent": parent.astype(np.int32),
            "depth": measure_depths(parent).astype(np.int32),
        },
    )


def _marks(raw: RawEvents, who: Identities, final: Codes) -> pd.DataFrame:
    return make_frame(
        "marks",
        {
            "start_ns": raw.start,
            "thread": who.thread_codes(raw.global_tid),
            "domain": final[raw.domain],
            "name": final[raw.name],
            "payload_kind": raw.payload_kind,
            "payload": raw.payload,
        },
    )


def _activities(raw: RawActivities, process: Codes, device: Codes, call: Codes, final: Codes) -> pd.DataFrame:
    return make_frame(
        "activities",
        {
            "start_ns": raw.start,
            "end_ns": raw.end,
            "layer": raw.layer,
            "device": device,
            "process": process,
            "context": raw.context,
            "stream": raw.stream,
            "correlation_id": raw.correlation_id,
            "name": final[raw.name],
            "launch": raw.launch,
            "call": call,
            "graph_node": raw.graph_node,
        },
    )


def _on_stream(raw: RawActivities, activities: pd.DataFrame) -> Bools:
    """Records of a known stream, all but migrations of unified memory, which wait for no other."""
    found = raw.stream_known.copy()
    found[find_unified_memory(activities, raw.copies)] = False
    return found


def _called(activities: pd.DataFrame, calls: pd.DataFrame) -> Codes:
    """The name of each record's call, -1 for none."""
    return np.append(ints(calls, "name"), np.int32(NONE))[ints(activities, "call")]


def _asked(raw: RawCalls, calls: pd.DataFrame, process: Codes, texts: tuple[str, ...]) -> Asked:
    return Asked(
        start=raw.start,
        end=raw.end,
        thread=ints(calls, "thread"),
        process=process,
        name=ints(calls, "name"),
        correlation_id=raw.correlation_id,
        succeeded=raw.succeeded,
        names=texts,
    )


def _judge_lost(
    raw_calls: RawCalls,
    raw: RawActivities,
    nodes: RawGraphNodes,
    who: Identities,
    activities: pd.DataFrame,
    asked: Asked,
) -> list[QualityNote]:
    untimed = raw.untimed
    process = who.process_codes(process_key(untimed.process), untimed.process_known, raw_calls.global_tids)
    none = np.zeros(len(process), np.int64)
    migration = np.zeros(len(activities) + len(process), np.bool_)
    migration[find_unified_memory(activities, raw.copies)] = True
    layer = ints(activities, "layer")
    return judge_lost(
        asked,
        Recorded(
            process=np.append(ints(activities, "process"), process),
            correlation_id=np.append(raw.correlation_id, untimed.correlation_id),
            call=np.append(ints(activities, "call"), none + NONE).astype(np.int32),
            graph_node=np.append(raw.graph_node, none),
            migration=migration,
            has_kernels=bool(np.isin(layer, KERNELS).any()),
        ),
        Nodes(
            process=who.processes_of(nodes.global_tid),
            node=nodes.node,
            thread=who.thread_codes(nodes.global_tid),
            start=nodes.start,
        ),
        tuple(map(pid_of, who.processes.tolist())),
    )


def _event_waits(file: SqliteFile, schema: str, raw: RawCalls, waits: Bools) -> pd.DataFrame:
    """Calls that make a stream wait, with the stream where SYNCHRONIZATION names it."""
    rows = np.flatnonzero(waits)
    context, stream = np.full(len(rows), NONE, np.int64), np.full(len(rows), NONE, np.int64)
    if len(rows):
        keys, ids, contexts, streams = read_event_waits(file, schema)
        known = {(k, i): (c, s) for k, i, c, s in zip(keys, ids, contexts, streams, strict=True)}
        owners = process_key(raw.global_tids)[raw.thread[rows]]
        for at, key in enumerate(zip(owners, raw.correlation_id[rows], strict=True)):
            context[at], stream[at] = known.get(key, (NONE, NONE))
    return make_frame("event_waits", {"call": rows.astype(np.int32), "context": context, "stream": stream})
