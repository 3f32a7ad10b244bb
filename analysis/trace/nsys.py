"""The installed Nsight Systems: where it is, and how to get a readable trace out of what it recorded.

Its exit codes say little: an export onto a full disk and an import without its importer both exit 0. So
success is judged by the files: they exist, are whole, and SQLite finds them sound.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import TraceError
from ..files import move_whole
from ..processes.asking import NoAnswer, ask_program, run_program
from ..processes.stalling import StallWatch, measure_effort
from ..sqlite.file import SqliteFile
from ..tables.joined import HDF_SUFFIX

IMPORTER = "QdstrmImporter"


TELL_SECONDS = 10
"""How often a long export says how far it is."""

MOST_WORDS = 1 << 24
"""Bytes of what nsys says of one export, which are some lines."""

BLOBS_OPTION = "--include-blobs"
"""Exports NVTX's extended payloads, in which NCCL names communicator, rank and message size; unknown to older nsys."""

ANSWER_SECONDS = 5
"""An nsys that does not say its version by then is none; it takes a tenth of a second."""

PASSED_ON = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")
"""All that nsys may see of our environment: reports remember what they were made in."""

NSYS_PLACES = (
    "/opt/nvidia/nsight-systems/*/bin",
    "/opt/nvidia/nsight-systems/*/target-linux-*",
    "/usr/local/cuda*/bin",
)

IMPORTER_PLACES = (
    "/usr/lib/nsight-systems/host-linux-*",  # Debian keeps it apart from nsys
    "/opt/nvidia/nsight-systems/*/host-linux-*",
    "/usr/local/cuda*/nsight-systems-*/host-linux-*",
)

HOW_TO_INSTALL = "install Nsight Systems (make nsys, or README.md)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nsys:
    """An installed Nsight Systems command line."""

    path: Path
    version: str
    """As it says itself, such as 2022.4.2.1-df9881f."""

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of the version, such as (2022, 4, 2, 1)."""
        return tuple(int(n) for n in re.findall(r"\d+", self.version.partition("-")[0]))


class ExportError(TraceError):
    """Nsight Systems could not turn a recording into a trace that can be read."""


def find_nsys(environment: Mapping[str, str] = os.environ) -> Nsys | None:
    """The nsys on PATH, else the newest in the places NVIDIA installs to; None when none of them runs."""
    on_path = shutil.which("nsys", path=environment.get("PATH", os.defpath))
    if on_path and (nsys := _probe(Path(on_path))):
        return nsys
    found = [_probe(Path(folder) / "nsys") for pattern in NSYS_PLACES for folder in _matches(pattern)]
    return max((nsys for nsys in found if nsys), key=lambda nsys: nsys.release, default=None)


def find_importer(nsys: Nsys) -> Path | None:
    """The QdstrmImporter that belongs to `nsys`, which it may itself not find (Debian's layout)."""
    return next(iter(_importers(nsys)), None)


Announce = Callable[[str], None]


def keep_silent(line: str) -> None:
    """Announces nothing."""
    del line


def work_seconds(size: int) -> float:
    """The CPU time that importing or exporting so many bytes may take: far more than it does.

    >>> work_seconds(0), work_seconds(100_000_000)
    (10.0, 1010.0)
    """
    return 10 + size / 1e5


def import_qdstrm(stream: Path, report: Path, nsys: Nsys, announce: Announce = keep_silent) -> None:
    """Turn the unfinished recording `stream` (.qdstrm) into the report `report` (.nsys-rep, 0600).

    Raises ExportError when no importer is there, or none of those can read the stream: it must be of exactly
    the version that recorded it.
    """
    importers = _importers(nsys)
    if not importers:
        raise ExportError(stream, f"needs {IMPORTER}, which is not beside {nsys.path}; {HOW_TO_INSTALL}")
    words = ""
    for importer in importers:
        with _workplace(report) as work:
            made = work / "trace.nsys-rep"
            command = [str(importer), "-i", str(stream.absolute()), "-o", made.name]
            words = _run(command, work, stream, announce)
            if made.exists() and made.stat().st_size:
                _publish(made, report)
                return
    raise ExportError(
        stream, f"{importers[-1]} cannot import it ({words}); use the Nsight Systems that recorded it"
    )


def export_report(report: Path, target: Path, nsys: Nsys, announce: Announce = keep_silent) -> None:
    """Export `report` (.nsys-rep) to `target` (SQLite, 0600), which appears whole or not at all.

    Raises ExportError: a newer version's report, a damaged one, a full disk, an unsound result.
    """
    with _workplace(target) as work:
        made = work / "trace.sqlite"
        words = run_export(report, made, nsys, list_export_options(nsys, report), announce=announce)
        if not made.exists() or not made.stat().st_size:
            raise ExportError(report, _why_not(nsys, words))
        _check_sound(made, report, nsys)
        _publish(made, target)


def run_export(
    report: Path,
    made: Path,
    nsys: Nsys,
    options: frozenset[str],
    chosen: Sequence[str] = (),
    *,
    announce: Announce = keep_silent,
) -> str:
    """Have nsys write `made`, in a private folder, of what was `chosen`: what it said. Raises ExportError.

    It is HDF5 where its name says so, else SQLite.
    """
    kind = "hdf" if made.suffix == HDF_SUFFIX else "sqlite"
    command = [
        *(str(nsys.path), "export", f"--type={kind}", "--quiet=true", "--force-overwrite=true"),
        *([f"{BLOBS_OPTION}=true"] if BLOBS_OPTION in options and kind == "sqlite" else []),
        *chosen,
        *(f"--output={made.name}", str(report.absolute())),
    ]
    return _run(command, made.parent, report, announce)


def list_export_options(nsys: Nsys, report: Path) -> frozenset[str]:
    """The options that its `nsys export` knows, as it says itself. Raises ExportError, about the report."""
    try:
        said = ask_program([nsys.path, "export", "--help"], 2 * ANSWER_SECONDS).text
        return frozenset(re.findall(r"--[a-z-]+", said))
    except NoAnswer as error:
        raise ExportError(report, f"cannot be exported: nsys at {nsys.path} {error}") from None


def _why_not(nsys: Nsys, words: str) -> str:
    if "version number is invalid" in words.lower():
        return (
            f"was written by a newer Nsight Systems than the installed {nsys.version};"
            " export it with that one: nsys export --type=sqlite"
        )
    return f"nsys {nsys.version} cannot export it ({words}); is it whole, and is there room in the folder?"


def _check_sound(made: Path, report: Path, nsys: Nsys) -> None:
    """That it is whole: pages that contradict each other show where they are read, and were written a moment ago."""
    try:
        with SqliteFile(made):
            pass
    except TraceError as error:
        raise ExportError(report, f"nsys {nsys.version} exported a broken file; {error.problem}") from None


def _importers(nsys: Nsys) -> list[Path]:
    """Importers by closeness: beside what `nsys` resolves to, then where installations keep them."""
    beside = [
        match for real in _real_paths(nsys.path) for match in sorted(real.parent.parent.glob(f"*/{IMPORTER}"))
    ]
    elsewhere = [Path(folder) / IMPORTER for pattern in IMPORTER_PLACES for folder in _matches(pattern)]
    runnable = [p for p in [*beside, *elsewhere] if os.access(p, os.X_OK)]
    return list(dict.fromkeys(p.resolve() for p in runnable))


def _real_paths(path: Path) -> Iterator[Path]:
    """What a path to nsys stands for: the file itself, or those that a wrapper script names."""
    real = path.resolve()
    yield real
    with real.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"#!"):
        for name in re.findall(r"/[^\s\"':$]+/nsys\b", head.decode("utf-8", "replace")):
            if Path(name).is_file():
                yield Path(name).resolve()


