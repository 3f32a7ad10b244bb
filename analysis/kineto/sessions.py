"""Sessions of torch.profiler in a process that marked its ranges itself: their rows put beside those ranges.

Each session has a clock of its own, and a record (written by ``profiler/inside/torch_activity.py``) of the same
calls on the clock of the ranges. Where the two cannot be joined, the rows are left out and the export says so.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TraceError
from ..words import (
    ACTIVITY_CUT_SHORT,
    ACTIVITY_GAVE_WAY,
    ACTIVITY_RECORDER,
    CLOCK_ORIGIN,
    CLOCK_RESIDUAL,
    DEVICE_RECORDER,
    NO_ACTIVITY,
)
from .clock_join import ClockJoin, Span, join_clocks
from .convert import read_rows
from .events import CallEvent, TraceRow
from .stream import KinetoStream
from .writer import ExportWriter

STAMPED_CALL = "cudaDeviceSynchronize"

BASE = "baseTimeNanoseconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One recording: its trace, and what joins its clock and its threads to those of the ranges."""

    trace: Path
    begin: Sequence[Span]
    end: Sequence[Span]
    thread: int
    """Which thread was stamped, as the trace numbers it."""
    walls: Sequence[tuple[int, int, int]]
    """The wall clock between two readings of the stamps' clock, at the begin and the end."""
    threads: Mapping[int, int]
    gives_way: bool
    """It ended, or did not begin, because the program used torch.profiler itself."""
    problem: str | None


def add_activity(export: Path, folder: Path) -> None:
    """Write what the sessions of a folder recorded into the export of the ranges of their process, if there are any.

    Raises OSError where the export cannot be written.
    """
    sessions = find_sessions(folder)
    if sessions:
        writer = ExportWriter.extend(export)
        query = "SELECT value FROM META_DATA_EXPORT WHERE name = ?"
        (origin,) = writer.connection.execute(query, (CLOCK_ORIGIN,)).fetchone()
        add_sessions(writer, sessions, origin_ns=int(origin))


def find_sessions(folder: Path) -> list[Session]:
    """The complete sessions that a process left in a folder, in their order; of one, the record is written last."""
    records = sorted(
        folder.glob("activity-*.clock.json"), key=lambda path: int(path.name.split("-")[1].split(".")[0])
    )
    return [_read_session(path) for path in records]


def _read_session(path: Path) -> Session:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Session(
        trace=path.with_name(path.name.replace(".clock.json", ".json")),
        begin=[(a, b) for a, b in record["begin"]],
        end=[(a, b) for a, b in record["end"]],
        thread=record["thread"],
        walls=[(a, wall, b) for a, wall, b in record["walls"]],
        threads={int(kineto): native for kineto, native in record["threads"].items()},
        gives_way=record.get("gives_way", False),
        problem=record["problem"],
    )


def add_sessions(writer: ExportWriter, sessions: Sequence[Session], *, origin_ns: int) -> None:
    """Write the rows of sessions into an export whose clock has its 0 at ``origin_ns`` of the stamps' clock; finish it.

    Raises OSError where the export cannot be written.
    """
    head: dict[str, Any] = {}
    residuals: list[int] = []
    try:
        for session in sessions:
            join = _add_session(writer, session, origin_ns, head)
            residuals += [] if join is None else [join.residual_ns]
        if residuals:
            facts = {DEVICE_RECORDER: ACTIVITY_RECORDER, CLOCK_RESIDUAL: str(max(residuals))}
            writer.add_facts(facts)
        writer.finish(head)
    except sqlite3.OperationalError as error:
        raise OSError(f"the trace cannot be written: {error}") from None
    finally:
        writer.connection.close()


def _add_session(
    writer: ExportWriter, session: Session, origin_ns: int, head: dict[str, Any]
) -> ClockJoin | None:
    after, calls, problem, base = writer.last_rows(), list[CallEvent](), session.problem, 0
    writer.threads = session.threads
    if session.gives_way:
        writer.tell(ACTIVITY_GAVE_WAY)
        if problem is None and not session.trace.exists():
            return None
    if problem is None:
        try:
            stream = KinetoStream(session.trace)
            with session.trace.open("rb") as file:
                for rows in read_rows(stream, file):
                    writer.append(rows)
                    calls += _stamped(rows)
            head |= stream.head
            base = int(head.pop(BASE, 0))
        except TraceError as error:
            problem = error.problem
        except FileNotFoundError:
            problem = "it wrote no trace"
    join = _join(session, calls, base) if problem is None else None
    if join is None:
        writer.tell(f"{NO_ACTIVITY}: {problem or 'the calls that join its clock are not in its trace'}")
        writer.settle(after, offset_ns=None)
        return None
    if not join.has_end:
        writer.tell(ACTIVITY_CUT_SHORT)
    writer.settle(after, offset_ns=join.offset_ns + origin_ns)
    head[BASE] = base + join.offset_ns + origin_ns
    return join


def _stamped(rows: Sequence[TraceRow]) -> list[CallEvent]:
    return [row for row in rows if isinstance(row, CallEvent) and row.name == STAMPED_CALL]


def _join(session: Session, calls: Sequence[CallEvent], base: int) -> ClockJoin | None:
    """Kineto tells the time of the wall clock, as it understands it, from ``base`` on: that is taken, within limits."""
    mine = [call for call in calls if call.tid == session.thread] or calls
    likely = [wall - (before + after) // 2 - base for before, wall, after in session.walls]
    spans = [(call.start, call.end) for call in mine]
    return join_clocks(
        session.begin, session.end, spans, likely=sum(likely) // len(likely) if likely else None
    )
