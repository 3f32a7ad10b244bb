"""A run as one file, for a colleague's machine: a zip of its records and its scrubbed traces.

::

    archive.json                      {"flopprof": 1, "kind": "run", "id": …, "files": {name: {bytes, sha256}}}
    plan.json, machine.json, ceilings.json
    shards/<backend>-<device>[-k]/control.json, trace.sqlite
    profile.json, machine.json, python.json, trace.sqlite, captures/<k>/trace.sqlite    of a recorded program instead
    job.json, rank<k>/<the same>       of a job of ranks instead

Reports are not in it: the receiver makes them from the records. Records are written anew from what flopprof
knows of them, paths in them cut to their last part; traces are scrubbed once more.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

from ..errors import RunError, StoreError
from ..files import draft_file
from ..programs.folder import ProgramFolder, read_program_folder
from ..programs.folder_kind import JOB, is_job_folder, is_program_folder
from ..programs.job_folder import JobFolder, read_job_folder
from ..programs.samples import SAMPLES_FILE
from ..runs.folder import RunFolder, read_run_folder
from ..runs.records import CountersRecord, Record, RunPlan, ShardRecord, StepRecord
from ..words import FORMAT
from .scrub import scrub_trace

MANIFEST = "archive.json"

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"

RUN_ID = re.compile(rf"{NAME}-\d{{8}}-\d{{6}}-[0-9a-f]{{4}}", re.ASCII)
"""As ``flopprof run`` makes them: neither ``latest`` nor ``flopprof.db`` is one."""

_PATH = re.compile(r"(?:~|(?<![\w.~/])/[\w.@+~-]+)(?:/[\w.@+~-]+)+")

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)

_CHUNK = 1 << 20


class ArchivedFile(Record):
    """What a file of the archive must be."""

    bytes: int
    sha256: str


class ArchiveManifest(Record):
    """archive.json."""

    flopprof: int = FORMAT
    kind: Literal["run"] = "run"
    id: str
    files: dict[str, ArchivedFile]


def export_run(run: Path, target: Path) -> None:
    """Write the archive of a run, whole or not at all; it is readable by its owner only (0600).

    Raises RunError, TraceError, ScrubError for what cannot be read, StoreError for a target that cannot be written.
    """
    run_id, make_files = _read(run)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="flopprof-export-") as work,
            draft_file(target, durable=False, private=True) as draft,
        ):
            _pack(run_id, dict(make_files(Path(work))), draft)
    except OSError as error:
        raise StoreError(target, f"cannot be written ({error.strerror or error})") from error


def _read(run: Path) -> tuple[str, Callable[[Path], Iterator[tuple[str, Path]]]]:
    """The id of a run, and what makes the files of its archive in a folder."""
    if is_program_folder(run):
        program = read_program_folder(run)
        return program.record.id, partial(_program_files, program)
    if is_job_folder(run):
        job = read_job_folder(run)
        if not RUN_ID.fullmatch(job.record.id):
            raise RunError(run, f"its name is none that flopprof gives to runs; {_name_job(job)}")
        return job.record.id, partial(_job_files, job)
    folder = read_run_folder(run)
    return folder.plan.run.id, partial(_public_files, folder)


def _name_job(job: JobFolder) -> str:
    record = job.record
    stamp = datetime.fromisoformat(record.started_at).strftime("%Y%m%d-%H%M%S")
    mark = hashlib.sha256(record.id.encode(errors="replace")).hexdigest()[:4]
    return f"rename the folder to profile-{record.name}-{stamp}-{mark}, and export that"


def hide_paths(text: str) -> str:
    """A text with every path in it cut to its last part.

    >>> hide_paths("cannot read /home/ada/secret/a.yaml or ~/b.yaml, 3/4 done")
    'cannot read a.yaml or b.yaml, 3/4 done'
    """
    return _PATH.sub(lambda match: match.group().rpartition("/")[2], text)


def public_plan(plan: RunPlan) -> RunPlan:
    """plan.json without the sender's paths."""
    run = plan.run
    note = run.recorder_note
    public = {
        "scenario_path": Path(run.scenario_path).name,
        "command": [hide_paths(word) for word in run.command],
        "recorder_note": note if note is None else hide_paths(note),
    }
    skipped = [s.model_copy(update={"reason": hide_paths(s.reason)}) for s in plan.skipped]
    return plan.model_copy(update={"run": run.model_copy(update=public), "skipped": skipped})


def public_shard(shard: ShardRecord) -> ShardRecord:
    """control.json without the sender's paths, which reasons of failed steps may quote."""
    return shard.model_copy(update={"steps": [_public_step(step) for step in shard.steps]})


def _public_step(step: StepRecord) -> StepRecord:
    return step if step.reason is None else step.model_copy(update={"reason": hide_paths(step.reason)})


def public_counters(record: CountersRecord) -> CountersRecord:
    """What was counted, without paths in the reasons of what was not."""
    steps = [
        step if step.reason is None else step.model_copy(update={"reason": hide_paths(step.reason)})
        for step in record.steps
    ]
    return record.model_copy(update={"steps": steps})


def _public_files(folder: RunFolder, work: Path) -> Iterator[tuple[str, Path]]:
    """Every file of the archive but the manifest, made in ``work``."""
    records: dict[str, Record] = {"plan.json": public_plan(folder.plan), "machine.json": folder.machine}
    if folder.ceilings.ceilings:
        records["ceilings.json"] = folder.ceilings
    for shard in folder.shards:
        records[f"shards/{shard.name}/control.json"] = public_shard(shard.record)
    for record in folder.counters:
        records[f"counters/{record.backend}-{record.device}-{record.part}.json"] = public_counters(record)
    for name, record in records.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
        yield name, path
    for shard in folder.shards:
        if shard.trace is not None:
            path = work / "shards" / shard.name / "trace.sqlite"
            scrub_trace(shard.trace, path)
            yield f"shards/{shard.name}/trace.sqlite", path


def _program_files(program: ProgramFolder, work: Path) -> Iterator[tuple[str, Path]]:
    """Every file of a recorded program; what its records hold was public when it was written."""
    records: dict[str, Record] = {"profile.json": program.record, "machine.json": program.machine}
    if program.samples is not None:
        records[SAMPLES_FILE] = program.samples
    for name, record in records.items():
        (work / name).write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
        yield name, work / name
    for name, trace in program.traces():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        scrub_trace(trace, work / name)
        yield name, work / name


def _job_files(job: JobFolder, work: Path) -> Iterator[tuple[str, Path]]:
    """Every file of a job: its record, and those of each rank's program."""
    record = work / JOB
    record.write_text(job.record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    yield JOB, record
    for rank, _ in job.recorded():
        place = work / rank.folder.name
        place.mkdir()
        for name, path in _program_files(read_program_folder(rank.folder), place):
            yield f"{rank.folder.name}/{name}", path


def _pack(run_id: str, files: dict[str, Path], draft: Path) -> None:
    described = {
        name: ArchivedFile(bytes=path.stat().st_size, sha256=file_digest(path))
        for name, path in files.items()
    }
    manifest = ArchiveManifest(id=run_id, files=described)
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry(MANIFEST), manifest.model_dump_json(indent=1) + "\n")
        for name, path in files.items():
            with path.open("rb") as source, archive.open(_entry(name), "w", force_zip64=True) as entry:
                while chunk := source.read(_CHUNK):
                    entry.write(chunk)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entry(name: str) -> zipfile.ZipInfo:
    """The same bytes whenever and by whomever it is packed."""
    entry = zipfile.ZipInfo(name, date_time=_FIXED_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry
