"""A run folder, read: what was planned, where it ran, and what each shard recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from ...scenarios.language.problems import explain_record
from ...scenarios.plan.step import Step
from ..errors import CeilingsError, RunError
from ..words import FORMAT
from .ceilings import Ceilings, read_ceilings
from .records import CountersRecord, Machine, Record, RunPlan, ShardRecord

MOST_BYTES = 512 << 20
"""Of one record: ten million samples."""

AnyRecord = TypeVar("AnyRecord", bound=Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFolder:
    """One published shard."""

    name: str
    record: ShardRecord
    trace: Path | None
    """Absent when every step of the shard failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """A run as it lies on disk."""

    path: Path
    plan: RunPlan
    machine: Machine
    steps: tuple[Step, ...]
    shards: tuple[ShardFolder, ...]
    ceilings: Ceilings
    """Those of the run's machine, as they were stored when it began."""
    counters: tuple[CountersRecord, ...] = ()

    @property
    def has_all(self) -> bool:
        """Whether the run is complete, and each of its steps is done."""
        last = {step.key: step.status for shard in self.shards for step in shard.record.steps}
        complete = self.plan.run.status == "complete"
        return complete and all(last.get(step.key) == "done" for step in self.steps)


def read_run_folder(path: Path) -> RunFolder:
    """Read a run. Raises RunError for anything that is not a run folder of this version."""
    if not path.exists():
        raise RunError(path, "no such run folder")
    if not path.is_dir() or not (path / "plan.json").is_file():
        raise RunError(path, "is not a run folder (it has no plan.json); give what 'flopprof run' wrote")
    plan = read_record(path / "plan.json", RunPlan)
    if not (path / "machine.json").is_file():
        raise RunError(path, "has no machine.json: the run was ended before it began; run it again")
    counted = [read_record(one, CountersRecord) for one in (path / "counters").glob("*.json")]
    shards = [_read_shard(control) for control in sorted((path / "shards").glob("*/control.json"))]
    return RunFolder(
        path=path,
        plan=plan,
        machine=read_record(path / "machine.json", Machine),
        steps=tuple(_read_step(path, plain) for plain in plan.steps),
        # A later part has the last word on a step: it was run again because it had failed.
        shards=tuple(sorted(shards, key=lambda s: (s.record.backend, s.record.device, s.record.part))),
        ceilings=_read_run_ceilings(path / "ceilings.json"),
        # Here too: what a resumed run counted of what it had no time for before.
        counters=tuple(sorted(counted, key=lambda c: (c.backend, c.device, c.part))),
    )


def check_whole(folder: RunFolder) -> None:
    """Raise RunError where something is gone that was published: a trace, or of a complete run a step's record."""
    for shard in folder.shards:
        if shard.trace is None and any(step.status == "done" for step in shard.record.steps):
            raise RunError(folder.path, f"shards/{shard.name} has no trace.sqlite, and steps of it are done")
    recorded = {step.key for shard in folder.shards for step in shard.record.steps}
    missing = sum(step.key not in recorded for step in folder.steps)
    if folder.plan.run.status == "complete" and missing:
        raise RunError(
            folder.path,
            f"says that it is complete, and {missing} of its {len(folder.steps)} steps are not recorded",
        )


def read_record(path: Path, kind: type[AnyRecord]) -> AnyRecord:
    """One JSON file of the run. Raises RunError naming the file and the first thing wrong with it."""
    try:
        if not path.is_file():
            raise RunError(path, "is not a file")
        if path.stat().st_size > MOST_BYTES:
            raise RunError(path, f"has {path.stat().st_size} bytes, more than any record")
        text = path.read_text(encoding="utf-8")
        record = kind.model_validate_json(text)
    except ValidationError as error:
        raise RunError(path, f"{explain_record(error)}; it is damaged or of another version") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(path, f"cannot be read ({error})") from error
    version = getattr(record, "flopprof", FORMAT)
    if version != FORMAT:
        raise RunError(
            path, f"has format {version}, this flopprof reads {FORMAT}; use the flopprof that wrote it"
        )
    return record


def _read_run_ceilings(path: Path) -> Ceilings:
    try:
        return read_ceilings(path)
    except CeilingsError as error:
        raise RunError(path, f"{error.problem}; it is damaged or of another version") from error


def _read_step(path: Path, plain: dict[str, object]) -> Step:
    try:
        return Step.from_json(plain)
    except (KeyError, TypeError, ValueError) as error:
        problem = explain_record(error) if isinstance(error, ValidationError) else error
        raise RunError(path / "plan.json", f"a step cannot be read ({problem}); it is damaged") from error


def _read_shard(control: Path) -> ShardFolder:
    trace = control.with_name("trace.sqlite")
    return ShardFolder(
        name=control.parent.name,
        record=read_record(control, ShardRecord),
        trace=trace if trace.is_file() else None,
    )