def _matches(pattern: str) -> list[str]:
    """Folders that match, newest version last in NVIDIA's naming, so first here."""
    return sorted((str(p) for p in Path("/").glob(pattern.lstrip("/"))), reverse=True)


def _probe(path: Path) -> Nsys | None:
    """`path` with its version, None when it does not run or says none."""
    try:
        said = ask_program([path, "--version"], ANSWER_SECONDS)
    except NoAnswer:
        return None
    match = re.search(r"version (\d\S*)", said.text)
    return Nsys(path=path, version=match.group(1)) if match and said.code == 0 else None


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """A private folder (0700) beside `target`, gone afterwards whatever nsys left in it."""
    try:
        with tempfile.TemporaryDirectory(
            prefix=".nsys-", dir=target.absolute().parent, ignore_cleanup_errors=True
        ) as name:
            yield Path(name)
    except OSError as error:
        raise ExportError(target, f"cannot be written: {error.strerror}") from None


def _publish(made: Path, target: Path) -> None:
    made.chmod(0o600)
    move_whole(made, target, durable=False)


def _run(command: Sequence[str], work: Path, subject: Path, announce: Announce) -> str:
    """Run in `work`, which is also its TMPDIR; the first line it said, for an error message."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    size = subject.stat().st_size if subject.exists() else 0
    watch = StallWatch(look=lambda: measure_effort(work), most_cpu_seconds=work_seconds(size))
    with tempfile.TemporaryFile(dir=work) as output:
        told = time.monotonic()

        def find_problem() -> str | None:
            nonlocal told
            if time.monotonic() > told + TELL_SECONDS:
                told = time.monotonic()
                announce(f"{_megabytes(work)} MB written so far")
            endless = os.fstat(output.fileno()).st_size > MOST_WORDS
            problem = "it talks without end" if endless else watch.find_problem()
            return f"does not answer: {problem}" if problem else None

        try:
            code = run_program(
                command, output, find_problem, cwd=work, env={**environment, "TMPDIR": str(work)}
            )
        except NoAnswer as error:
            program = Path(command[0])
            raise ExportError(subject, f"{program.name} at {program} {error}") from None
        output.seek(0)
        return _first_words(output.read(MOST_WORDS)) or f"exit code {code}"


def _megabytes(work: Path) -> int:
    return sum(file.stat().st_size for file in work.iterdir()) // 1_000_000


def _first_words(said: bytes) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    told = [line for line in lines if line and not line.startswith(("Processing [", "[tag"))]
    return re.sub(r"\s+", " ", told[0])[:200] if told else ""
