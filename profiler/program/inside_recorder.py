"""Python programs without Nsight Systems: they record themselves (profiler/inside), and here it becomes one export.

Every Python that the program starts records itself, too; what is no Python, or does not read PYTHONPATH, is not seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ...analysis.kineto.events import NvtxEvent
from ...analysis.kineto.sessions import add_sessions, find_sessions
from ...analysis.kineto.writer import ExportWriter
from ...analysis.words import EMBEDDED, Recorder
from ..errors import CaptureError
from ..inside import begin
from ..inside.kept_ranges import LOADED_AS, RANGES
from ..machine.version import installed_version
from .starter import add_starter

PYTHON = re.compile(r"python(\d+(\.\d+)*)?")

SHEBANG_BYTES = 256

BATCH = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideRecorder:
    """Programs of Python that record themselves, their devices by torch.profiler."""

    name: Recorder = "embedded"
    version: str | None = None

    def failed_to_start(self, staging: Path) -> bool:  # noqa: ARG002
        """It is part of the program."""
        return False

    def extend(self, environment: Mapping[str, str], staging: Path, temporary: Path) -> dict[str, str]:
        """The program's environment, so that every Python in it records itself into the staging folder."""
        started = add_starter(environment, temporary / "starter", begin.__file__, LOADED_AS)
        return {**started, begin.FOLDER: str(staging / "inside")}

    def collect_captures(self, staging: Path) -> list[Path]:
        """One export of all processes. Raises CaptureError, with the reason, where nothing was recorded."""
        folders = sorted(staging.glob(f"inside/*/{begin.BEGAN}"))
        if not folders:
            raise CaptureError(
                "no Python of it loaded flopprof's recorder, which -I, -E and -S keep out; leave those out, or install "
                "Nsight Systems (make nsys)"
            )
        ended = [began.parent for began in folders if (began.parent / begin.ENDED).exists()]
        if not ended:
            raise CaptureError("it ended before what it had recorded could be written")
        target = staging / "raw.sqlite"
        writer = ExportWriter.create(target, EMBEDDED, f"{EMBEDDED} {installed_version()}")
        try:
            for folder in ended:
                rows = read_ranges(folder)
                while some := list(islice(rows, BATCH)):
                    writer.append(some)
            lost = len(folders) - len(ended)
            if lost:
                writer.tell(
                    f"Not all NVTX events might have been collected: {lost} processes ended without writing theirs"
                )
            sessions = [session for folder in ended for session in find_sessions(folder)]
            add_sessions(writer, sessions, origin_ns=0)
        except OSError as error:
            raise CaptureError(str(error)) from error
        return [target]


def read_ranges(folder: Path) -> Iterator[NvtxEvent]:
    """The ranges and marks that a process kept."""
    pid = int(folder.name)
    with (folder / RANGES).open(encoding="utf-8") as file:
        for line in file:
            row: list[Any] = json.loads(line)
            kind, start, end, name, domain, payload, tid, end_tid = row
            yield NvtxEvent(kind, start, end, pid, tid, name, domain, payload, end_tid)


def runs_python(file: str) -> bool:
    """Whether a program is a Python, or a script whose first line names one."""
    if PYTHON.fullmatch(Path(file).name):
        return True
    try:
        with Path(file).open("rb") as opened:
            first = opened.read(SHEBANG_BYTES).partition(b"\n")[0]
    except OSError:  # what may be run need not be readable
        return False
    return first.startswith(b"#!") and b"python" in first
