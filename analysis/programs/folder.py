"""The folder of a recorded program, read.

::

    profile.json         ProfileRecord: what it was
    machine.json         Machine: where it ran
    trace.sqlite         its scrubbed trace
    captures/N/trace.sqlite    those of the second and later captures, if there was a capture range
    python.json          PythonSamples: where its Python was, if that was sampled
    report.*, analysis.json    made of these
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..breakdown.analyze import Analysis, analyze_file
from ..errors import RunError
from ..runs.folder import read_record
from ..runs.records import Machine
from .folder_kind import is_program_folder
from .record import ProfileRecord
from .samples import SAMPLES_FILE, PythonSamples


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFolder:
    """A recorded program as it lies on disk."""

    path: Path
    record: ProfileRecord
    machine: Machine
    samples: PythonSamples | None = None

    @property
    def trace(self) -> Path:
        """Its trace; the first capture's."""
        return self.path / "trace.sqlite"

    def traces(self) -> Iterator[tuple[str, Path]]:
        """The traces of all its captures in their order, by their names in the folder."""
        later = self.path.glob("captures/*/trace.sqlite")
        for trace in (self.trace, *sorted(later, key=lambda path: (len(path.parent.name), path.parent.name))):
            yield trace.relative_to(self.path).as_posix(), trace


def read_program_folder(path: Path) -> ProgramFolder:
    """Read what `flopprof profile` wrote. Raises RunError for anything else."""
    if not is_program_folder(path):
        raise RunError(path, "holds no recorded program (it has no profile.json)")
    for needed in ("machine.json", "trace.sqlite"):
        if not (path / needed).is_file():
            raise RunError(path, f"has no {needed}: the program was not recorded whole; record it again")
    return ProgramFolder(
        path=path,
        record=read_record(path / "profile.json", ProfileRecord),
        machine=read_record(path / "machine.json", Machine),
        samples=read_samples(path),
    )


def read_samples(path: Path) -> PythonSamples | None:
    """Where the Python of the program in a folder was; None where that was not sampled. Raises RunError."""
    samples = path / SAMPLES_FILE
    return read_record(samples, PythonSamples) if samples.is_file() else None


def analyse_program(folder: ProgramFolder) -> Analysis:
    """The analysis of its trace. Raises TraceError."""
    return analyze_file(folder.trace)
