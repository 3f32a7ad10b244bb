"""A Kineto trace as an export's file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..errors import TraceError
from .events import TraceRow, read_event
from .stream import Event, KinetoStream
from .writer import ExportWriter


def write_export(file: IO[bytes], target: Path, *, name: Path) -> None:
    """Write the events of an opened Kineto trace into `target`, a new SQLite file.

    `name` is the trace for errors. Raises TraceError for what is no trace of torch.profiler, is damaged or cut short,
    or holds nothing that took time; OSError where `target` cannot be written.
    """
    stream, writer = KinetoStream(name), ExportWriter.create(target)
    stored = 0
    try:
        for rows in read_rows(stream, file):
            stored += len(rows)
            writer.append(rows)
        if not stored:
            raise TraceError(name, "holds no kernel, call, annotation or operator; nothing was recorded")
        writer.finish(stream.head)
    except sqlite3.OperationalError as error:
        raise OSError(f"{target} cannot be written: {error}") from None
    except (sqlite3.Error, OverflowError) as error:
        raise TraceError(name, f"holds values that no trace has ({error}); export it again") from None
    finally:
        writer.connection.close()


def read_rows(stream: KinetoStream, file: IO[bytes]) -> Iterator[list[TraceRow]]:
    """What the events of a trace are, some at a time. Raises TraceError."""
    for events in stream.batches(file):
        yield [row for row in (_read(event, stream.path) for event in events) if row is not None]


def _read(event: Event, name: Path) -> TraceRow | None:
    if not isinstance(event, dict):
        raise TraceError(name, "has something else than events in traceEvents; export it again")
    try:
        return read_event(event)
    except ValueError as error:
        raise TraceError(name, f"{error}; it was not written by torch.profiler, or is damaged") from None
