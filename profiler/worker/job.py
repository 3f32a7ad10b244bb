"""What the parent tells a worker, and what the worker tells back, one JSON object a line.

The worker appends its messages to a file: a message that was written survives the worker's death, and nothing
of it goes through pipes that a recorder might store.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ...analysis.runs.records import Record, StepRecord

NEW_WORKER = 75
"""Exit code of a worker whose device no longer works: its other steps need another (EX_TEMPFAIL of sysexits.h)."""

DISK_FULL = 74
"""Exit code of a worker that could not write what it measured (EX_IOERR)."""

PassName = Literal["control", "traced", "counters", "metrics"]


class Job(Record):
    """One pass of one shard."""

    which: PassName
    ranges: Literal["none", "nvtx", "memory"]
    backend: str
    device: str
    steps: list[dict[str, Any]]
    reps: dict[str, int] = Field(default_factory=dict)
    """Reps by step key, decided in the control pass; a step that is not in it decides its own."""
    interleave: bool = False
    """Measure the variants of a point in turn (interleave.py); of a control pass only."""
    check: bool = True
    seed: int = 0
    most_seconds: float | None = None
    """Steps that have not begun by then are left to another worker."""
    ends_at: float | None = None
    """By the monotonic clock, which is one for all processes: a step that would not end by then is not begun, but for
    the first."""
    folder: str | None = None
    """Where a scenario's own functions are looked for first."""
    messages: str
    trace: str | None = None
    """Where the embedded recorder writes."""
    activity: str | None = None
    """The folder for what torch.profiler records of the device; None where that is not this worker's business."""
    lifeline: str
    """Held open by the run; a worker whose run is gone ends (lifeline.py)."""


class Begun(Record):
    """The recorder has started the worker, which is this process."""

    event: Literal["begun"] = "begun"
    pid: int


class Opened(Record):
    """The backend is ready."""

    event: Literal["opened"] = "opened"
    versions: dict[str, str]
    settings: dict[str, str]
    range_ns: float | None = None
    """What a range costs in this pass (call_costs.py); None where none is written."""
    call_ns: float | None = None
    """What enqueueing costs in this pass; None on a CPU."""


class Started(Record):
    """A step begins; if no Finished follows, the worker died in it."""

    event: Literal["started"] = "started"
    key: str


class Finished(Record):
    """A step ended, done or failed."""

    event: Literal["finished"] = "finished"
    record: StepRecord


Message = Begun | Opened | Started | Finished

_KINDS: dict[str, type[Message]] = {
    "begun": Begun,
    "opened": Opened,
    "started": Started,
    "finished": Finished,
}


def write_message(path: Path, message: Message) -> None:
    """Append one message, whole or not at all."""
    with path.open("a", encoding="utf-8") as file:
        file.write(message.model_dump_json() + "\n")


class MessageReader:
    """Reads messages as they appear; a last line that is not ended yet is left for the next read."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def read(self) -> list[Message]:
        """The messages since the last read; none while the file does not exist."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        return [parse_message(line) for line in whole.splitlines()]


def parse_message(line: bytes) -> Message:
    """One message from its line."""
    plain = json.loads(line)
    return _KINDS[plain["event"]].model_validate(plain)
