"""Messages between a worker and its parent survive half-written lines."""

from __future__ import annotations

from pathlib import Path

from flopprof.analysis.runs.records import StepRecord
from flopprof.profiler.worker.job import Finished, MessageReader, Opened, Started, write_message

MESSAGES = (
    Opened(versions={"numpy": "2"}, settings={}),
    Started(key="abc"),
    Finished(record=StepRecord(key="abc", status="failed", reason="line one\nline two")),
)


def test_messages_come_back_as_they_were_sent(tmp_path: Path) -> None:
    reader = MessageReader(tmp_path / "m")
    assert reader.read() == []
    for message in MESSAGES:
        write_message(tmp_path / "m", message)
    assert tuple(reader.read()) == MESSAGES
    assert reader.read() == []


def test_a_line_not_yet_ended_waits(tmp_path: Path) -> None:
    write_message(tmp_path / "whole", MESSAGES[1])
    line = (tmp_path / "whole").read_bytes()
    reader = MessageReader(tmp_path / "m")
    (tmp_path / "m").write_bytes(line + line[:9])
    assert reader.read() == [MESSAGES[1]]
    with (tmp_path / "m").open("ab") as file:
        file.write(line[9:])
    assert reader.read() == [MESSAGES[1]]
