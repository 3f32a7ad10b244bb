"""Taking in a run that someone else made: nothing in it is trusted.

Names of entries are compared with the few that an archive has, so no path can escape; sizes are limited as declared
and as met; records are read strictly and step keys computed anew; a trace's tables are copied into a new file, so that
no page of the one that came in is kept. All of that happens in a private folder beside the runs, which becomes a run
by one rename.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from ...scenarios.errors import FlopprofError
from ...scenarios.language.problems import explain_record
from ..errors import SENSELESS, ArchiveRefused, RunError, StoreError
from ..files import move_whole
from ..programs.folder import read_program_folder
from ..programs.folder_kind import JOB, PLAN, PROFILE, is_job_folder, is_program_folder
from ..programs.job_folder import read_job_folder
from ..programs.samples import SAMPLES_FILE
from ..runs.folder import check_whole, read_run_folder
from ..runs.lock import hold_folder
from ..runs.records import RunPlan
from ..words import FORMAT
from .archive import (
    MANIFEST,
    NAME,
    RUN_ID,
    ArchiveManifest,
    file_digest,
    public_counters,
    public_plan,
    public_shard,
)
from .entries import MOST_MANIFEST_BYTES, check_entries, refuse_large_directory
from .import_checks import check_samples, check_steps, check_trace
from .import_facts import check_job_facts, check_program_facts, check_run_facts
from .scrub import scrub_trace

IMPORT_PREFIX = ".import-"

_STARTED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", re.ASCII)

_CHUNK = 1 << 20

Finish = Callable[[Path, Path], None]
"""Makes the reports of a folder that is about to become the run of another name."""


def import_run(archive: Path, store: Path, finish: Finish) -> Path:
    """Make a run of the store out of an archive; its folder. Raises ArchiveRefused, StoreError."""
    with _workplace(store) as work:
        manifest = _unpack(archive, work / "come")
        target = store / manifest.id
        if target.exists():
            raise ArchiveRefused(
                archive, f"the store has a run {manifest.id} already (flopprof rm removes it)"
            )
        (work / "run").mkdir()
        with _refuses(archive):
            _rebuild(work / "come", work / "run", manifest)
            finish(work / "run", target)
        try:
            move_whole(work / "run", target, durable=True)
        except OSError as error:
            raise StoreError(target, f"cannot be written ({error.strerror})") from error
    return target


def _unpack(archive: Path, into: Path) -> ArchiveManifest:
    """Every file of an archive, checked against its manifest."""
    try:
        refuse_large_directory(archive)
        with zipfile.ZipFile(archive) as file:
            entries = check_entries(archive, file)
            manifest = _read_manifest(archive, file, entries)
            _check_manifest(archive, manifest, entries)
            room = shutil.disk_usage(into.parent).free
            if sum(entry.file_size for entry in entries.values()) * 2 > room:
                raise StoreError(
                    into.parent.parent, f"has no room for {archive} unpacked; make room and try again"
                )
            for name in manifest.files:
                _unpack_entry(archive, file, entries[name], into / name)
                if file_digest(into / name) != manifest.files[name].sha256:
                    raise ArchiveRefused(
                        archive, f"{name} is not what {MANIFEST} says: it is damaged or was changed"
                    )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ArchiveRefused(archive, f"it is no sound zip file ({error})") from error
    except OSError as error:
        raise StoreError(error.filename or archive, f"{error.strerror or error}") from error
    return manifest


def _read_manifest(
    archive: Path, file: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]
) -> ArchiveManifest:
    if MANIFEST not in entries:
        raise ArchiveRefused(archive, f"it has no {MANIFEST}: it is no run that flopprof exported")
    with file.open(entries[MANIFEST]) as entry:
        text = entry.read(MOST_MANIFEST_BYTES + 1)
    try:
        manifest = ArchiveManifest.model_validate_json(text)
    except ValidationError as error:
        raise ArchiveRefused(archive, f"{MANIFEST}: {explain_record(error)}") from error
    if manifest.flopprof != FORMAT:
        problem = (
            f"it has format {manifest.flopprof}, this flopprof reads {FORMAT}; use the flopprof that wrote it"
        )
        raise ArchiveRefused(archive, problem)
    return manifest


def _check_manifest(archive: Path, manifest: ArchiveManifest, entries: dict[str, zipfile.ZipInfo]) -> None:
    if not RUN_ID.fullmatch(manifest.id):
        raise ArchiveRefused(archive, f"{manifest.id!r} cannot be the name of a run")
    if set(manifest.files) != set(entries) - {MANIFEST}:
        raise ArchiveRefused(archive, f"its entries are not those that {MANIFEST} lists")
    for name, described in manifest.files.items():
        if entries[name].file_size != described.bytes:
            raise ArchiveRefused(archive, f"{name} has another size than {MANIFEST} says")
    for needed in _list_needed(entries):
        if needed not in entries:
            raise ArchiveRefused(archive, f"it has no {needed}")


def _list_needed(entries: Iterable[str]) -> tuple[str, ...]:
    """The records without which there is no run; of the ranks of a job each is looked at when it is read."""
    found = {PLAN, PROFILE, JOB}.intersection(entries)
    if found == {JOB}:
        return (JOB,)
    return (PROFILE if found == {PROFILE} else PLAN, "machine.json")


def _unpack_entry(archive: Path, file: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Write one file of a checked name; what it declares is what it may have, whatever it turns out to be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with file.open(entry) as source, path.open("xb") as target:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise ArchiveRefused(archive, f"{entry.filename} is larger than it declares")
            target.write(chunk)


def _rebuild(come: Path, run: Path, manifest: ArchiveManifest) -> None:
    """A run folder out of what came: records written anew, traces copied table by table."""
    if is_program_folder(come):
        _rebuild_program(come, run, manifest.id)
        return
    if is_job_folder(come):
        _rebuild_job(come, run, manifest.id)
        return
    folder = read_run_folder(come)
    info = folder.plan.run
    if info.id != manifest.id:
        raise RunError("plan.json", f"is of the run {info.id!r}, not of {manifest.id}")
    if not re.fullmatch(NAME, info.scenario) or not _STARTED.fullmatch(info.started_at):
        raise RunError(
            "plan.json", f"{info.scenario!r} of {info.started_at!r} is no scenario of a time in UTC"
        )
    check_steps(folder)
    check_whole(folder)
    check_run_facts(folder)
    _write_record(run / "machine.json", folder.machine.model_dump_json(indent=1))
    if folder.ceilings.ceilings:
        _write_record(run / "ceilings.json", folder.ceilings.model_dump_json(indent=1))
    for shard in folder.shards:
        _write_record(
            run / "shards" / shard.name / "control.json", public_shard(shard.record).model_dump_json(indent=1)
        )
        if shard.trace is not None:
            check_trace(shard.trace)
            scrub_trace(shard.trace, run / "shards" / shard.name / "trace.sqlite")
    for counted in folder.counters:
        name = f"{counted.backend}-{counted.device}-{counted.part}.json"
        _write_record(run / "counters" / name, public_counters(counted).model_dump_json(indent=1))
    plan: RunPlan = public_plan(folder.plan)
    _write_record(run / "plan.json", plan.model_dump_json(indent=1))


def _rebuild_job(come: Path, run: Path, run_id: str) -> None:
    job = read_job_folder(come)
    record = job.record
    if record.id != run_id:
        raise RunError(JOB, f"is of the run {record.id!r}, not of {run_id}")
    if not re.fullmatch(NAME, record.name) or not _STARTED.fullmatch(record.started_at):
        raise RunError(JOB, f"{record.name!r} of {record.started_at!r} is no job of a time in UTC")
    check_job_facts(record)
    for rank, _ in job.recorded():
        _rebuild_program(rank.folder, run / rank.folder.name)
    _write_record(run / JOB, record.model_dump_json(indent=1))


def _rebuild_program(come: Path, run: Path, run_id: str | None = None) -> None:
    """A program out of what came; without an id it is a rank of a job."""
    program = read_program_folder(come)
    record = program.record
    if run_id not in (None, record.id):
        raise RunError("profile.json", f"is of the run {record.id!r}, not of {run_id}")
    if not re.fullmatch(NAME, record.group) or not _STARTED.fullmatch(record.started_at):
        raise RunError(
            "profile.json", f"{record.group!r} of {record.started_at!r} is no program of a time in UTC"
        )
    check_program_facts(program)
    _write_record(run / "machine.json", program.machine.model_dump_json(indent=1))
    if program.samples is not None:
        check_samples(program.samples)
        _write_record(run / SAMPLES_FILE, program.samples.model_dump_json(indent=1))
    for name, trace in program.traces():
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        check_trace(trace)
        scrub_trace(trace, run / name)
    _write_record(run / "profile.json", record.model_dump_json(indent=1))


def _write_record(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


@contextmanager
def _refuses(archive: Path) -> Iterator[None]:
    """Whatever is wrong with what came is the archive's fault; only a full disk is not."""
    try:
        yield
    except OSError as error:
        raise StoreError(error.filename or archive, error.strerror or str(error)) from error
    except (ArchiveRefused, StoreError):
        raise
    except FlopprofError as error:
        # Where it was unpacked means nothing to the reader.
        text = re.sub(r"\S*/(?:come|run)/", "", str(error))
        raise ArchiveRefused(archive, text) from error
    except MemoryError as error:
        raise ArchiveRefused(archive, "its content needs more memory than there is") from error
    except SENSELESS as error:
        raise ArchiveRefused(
            archive, f"its content makes no sense ({type(error).__name__}: {error})"
        ) from error


@contextmanager
def _workplace(store: Path) -> Iterator[Path]:
    """A private folder in the store, gone afterwards; those of killed imports are gc's."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f"{IMPORT_PREFIX}{os.getpid()}-", dir=store))
    except OSError as error:
        raise StoreError(store, f"cannot be written ({error.strerror})") from error
    try:
        (work / "come").mkdir()
        with hold_folder(work):
            yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
