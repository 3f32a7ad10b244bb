"""Reading traces: what is there, what is left out, and what is refused."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from drawing.drawn import Drawn, drawn_traces
from drawing.draws import draws, one_in
from drawing.nsys_file import (
    NVTX,
    RUNTIME,
    SYNCHRONIZATION,
    TABLES,
    VM,
    Export,
    described,
    export_drawn,
    global_pid,
    global_tid,
)
from drawing.traces import GPU, read_recorded, unpacked
from flopprof.analysis.arithmetic.arrays import ints
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.errors import TraceError
from flopprof.analysis.export.frames import COLUMNS, make_frame, payload_value
from flopprof.analysis.export.identity import pid_of
from flopprof.analysis.trace.judging import find_unified_memory
from flopprof.analysis.trace.reading import read_trace
from flopprof.analysis.trace.trace import Trace
from flopprof.reports.render.json_text import render_json
from hypothesis import given
from hypothesis import strategies as st

KERNEL = TABLES["kernel"]


def small() -> Export:
    """One process, one thread, a range, a call and its kernel."""
    export = described()
    export.add(NVTX, start=0, end=50, eventType=59, text="op", globalTid=global_tid(0, 1))
    add_call(export, 10, 15, 1)
    add_kernel(export, 20, 30, 1)
    return export


def add_call(
    export: Export, start: int, end: int, number: int, process: int = 0, name: str = "cudaLaunchKernel"
) -> None:
    export.add(
        RUNTIME,
        start=start,
        end=end,
        globalTid=global_tid(process, 1),
        correlationId=number,
        nameId=export.string(name),
    )


def add_kernel(
    export: Export, start: int | None, end: int | None, number: int | None, process: int = 0, **more: object
) -> None:
    row: dict[str, object] = {
        "start": start,
        "end": end,
        "deviceId": 0,
        "contextId": 1,
        "streamId": 7,
        "correlationId": number,
        "globalPid": global_pid(process),
        "demangledName": export.string("k"),
    }
    export.add(KERNEL, **{**row, **more})


def read(export: Export, folder: Path) -> Trace:
    return read_trace(export.write(folder / "t.sqlite"))


def codes(trace: Trace) -> dict[str, int]:
    return {note.code: note.count for note in trace.quality}


def texts(trace: Trace, frame: str, column: str = "name") -> list[str]:
    return [trace.name(int(code)) for code in ints(getattr(trace, frame), column)]


@pytest.mark.parametrize("name", GPU)
def test_every_row_of_a_recorded_trace_is_read(name: str, tmp_path: Path):
    trace = read_recorded(name)
    connection = sqlite3.connect(unpacked(name, tmp_path))
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}

    def count(table: str, where: str = "1") -> int:
        return (
            connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]
            if table in tables
            else 0
        )

    assert len(trace.calls) == count(RUNTIME)
    assert np.bincount(ints(trace.activities, "layer"), minlength=4).tolist() == [
        count(t) for t in TABLES.values()
    ]
    assert len(trace.ranges) == count(NVTX, "eventType IN (59, 60)")
    called = ints(trace.activities, "call") >= 0
    assert (
        called | np.isin(np.arange(len(called)), find_unified_memory(trace.activities, trace.copies))
    ).all()
    assert {pid_of(key) for key in trace.processes} == {int(t) for t in ints(trace.threads, "pid")}


def test_frames_have_the_declared_columns_and_types():
    for name in ("streams", "nvtx_all_types_2024.2", "no_nvtx_2022.4"):
        trace = read_recorded(name)
        for kind, columns in COLUMNS.items():
            frame = getattr(trace, kind)
            assert {c: str(t) for c, t in frame.dtypes.items()} == columns


def test_an_undeclared_or_missing_column_is_a_bug():
    with pytest.raises(TypeError, match="extra"):
        make_frame(
            "threads", {**{c: np.zeros(1, np.int32) for c in COLUMNS["threads"]}, "extra": np.zeros(1)}
        )
    with pytest.raises(TypeError, match="tid"):
        make_frame("threads", {"process": np.zeros(1, np.int32), "pid": np.zeros(1, np.int32)})


def test_ids_collide_between_processes_and_join_within_them(tmp_path: Path):
    export = small()
    add_call(export, 100, 110, 1, process=1)
    add_kernel(export, 120, 130, 1, process=1)
    trace = read(export, tmp_path)
    assert ints(trace.calls, "start_ns")[ints(trace.activities, "call")].tolist() == [10, 100]
    assert trace.processes == (global_pid(0), global_pid(1))


def test_a_shared_id_means_the_latest_call_before_the_record(tmp_path: Path):
    export = small()
    add_call(export, 40, 42, 1)
    add_kernel(export, 45, 46, 1)
    add_kernel(export, 5, 6, 1)
    trace = read(export, tmp_path)
    assert ints(trace.calls, "start_ns")[ints(trace.activities, "call")].tolist() == [10, 40, 10]
    assert codes(trace)["duplicate_correlation"] == 1


def test_ids_far_apart_join_too(tmp_path: Path):
    export = small()
    add_call(export, 60, 61, (1 << 60) + 1)
    add_kernel(export, 70, 71, (1 << 60) + 1)
    assert (ints(read(export, tmp_path).activities, "call") >= 0).all()


@pytest.mark.parametrize("number", [None, 0, 77])
def test_records_without_a_call_stay(number: int | None, tmp_path: Path):
    export = small()
    add_kernel(export, 40, 41, number)
    trace = read(export, tmp_path)
    assert ints(trace.activities, "call").tolist()[1] == -1
    assert codes(trace)["unmatched_activity"] == 1


def test_unified_memory_copies_are_a_kind_of_their_own(tmp_path: Path):
    export = small()
    export.add(
        TABLES["memcpy"],
        start=60,
        end=70,
        deviceId=0,
        streamId=7,
        correlationId=0,
        bytes=4096,
        copyKind=11,
        globalPid=global_pid(0),
    )
    analysis = analyze_trace(read(export, tmp_path))
    assert {"unified_memory"} <= {q.code for q in analysis.quality}
    assert "unmatched_activity" not in {q.code for q in analysis.quality}
    assert [(c.kind, c.bytes) for c in analysis.copies] == [("unified host to device", 4096)]
    assert analysis.unattributed_ns == 10


@pytest.mark.parametrize(
    "limits", [(-(2**63), 5), (0, 0), (30, 20), (None, 30), (30, None), (1 << 62, (1 << 62) + 1)]
)
def test_device_records_with_impossible_times_are_left_out_and_counted(
    limits: tuple[int, int], tmp_path: Path
):
    export = small()
    add_kernel(export, *limits, 1)
    trace = read(export, tmp_path)
    assert ints(trace.activities, "start_ns").tolist() == [20]
    assert codes(trace)["impossible_times"] == 1


def test_ranges_may_begin_before_the_recording(tmp_path: Path):
    export = small()
    export.add(NVTX, start=-500, end=40, eventType=59, text="early", globalTid=global_tid(0, 1))
    trace = read(export, tmp_path)
    assert ints(trace.ranges, "start_ns").tolist() == [-500, 0]
    assert ints(trace.ranges, "parent").tolist() == [-1, -1]


def test_a_range_without_end_ends_with_the_recording(tmp_path: Path):
    export = small()
    export.add("ANALYSIS_DETAILS", globalVid=1, duration=99, startTime=0, stopTime=1)
    export.add(NVTX, start=5, end=None, eventType=59, text="null", globalTid=global_tid(0, 2))
    export.add(NVTX, start=6, end=99, eventType=59, text="clipped", globalTid=global_tid(0, 2))
    trace = read(export, tmp_path)
    assert ints(trace.ranges, "end_ns").tolist() == [50, 99, 99]
    assert ints(trace.ranges, "open").tolist() == [False, True, True]
    assert codes(trace)["open_ranges"] == 2
    assert trace.duration_ns == 99


def test_the_last_range_to_end_is_not_open_where_the_recordings_end_is_unknown(tmp_path: Path):
    export = small()
    export.add(NVTX, start=5, end=None, eventType=59, text="null", globalTid=global_tid(0, 2))
    trace = read(export, tmp_path)
    assert ints(trace.ranges, "end_ns").tolist() == [50, 50]
    assert ints(trace.ranges, "open").tolist() == [False, True]


@pytest.mark.parametrize("key", ["", " PRIMARY KEY"])
def test_twins_with_equal_limits_keep_the_order_of_their_ids(tmp_path: Path, key: str):
    path = small().write(tmp_path / "t.sqlite")
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE NVTX_EVENTS")
    columns = "start INT, end INT, eventType INT, text TEXT, globalTid INT"
    connection.execute(f"CREATE TABLE NVTX_EVENTS (eventId INTEGER{key}, {columns})")
    rows = [(2, 0, 50, 59, "inner", global_tid(0, 1)), (1, 0, 50, 59, "outer", global_tid(0, 1))]
    connection.executemany("INSERT INTO NVTX_EVENTS VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    trace = read_trace(path)
    assert texts(trace, "ranges") == ["outer", "inner"]
    assert ints(trace.ranges, "parent").tolist() == [-1, 0]


@pytest.mark.parametrize("dropped", ["correlationId", "globalPid", "streamId"])
def test_a_wait_whose_stream_is_not_told_reads(tmp_path: Path, dropped: str):
    export = small()
    add_call(export, 16, 17, 2, name="cudaStreamWaitEvent_v3020")
    row = {"correlationId": 2, "globalPid": global_pid(0), "contextId": 1, "streamId": 7}
    export.add(SYNCHRONIZATION, start=16, end=17, **row)
    assert ints(read(export, tmp_path).event_waits, "stream").tolist() == [7]
    (tmp_path / "t.sqlite").unlink()
    export.drop_column(SYNCHRONIZATION, dropped)
    trace = read(export, tmp_path)
    assert ints(trace.event_waits, "stream").tolist() == [-1]
    assert any(f"{SYNCHRONIZATION}.{dropped}" in note.message for note in trace.quality)


def test_domains_are_numbered_per_process(tmp_path: Path):
    export = described()
    for process, names in enumerate((("zzz", "flopprof"), ("flopprof", "zzz"))):
        tid = global_tid(process, 1)
        for number, name in enumerate(names, start=1):
            for _ in range(2):  # created twice, as two threads do
                export.add(NVTX, start=0, eventType=75, text=name, globalTid=tid, domainId=number)
        export.add(NVTX, start=1, end=2, eventType=59, text="r", globalTid=tid, domainId=1)
    trace = read(export, tmp_path)
    assert texts(trace, "ranges", "domain") == ["zzz", "flopprof"]


def test_ranges_that_begin_beyond_all_clocks_are_left_out(tmp_path: Path):
    export = small()
    for end in (5, None):
        export.add(NVTX, start=-(2**63), end=end, eventType=59, text="r", globalTid=global_tid(0, 1))
    trace = read(export, tmp_path)
    assert texts(trace, "ranges") == ["op"]
    assert codes(trace)["impossible_range_times"] == 2


def test_a_domain_whose_name_is_lost_is_not_the_default_one(tmp_path: Path):
    export = described()
    export.add(NVTX, start=0, eventType=75, text=None, globalTid=global_tid(0, 1), domainId=2)
    export.add(NVTX, start=1, end=2, eventType=59, text="r", globalTid=global_tid(0, 1), domainId=2)
    trace = read(export, tmp_path)
    assert texts(trace, "ranges", "domain") == ["domain#2"]
    assert codes(trace)["nameless_domain"] == 1


def test_events_without_a_type_are_counted(tmp_path: Path):
    export = small()
    export.add(NVTX, start=1, end=2, eventType=None, text="lost", globalTid=global_tid(0, 1))
    assert codes(read(export, tmp_path))["missing_values"] == 1


def test_a_forked_childs_domain_is_named_after_the_parents(tmp_path: Path):
    export = described()
    export.add(NVTX, start=0, eventType=75, text="ops", globalTid=global_tid(0, 1), domainId=1)
    export.add(NVTX, start=1, end=2, eventType=59, text="r", globalTid=global_tid(1, 1), domainId=1)
    export.add(NVTX, start=1, end=2, eventType=59, text="r", globalTid=global_tid(1, 1), domainId=9)
    trace = read(export, tmp_path)
    assert texts(trace, "ranges", "domain") == ["ops", "domain#9"]
    assert codes(trace)["nameless_domain"] == 2


def test_messages_come_registered_or_plain_or_not_at_all(tmp_path: Path):
    export = described()
    tid = global_tid(0, 1)
    export.add(NVTX, start=1, end=2, eventType=59, text="plain", textId=None, globalTid=tid)
    export.add(NVTX, start=3, end=4, eventType=59, textId=export.string("registered"), globalTid=tid)
    export.add(NVTX, start=5, end=6, eventType=59, globalTid=tid)
    export.add(NVTX, start=7, end=8, eventType=59, textId=4711, globalTid=tid)
    export.add(
        NVTX, start=9, end=10, eventType=59, text=b"bad \xff byte".decode("utf-8", "replace"), globalTid=tid
    )
    assert texts(read(export, tmp_path), "ranges") == ["plain", "registered", "", "text#4711", "bad � byte"]


def test_recorded_payloads_keep_every_bit():
    trace = read_recorded("nvtx_all_types_2024.2")
    kinds, values = ints(trace.ranges, "payload_kind"), ints(trace.ranges, "payload")
    found = {
        n: payload_value(int(k), int(v))
        for n, k, v in zip(texts(trace, "ranges"), kinds, values, strict=True)
    }
    wanted = {"u64": 2**64 - 1, "i64": -5, "dbl": 2.5, "u32": 2**32 - 1, "i32": -7, "flt": 1.25}
    assert {n: found[n] for n in wanted} == wanted
    assert found["closed-in-thread"] is None


def test_an_infinite_payload_is_unknown_for_json_has_no_word_for_it(tmp_path: Path):
    export = small()
    tid = global_tid(0, 1)
    for name, value in (("inf", float("inf")), ("half", 0.5)):
        export.add(NVTX, start=1, end=2, eventType=59, text=name, globalTid=tid, doubleValue=value)
    document = analyze_trace(read(export, tmp_path), range_glob="*").to_json()
    render_json(document)
    assert {w["range"]: w["payload"] for w in document["windows"]} == {"op": None, "inf": None, "half": 0.5}


def test_the_recording_with_negative_times_reads():
    trace = read_recorded("capture_range_negative_ts_2024.2")
    assert len(trace.ranges) == 5
    assert set(texts(trace, "ranges", "domain")) == {"flopprof"}


def test_process_ids_above_53_bits_stay_exact(tmp_path: Path):
    export = small()
    big = (-1 << 56) | (100 << 24)
    for rows in export.tables.values():
        for row in rows:
            for column in ("globalTid", "globalPid"):
                if column in row:
                    row[column] = big | (1 if column == "globalTid" else 0)
    trace = read(export, tmp_path)
    assert trace.processes == (big,)
    assert ints(trace.activities, "call").tolist() == [0]


def test_records_without_a_process_join_when_only_one_made_calls(tmp_path: Path):
    export = small()
    export.drop_column(KERNEL, "globalPid")
    export.add(
        NVTX, start=0, end=50, eventType=59, text="op", globalTid=global_tid(1, 2)
    )  # which made no call
    assert ints(read(export, tmp_path).activities, "call").tolist() == [0]
    (tmp_path / "t.sqlite").unlink()
    add_call(export, 1, 2, 1, process=1)
    trace = read(export, tmp_path)
    assert ints(trace.activities, "call").tolist() == [-1]
    assert codes(trace)["unknown_process"] == 1
    assert [d["pid"] for d in analyze_trace(trace).to_json()["devices"]] == [None]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (RUNTIME, "nameId"),
        (RUNTIME, "correlationId"),
        (KERNEL, "deviceId"),
        (KERNEL, "demangledName"),
        (NVTX, "end"),
    ],
)
def test_a_missing_required_column_is_named(table: str, column: str, tmp_path: Path):
    export = small()
    export.drop_column(table, column)
    with pytest.raises(TraceError) as error:
        read(export, tmp_path)
    assert table in str(error.value)
    assert column in str(error.value)
    assert "3.20.3" in str(error.value)
    assert "\n" not in str(error.value)


def test_optional_columns_have_defaults(tmp_path: Path):
    export = small()
    export.drop_column(KERNEL, "contextId")
    kernel = analyze_trace(read(export, tmp_path)).kernels[0]
    assert kernel.launches[0].grid is None
    assert kernel.launches[0].registers is None
    assert kernel.launches[0].occupancy is None


def test_a_kernel_whose_full_name_is_missing_has_its_short_one(tmp_path: Path):
    export = small()
    add_kernel(export, 60, 61, None, demangledName=None, shortName=export.string("short"))
    add_kernel(export, 62, 63, None, demangledName=4711)
    assert texts(read(export, tmp_path), "activities") == ["k", "short", "kernel#4711"]


def test_any_table_may_be_missing(tmp_path: Path):
    for number, table in enumerate([*small().tables]):
        export = small()
        del export.tables[table]
        trace = read_trace(export.write(tmp_path / f"{number}.sqlite"))
        assert {RUNTIME: "missing_calls", KERNEL: "missing_device_work", NVTX: "missing_ranges"}.get(
            table, "schema_unknown"
        ) in codes(trace)


def test_a_schema_of_another_major_version_is_refused(tmp_path: Path):
    with pytest.raises(TraceError, match=r"schema 4\.0\.1"):
        read(described("4.0.1"), tmp_path)


def test_old_and_new_schemas_are_noted(tmp_path: Path):
    assert "schema_newer" in codes(read(described("3.99.0"), tmp_path))
    trace = read_recorded("no_nvtx_2022.4")
    assert (trace.metadata.schema, trace.metadata.exporter) == ("3.0.0", "2022.4.2.1")


def test_devices_are_the_physical_ones(tmp_path: Path):
    export = small()
    add_kernel(export, 60, 70, 1, process=1)
    for number in range(2):
        export.add("TARGET_INFO_GPU", id=number, name=f"GPU {number}", uuid=f"u{number}")
    for process, gpu in ((0, 1), (1, 0)):
        export.add("TARGET_INFO_CUDA_DEVICE", gpuId=gpu, cudaId=0, pid=100 + process)
    trace = read(export, tmp_path)
    assert ints(trace.activities, "device").tolist() == [1, 0]
    assert [(d.device, d.pid, d.uuid, d.name, d.certain) for d in trace.devices] == [
        (0, 101, "u0", "GPU 0", True),
        (1, 100, "u1", "GPU 1", True),
    ]


@pytest.mark.parametrize("second", ["another", "A"])
def test_without_a_device_map_each_of_several_gpus_is_uncertain(second: str, tmp_path: Path):
    """Also of one model: CUDA_VISIBLE_DEVICES may have changed their order."""
    export = small()
    export.add("TARGET_INFO_GPU", id=0, name="A")
    export.add("TARGET_INFO_GPU", id=1, name=second)
    trace = read(export, tmp_path)
    assert [d.certain for d in trace.devices] == [False]
    assert codes(trace)["device_uncertain"] == 1


def test_the_embedded_recorders_three_tables_are_a_trace(tmp_path: Path):
    export = Export()
    export.add("META_DATA_EXPORT", name="EXPORT_PRODUCT_NAME", value="flopprof embedded recorder")
    tid = VM | 100 << 24 | 1
    export.add(NVTX, start=0, eventType=75, text="flopprof", globalTid=tid, domainId=1)
    for name, start, end in (
        ("step:x", 0, 90),
        ("measure", 10, 80),
        ("rep", 10, 40),
        ("outer", 12, 30),
        ("sum", 31, 38),
    ):
        export.add(
            NVTX, start=start, end=end, eventType=59, text=name, globalTid=tid, domainId=1, int64Value=3
        )
    trace = read(export, tmp_path)
    analysis = analyze_trace(trace, range_glob="measure", domains=("flopprof",))
    assert trace.metadata.recorder == "embedded"
    assert "embedded_recorder" in codes(trace)
    assert [
        (w.times.wall_ns, w.times.compute_ns, w.times.host_ns, w.times.busy_ns) for w in analysis.windows
    ] == [(70, 25, 45, None)]


def facts(trace: Trace) -> dict[str, object]:
    document = analyze_trace(trace, domains=("ops",)).to_json()
    document.pop("trace")
    return document


def without_twins(drawn: Drawn) -> Drawn:
    """Ranges with equal limits are told apart by their row, so a shuffle may change them."""
    unique = {(r.start, r.end, drawn.threads[r.thread]): r for r in drawn.ranges}
    return Drawn(drawn.calls, drawn.work, list(unique.values()), drawn.threads)


@draws(60)
@given(drawn_traces().map(without_twins), st.integers(0, 99))
def test_the_order_of_rows_is_irrelevant(drawn: Drawn, seed: int):
    with tempfile.TemporaryDirectory() as folder:
        export = export_drawn(drawn)
        plain = facts(read_trace(export.write(Path(folder) / "a.sqlite")))
        export.shuffle(seed)
        assert facts(read_trace(export.write(Path(folder) / "b.sqlite"))) == plain


@draws(60)
@given(drawn_traces())
def test_processes_read_apart_add_up_to_the_whole(drawn: Drawn):
    with tempfile.TemporaryDirectory() as folder:
        export = export_drawn(drawn)
        whole = analyze_trace(read_trace(export.write(Path(folder) / "whole.sqlite")), domains=("ops",))
        parts = [
            analyze_trace(
                read_trace(export.only_process(p).write(Path(folder) / f"{p}.sqlite")), domains=("ops",)
            )
            for p in (0, 1)
        ]
    assert whole.device_ns == sum(p.device_ns for p in parts)
    assert whole.attributed_ns == sum(p.attributed_ns for p in parts)
    assert set(whole.range_kernels) == {row for part in parts for row in part.range_kernels}
    assert sorted(whole.ranges, key=str) == sorted((row for part in parts for row in part.ranges), key=str)


@pytest.mark.parametrize("column", ["contextId", "streamId"])
def test_a_wait_of_unknown_place_may_be_for_any_stream(column: str, tmp_path: Path):
    """Then latency after it is unknown, as it is where the wait is known; never a number."""
    path = unpacked("ranks/strag_rank1", tmp_path)
    plain = analyze_trace(read_trace(path))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE other AS SELECT * FROM {SYNCHRONIZATION}")  # without constraints
        connection.execute(f"DROP TABLE {SYNCHRONIZATION}")
        connection.execute(f"ALTER TABLE other RENAME TO {SYNCHRONIZATION}")
        connection.execute(f"UPDATE {SYNCHRONIZATION} SET {column} = NULL")
    less = analyze_trace(read_trace(path))
    pairs = zip(plain.kernels, less.kernels, strict=True)
    assert not [a.kernel for a, b in pairs if a.latency_median_ns is None and b.latency_median_ns is not None]


@pytest.mark.parametrize("name", one_in(4, (*GPU, "gpu_metrics_100khz", "ranks/strag_rank1")))
def test_shuffled_recordings_say_the_same(name: str, tmp_path: Path):
    path = unpacked(name, tmp_path)
    plain = analyze_trace(read_trace(path)).to_json()
    connection = sqlite3.connect(path)
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if table == NVTX or table.startswith("CUPTI"):
            connection.execute(f"CREATE TABLE other AS SELECT * FROM {table} ORDER BY rowid * 7919 % 1009")
            connection.execute(f"DROP TABLE {table}")
            connection.execute(f"ALTER TABLE other RENAME TO {table}")
    connection.commit()
    connection.close()
    shuffled = analyze_trace(read_trace(path)).to_json()
    plain.pop("trace")
    shuffled.pop("trace")
    assert shuffled == plain
