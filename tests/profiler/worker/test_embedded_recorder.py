"""The embedded recorder writes what Nsight Systems would have written of the same ranges."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from flopprof.analysis.trace.reading import read_trace
from flopprof.profiler.worker.embedded import EmbeddedTrace, global_thread
from flopprof.profiler.worker.range_writer import MemoryRanges, NoRanges


def ranges_of(path: Path) -> list[tuple[object, ...]]:
    query = """SELECT e.start, e.end, s.value, e.int64Value FROM NVTX_EVENTS e JOIN StringIds s ON s.id = e.textId
               WHERE e.eventType = 59 ORDER BY e.rowid"""
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()


def test_ranges_nest_as_they_were_entered(tmp_path: Path) -> None:
    ranges = MemoryRanges()
    with ranges.range("step:a"), ranges.range("measure"):
        for rep in range(2):
            with ranges.range("rep", payload=rep), ranges.range("matvec"):
                pass
    with EmbeddedTrace(tmp_path / "t.sqlite") as trace:
        trace.append(ranges.take())
    rows = ranges_of(tmp_path / "t.sqlite")
    assert [(name, payload) for _, _, name, payload in rows] == [
        ("step:a", None),
        ("measure", None),
        ("rep", 0),
        ("matvec", None),
        ("rep", 1),
        ("matvec", None),
    ]
    (outer_start, outer_end), *inner = [(start, end) for start, end, _, _ in rows]
    assert all(outer_start <= start <= end <= outer_end for start, end in inner)  # type: ignore[operator]


def test_a_range_is_entered_again_while_open() -> None:
    ranges = MemoryRanges()
    again = ranges.range("f")
    with again, again:
        pass
    (inner_start, inner_end, *_), (outer_start, outer_end, *_) = ranges.take()
    assert outer_start <= inner_start <= inner_end <= outer_end
    assert ranges.take() == []


def test_what_was_appended_is_there_before_the_trace_is_closed(tmp_path: Path) -> None:
    with EmbeddedTrace(tmp_path / "t.sqlite") as trace:
        for name in ("first", "second"):
            ranges = MemoryRanges()
            with ranges.range(name):
                pass
            trace.append(ranges.take())
        assert [row[2] for row in ranges_of(tmp_path / "t.sqlite")] == ["first", "second"]


def test_no_range_reaches_the_end_of_the_session(tmp_path: Path) -> None:
    ranges = MemoryRanges()
    with EmbeddedTrace(tmp_path / "t.sqlite") as trace:
        with ranges.range("all"):
            pass
        trace.append(ranges.take())
    with sqlite3.connect(tmp_path / "t.sqlite") as connection:
        (duration,) = connection.execute("SELECT duration FROM ANALYSIS_DETAILS").fetchone()
    assert duration == ranges_of(tmp_path / "t.sqlite")[0][1] + 1  # type: ignore[operator]


def test_what_it_wrote_is_read_as_what_it_is(tmp_path: Path) -> None:
    ranges = MemoryRanges()
    with ranges.range("all"):
        pass
    with EmbeddedTrace(tmp_path / "t.sqlite") as written:
        written.append(ranges.take())
    trace = read_trace(tmp_path / "t.sqlite")
    assert trace.metadata.recorder == "embedded"
    assert {note.code for note in trace.quality} == {"embedded_recorder", "missing_device_work"}


def test_the_thread_id_holds_the_process_id() -> None:
    assert (global_thread() >> 24) & 0xFFFFFF == os.getpid() & 0xFFFFFF


def test_no_ranges_costs_nothing_to_enter() -> None:
    with NoRanges().range("anything", payload=3) as entered:
        assert entered is None
