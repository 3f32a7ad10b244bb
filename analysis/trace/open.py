"""Any file that holds a trace, as a plain SQLite file: unpacked, imported and exported where needed.

    trace.sqlite                     read where it is
    trace.sqlite.xz, .gz, .zst       unpacked
    trace.nsys-rep, .qdrep           exported by the installed Nsight Systems
    trace.qdstrm                     imported, then exported
    trace.json, also .gz, .xz, .zst  of torch.profiler (Kineto): its events written as an export

What is made on the way lies in a private folder (0700) under TMPDIR that goes when the trace is closed:
unpacked and exported traces hold the environment of the machine they come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import TraceError
from ..packing.packed import open_packed, packing_of, unpack
from ..packing.private import private_folder
from ..sqlite.file import SqliteFile
from ..sqlite.snapshot import MAGIC, resolve_file
from .nsys import (
    HOW_TO_INSTALL,
    Announce,
    ExportError,
    Nsys,
    export_report,
    find_nsys,
    import_qdstrm,
    keep_silent,
)
from .split_export import export_parts

PACKED_SUFFIXES = {".xz", ".gz", ".zst"}

RECORDING_SUFFIXES = {".nsys-rep", ".qdrep", ".qdstrm"}

NAMED_SUFFIXES = PACKED_SUFFIXES | RECORDING_SUFFIXES | {".json"}
"""What a file called so is, is told by its name; a link of another name is what its target is."""


def find_trace(path: Path) -> Path:
    """The trace a path means: the file itself, or the only trace of a run folder. Raises TraceError."""
    if not path.is_dir():
        return path
    traces = sorted(path.glob("shards/*/trace.sqlite")) or sorted(path.glob("trace.sqlite"))
    if not traces and (ranks := sorted(path.glob("rank*/trace.sqlite"))):
        names = ", ".join(rank.parent.name for rank in ranks)
        raise TraceError(
            path,
            f"holds a job of several ranks; flopprof ranks takes all of it, flopprof analyze one: {names}",
        )
    if not traces:
        raise TraceError(
            path, "is a folder without a trace; give a .sqlite, .nsys-rep or .qdstrm file, or a run"
        )
    if len(traces) > 1:
        names = ", ".join(str(trace.relative_to(path)) for trace in traces)
        raise TraceError(path, f"holds {len(traces)} traces; give one of them: {names}")
    return traces[0]


@contextmanager
def open_trace_file(
    path: Path, *, announce: Announce | None = None, cores: int = 0, keep: bool = False
) -> Iterator[Path]:
    """The plain SQLite file that `path` is or stands for, as long as the context lasts.

    With `cores` it may be a folder of such files with the tables that are read (see `open_tables`), which are quicker
    to export, at once where there are several cores. With `keep` what is exported stays beside the recording. One that
    lies there and is newer is used where `announce` can say so.

    `announce` is told, in one line, of anything that may take more than a moment. Raises TraceError for a
    file that is missing, packed but damaged, too large to unpack, or of a version nsys cannot read; an error
    about a temporary file is raised as one about `path`.
    """
    path = Path(path)
    source = path if path.suffix in NAMED_SUFFIXES else resolve_file(path)
    needs_work = _needs_work(path, source)
    if keep and source.suffix not in RECORDING_SUFFIXES:
        raise TraceError(path, "is not exported to be read; leave --keep-export out")
    if not needs_work:
        yield path
        return
    beside = source.with_suffix(".sqlite")
    if announce is not None and _is_export_of(beside, source):
        announce(f"reading {beside.name} beside it, which is newer")
        yield beside
        return
    try:
        with private_folder() as folder:
            try:
                if keep:
                    yield _keep_export(source, beside, folder, announce or keep_silent)
                else:
                    yield _make_plain(source, folder, announce or keep_silent, cores)
            except TraceError as error:
                if Path(error.trace) == source or Path(error.trace).is_relative_to(folder):
                    raise _about(path, error) from None
                raise
    except OSError as error:
        raise TraceError(path, f"cannot be unpacked or exported: {error.strerror}") from None


def _is_export_of(beside: Path, recording: Path) -> bool:
    """Whether the file beside a recording is an export of what is in it now, and whole."""
    if recording.suffix not in RECORDING_SUFFIXES or not beside.is_file():
        return False
    if beside.stat().st_mtime_ns < recording.stat().st_mtime_ns:
        return False
    try:
        with SqliteFile(beside):
            return True
    except TraceError:
        return False


def _keep_export(recording: Path, beside: Path, folder: Path, announce: Announce) -> Path:
    """The whole export, which others may read as well, where nsys itself would put it. Raises TraceError."""
    if beside.exists():
        raise TraceError(
            recording, f"{beside.name} is there and older, or broken; remove it to keep a new export"
        )
    nsys = _require_nsys(recording)
    report = _import_report(recording, folder, nsys, announce)
    announce(f"exporting to {beside.name} with Nsight Systems {nsys.version}")
    export_report(report, beside, nsys, announce)
    return beside


def _import_report(recording: Path, folder: Path, nsys: Nsys, announce: Announce) -> Path:
    """The report that a recording is, or that one which nsys did not finish becomes."""
    if recording.suffix != ".qdstrm":
        return recording
    announce(f"importing with Nsight Systems {nsys.version}")
    report = folder / "imported.nsys-rep"
    import_qdstrm(recording, report, nsys, announce)
    return report


def _about(path: Path, error: TraceError) -> TraceError:
    """The same failure, about another file."""
    kind = ExportError if isinstance(error, ExportError) else TraceError
    return kind(path, error.problem)


def _needs_work(path: Path, source: Path) -> bool:
    """Whether `source`, which `path` may be a link to, must be turned into SQLite first.

    What cannot be read at all is an error.
    """
    if not path.exists():
        raise TraceError(path, "no such file")
    if not path.is_file():
        raise TraceError(
            path, "is not a file; give a .sqlite, .nsys-rep, .qdstrm or a .json of torch.profiler"
        )
    return packing_of(path) is not None or source.suffix in RECORDING_SUFFIXES or _is_json(path)


def _is_json(path: Path) -> bool:
    """Whether a plain file holds a trace of torch.profiler: by its name, or by its first character."""
    with path.open("rb") as file:
        return path.suffix == ".json" or file.read(len(MAGIC)).lstrip()[:1] in (b"{", b"[")


def _make_plain(path: Path, folder: Path, announce: Announce, cores: int) -> Path:
    if packing := packing_of(path):
        inner = path.name.removesuffix(path.suffix) if path.suffix in PACKED_SUFFIXES else path.name
        if inner.endswith(".json"):
            return _write_kineto(path, packing, folder, announce)
        announce(f"unpacking {path.name}")
        plain = folder / f"unpacked{Path(inner).suffix}"
        unpack(path, packing, plain)
        if packing_of(plain):
            raise TraceError(path, "is packed twice; unpack it once")
        path = plain
    if path.suffix not in RECORDING_SUFFIXES:
        return _write_kineto(path, None, folder, announce) if _is_json(path) else path
    nsys = _require_nsys(path)
    report = _import_report(path, folder, nsys, announce)
    announce(f"exporting with Nsight Systems {nsys.version}")
    parts, plain = folder / "parts", folder / "exported.sqlite"
    if cores and export_parts(report, parts, nsys, cores, announce):
        return parts
    export_report(report, plain, nsys, announce)
    return plain


def _write_kineto(path: Path, packing: str | None, folder: Path, announce: Announce) -> Path:
    """The export of a trace of torch.profiler; a packed one is read through, never unpacked to the disk."""
    from ..kineto.convert import write_export

    announce(f"reading the events of {path.name}")
    plain = folder / "kineto.sqlite"
    if packing is None:
        with path.open("rb") as file:
            write_export(file, plain, name=path)
        return plain
    packed, errors = open_packed(path, packing)
    try:
        with packed:
            write_export(packed, plain, name=path)
    except errors as error:
        raise TraceError(path, f"cannot be unpacked ({error}); it is cut short or damaged") from None
    return plain


def _require_nsys(path: Path) -> Nsys:
    nsys = find_nsys()
    if nsys is None:
        remedy = "give the .sqlite that `nsys export --type=sqlite` makes where it was recorded"
        raise TraceError(path, f"needs nsys, which is not on PATH; {HOW_TO_INSTALL}, or {remedy}")
    return nsys
