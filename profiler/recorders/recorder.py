"""What makes the trace of a worker: Nsight Systems, or where it is missing the worker itself with torch.profiler."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...analysis.files import move_whole
from ...analysis.kineto.sessions import add_activity
from ...analysis.processes.asking import explain_place
from ...analysis.trace.nsys import Nsys, export_report, find_importer, find_nsys, import_qdstrm
from ...analysis.words import Recorder as RecorderName
from ...analysis.words import RecorderChoice
from ..errors import CaptureError, RecorderMissing
from ..machine.machine import cuda_devices, needed_for_activity

PROFILE_OPTIONS = (
    "--trace=cuda,nvtx",
    "--sample=none",
    "--cpuctxsw=none",
    "--cuda-graph-trace=node",
    "--wait=primary",
    "--force-overwrite=true",
)
"""Sampling and context switches are off for two reasons: they cost, and nsys 2022.4 hangs with them."""

NESTED_SIGNS = ("NSYS_PROFILING_SESSION_ID", "QUADD_INJECTION_PROXY")
"""Variables that Nsight Systems sets in what it profiles."""

LOST_AGENT = re.compile(
    r"Local Endpoint is not available|Agent launcher failed|Connection to the Agent lost|^\s*End of file\s*$"
    r"|errinfo_api_function_\*\] = sem_open",
    re.M,
)
"""What nsys 2022.4 says, with exit code 1 or 0, when it did not begin: it has no agent (the last by a line of its
own), or not the semaphore that its launcher makes for the agent (once in some thousand starts, of five at once)."""

ENDING = re.compile(
    r"Importer error status:|Unable to retrieve the importer|Generat(ing '|ed:)|\[\d+/\d+\]|/.+\.(qdstrm|nsys-rep)$"
)
"""How the lines begin that nsys adds when a program has ended."""

CRASH = "Fatal Python error:"
"""How the report of a crash begins; it ends with a list of modules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NsysRecorder:
    """NVIDIA Nsight Systems: ranges, CUDA calls and GPU activity."""

    nsys: Nsys
    name: RecorderName = "nsys"
    note: str | None = None
    """Why this recorder was chosen and what it cannot see, when the reader must know."""
    ranges: Literal["nvtx", "memory"] = "nvtx"
    options: tuple[str, ...] = ()
    """What is asked of nsys beside PROFILE_OPTIONS."""
    device_recorder: None = None
    """It records devices itself."""

    @property
    def version(self) -> str | None:
        """nsys' own version."""
        return self.nsys.version

    def failed_to_start(self, staging: Path) -> bool:
        """Whether nsys lost its own agent before it began, as it may when several start at once."""
        log = staging / "output.txt"
        return log.exists() and LOST_AGENT.search(log.read_text("utf-8", "replace")) is not None

    def command(self, worker: Sequence[str], staging: Path) -> list[str]:
        """``nsys profile`` with node-level graphs and without sampling."""
        output = str(staging / "raw").replace("%", "%%")
        return [
            *(str(self.nsys.path), "profile", *PROFILE_OPTIONS, *self.options),
            *(f"--output={output}", *worker),
        ]

    def collect(self, staging: Path) -> Path:
        """Judged by the files: nsys exits 0 also when it made no report."""
        report, stream, target = staging / "raw.nsys-rep", staging / "raw.qdstrm", staging / "raw.sqlite"
        if not report.exists() and stream.exists():
            import_qdstrm(stream, report, self.nsys)
        if not report.exists():
            raise CaptureError(
                f"Nsight Systems made no report; its last words: {last_line(staging / 'output.txt')}"
            )
        export_report(report, target, self.nsys)
        return target

    def collect_captures(self, staging: Path) -> list[Path]:
        """One export for each time a capture range came, in their order; of a whole program one."""
        numbers = {found.name.split(".")[1] for found in staging.glob("raw.*.*")} - {"nsys-rep", "qdstrm"}
        numbered = sorted(int(number) for number in numbers if number.isdigit())
        if not numbered:
            return [self.collect(staging)]
        captures: list[Path] = []
        for number in numbered:
            folder = staging / f"capture-{number}"
            folder.mkdir()
            for ending in ("nsys-rep", "qdstrm"):
                if (made := staging / f"raw.{number}.{ending}").exists():
                    move_whole(made, folder / f"raw.{ending}", durable=False)
            captures.append(self.collect(folder))
        return captures


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedRecorder:
    """The worker itself: it writes its ranges, and has torch.profiler record the device where it can."""

    note: str | None = None
    device_recorder: Literal["torch.profiler"] | None = None
    """What records GPU activity, if anything does."""
    name: RecorderName = "embedded"
    ranges: Literal["nvtx", "memory"] = "memory"
    version: str | None = None

    def failed_to_start(self, staging: Path) -> bool:  # noqa: ARG002
        """It is part of the worker."""
        return False

    def command(self, worker: Sequence[str], staging: Path) -> list[str]:  # noqa: ARG002
        """The worker as it is."""
        return list(worker)

    def collect(self, staging: Path) -> Path:
        """The file the worker wrote, with what torch.profiler recorded meanwhile."""
        target = staging / "raw.sqlite"
        if not target.exists():
            raise CaptureError("the worker wrote no trace")
        try:
            add_activity(target, staging)
        except OSError as error:
            raise CaptureError(str(error)) from error
        return target


Recorder = NsysRecorder | EmbeddedRecorder
"""How one worker is recorded: a command around it, and the raw trace of what ran."""


def choose_recorder(choice: RecorderChoice, environment: Mapping[str, str] = os.environ) -> Recorder:
    """The recorder for a run. Raises RecorderMissing when nsys is demanded and cannot be used."""
    if choice == "embedded":
        return embed_recorder("asked for", environment)
    nsys, problem = find_usable_nsys(environment)
    if nsys is not None and problem is None:
        return NsysRecorder(nsys=nsys)
    if choice == "nsys":
        raise RecorderMissing(problem or "not found")
    return embed_recorder(problem or "nsys was not found", environment)


def embed_recorder(reason: str, environment: Mapping[str, str]) -> EmbeddedRecorder:
    """The embedded recorder, and in its note what it sees here and what would let it see more."""
    without = f"{reason}; GPU activity is not recorded, that needs Nsight Systems (make nsys)"
    if not cuda_devices() or is_recorded(environment):
        return EmbeddedRecorder(note=without)
    needed = needed_for_activity()
    if needed is not None:
        return EmbeddedRecorder(note=f"{without} or {needed}")
    return EmbeddedRecorder(
        note=f"{reason}; torch.profiler records GPU activity", device_recorder="torch.profiler"
    )


def is_recorded(environment: Mapping[str, str]) -> bool:
    """Whether Nsight Systems records this process, and holds what torch.profiler would need."""
    return any(sign in environment for sign in NESTED_SIGNS)


def find_usable_nsys(environment: Mapping[str, str] = os.environ) -> tuple[Nsys | None, str | None]:
    """The installed nsys, and why it cannot be used here (None when it can)."""
    if is_recorded(environment):
        return None, "flopprof itself runs under Nsight Systems, which cannot be nested"
    if problem := explain_place():
        return None, f"nsys cannot work here: {problem}"
    nsys = find_nsys()
    if nsys is None:
        return None, explain_silence(environment) or "nsys is not on PATH"
    if find_importer(nsys) is None:
        return nsys, f"{nsys.path} lacks its importer (host-linux-x64/QdstrmImporter)"
    return nsys, None


def explain_silence(environment: Mapping[str, str] = os.environ) -> str | None:
    """That an nsys is on PATH which says no version, where none is found that does."""
    silent = shutil.which("nsys", path=environment.get("PATH", os.defpath))
    return f"nsys at {silent} does not answer" if silent else None


def last_line(log: Path) -> str:
    """What the program whose output is in a log said last, or '(nothing)'; what nsys says of its files is left out."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    own = [line for line in lines if not ENDING.match(line)]
    last = next((line for line in reversed(own) if line.startswith(CRASH)), own[-1] if own else "(nothing)")
    return last[:300]
