"""Reports and unfinished recordings become traces, or one line says why not."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from flopprof.analysis.archives.scrub import scrub_trace
from flopprof.analysis.processes import stalling
from flopprof.analysis.sqlite.file import SqliteFile
from flopprof.analysis.trace import nsys as nsys_export
from flopprof.analysis.trace.nsys import (
    ExportError,
    Nsys,
    export_report,
    find_importer,
    find_nsys,
    import_qdstrm,
)
from flopprof.analysis.trace.open import open_trace_file
from running.patience import PATIENCE_SECONDS

CANARY = "zq7canary19x"
PROGRAM = """
import os
import flopprof
print("printed", os.environ["FLOPPROF_TEST_CANARY"])
for _ in range(7):
    with flopprof.annotate("step"):
        with flopprof.annotate("matvec"):
            pass
"""


def stand_in(path: Path, body: str) -> Path:
    """An executable that takes the place of nsys or its importer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def nsys_saying(tmp_path: Path, body: str) -> Nsys:
    """One that exports so; asked for its options, where the tests are run, it names none."""
    path = stand_in(tmp_path / "target-linux-x64" / "nsys", f'[ "$2" = --help ] && exit 0\n{body}')
    return Nsys(path=path, version="2022.4.2.1-df9881f")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "r.nsys-rep"
    path.parent.mkdir()
    path.write_bytes(b"report")
    return path


def test_the_version_is_what_nsys_says(tmp_path: Path):
    stand_in(tmp_path / "nsys", "echo 'NVIDIA Nsight Systems version 2024.2.3.38-242334140272v0'")
    nsys = find_nsys({"PATH": str(tmp_path)})
    assert nsys is not None
    assert nsys == Nsys(path=tmp_path / "nsys", version="2024.2.3.38-242334140272v0")
    assert nsys.release == (2024, 2, 3, 38)


def test_an_nsys_that_does_not_run_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(nsys_export, "NSYS_PLACES", ())
    stand_in(tmp_path / "nsys", "exit 1")
    assert find_nsys({"PATH": str(tmp_path)}) is None
    assert find_nsys({"PATH": str(tmp_path / "none")}) is None


def test_off_path_the_newest_installed_nsys_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for version in ("2023.4.4", "2024.2.3", "2022.4.2"):
        stand_in(tmp_path / version / "bin" / "nsys", f"echo version {version}")
    monkeypatch.setattr(nsys_export, "NSYS_PLACES", (f"{tmp_path}/*/bin",))
    nsys = find_nsys({"PATH": str(tmp_path)})
    assert nsys is not None
    assert nsys.release == (2024, 2, 3)


def test_the_importer_beside_nsys_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    elsewhere = stand_in(tmp_path / "lib" / "host-linux-x64" / "QdstrmImporter", "")
    monkeypatch.setattr(nsys_export, "IMPORTER_PLACES", (str(elsewhere.parent),))
    nsys = nsys_saying(tmp_path / "opt", "")
    assert find_importer(nsys) == elsewhere
    beside = stand_in(tmp_path / "opt" / "host-linux-x64" / "QdstrmImporter", "")
    assert find_importer(nsys) == beside


def test_a_wrapper_script_leads_to_the_importer_of_the_nsys_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(nsys_export, "IMPORTER_PLACES", ())
    real = nsys_saying(tmp_path / "opt", "")
    importer = stand_in(tmp_path / "opt" / "host-linux-x64" / "QdstrmImporter", "")
    wrapper = stand_in(tmp_path / "bin" / "nsys", f'LD_LIBRARY_PATH=/x exec "{real.path}" "$@"')
    assert find_importer(Nsys(path=wrapper, version="2025.3.2")) == importer


def test_an_export_that_makes_nothing_is_an_error_although_it_exits_0(tmp_path: Path, report: Path):
    nsys = nsys_saying(tmp_path, "echo 'No space left on device'; exit 0")
    with pytest.raises(ExportError, match=r"cannot export it \(No space left on device\)"):
        export_report(report, tmp_path / "out.sqlite", nsys)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "target-linux-x64"]


@pytest.mark.parametrize("made", ["printf ''", "echo broken", "head -c 100 /dev/zero"])
def test_an_export_that_makes_a_broken_file_is_an_error(tmp_path: Path, report: Path, made: str):
    nsys = nsys_saying(tmp_path, f"{made} > trace.sqlite; exit 0")
    with pytest.raises(ExportError, match=r"cannot export it|exported a broken file"):
        export_report(report, tmp_path / "out.sqlite", nsys)
    assert not (tmp_path / "out.sqlite").exists()


def test_a_newer_report_is_one_line_that_names_the_version(tmp_path: Path, report: Path):
    nsys = nsys_saying(tmp_path, "echo 'Exportation error: Version number is invalid.' >&2; exit 1")
    with pytest.raises(ExportError) as raised:
        export_report(report, tmp_path / "out.sqlite", nsys)
    assert str(raised.value) == (
        f"{report}: was written by a newer Nsight Systems than the installed 2022.4.2.1-df9881f;"
        " export it with that one: nsys export --type=sqlite"
    )


@pytest.mark.parametrize(
    ("hanging", "problem"),
    [
        ("sleep 1000", "it has done nothing for 0.3 s"),
        ("trap '' INT TERM HUP; sleep 1000 & wait", "it has done nothing for 0.3 s"),
        ("while :; do sleep 0.1; done", "it has done nothing for 0.3 s"),
        ("yes", "it talks without end"),
    ],
)
def test_an_export_that_hangs_is_ended_and_named(
    tmp_path: Path, report: Path, hanging: str, problem: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stalling, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(stalling, "IDLE_SHARE", 0.2)
    monkeypatch.setattr(nsys_export, "work_seconds", lambda _: 0.3)
    monkeypatch.setattr(nsys_export, "MOST_WORDS", 1 << 16)
    nsys = nsys_saying(tmp_path, hanging)
    with pytest.raises(ExportError, match=f"nsys at {nsys.path} does not answer: .*{problem}"):
        export_report(report, tmp_path / "out.sqlite", nsys)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "target-linux-x64"]


def test_an_export_that_computes_for_nothing_is_ended_and_named(
    tmp_path: Path, report: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stalling, "IDLE_SHARE", 0.0001)
    monkeypatch.setattr(nsys_export, "work_seconds", lambda _: 0.2)
    nsys = nsys_saying(tmp_path, "while :; do :; done")
    with pytest.raises(ExportError, match=r"does not answer: after \d+ s nothing has come of it"):
        export_report(report, tmp_path / "out.sqlite", nsys)


def test_a_long_export_says_how_far_it_is(tmp_path: Path, report: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(nsys_export, "TELL_SECONDS", 0.1)
    nsys = nsys_saying(tmp_path, "head -c 3000000 /dev/zero > trace.sqlite; sleep 1; exit 1")
    lines: list[str] = []
    with pytest.raises(ExportError):
        export_report(report, tmp_path / "out.sqlite", nsys, lines.append)
    assert "3 MB written so far" in lines


def test_nsys_sees_no_more_of_the_environment_than_it_needs(
    tmp_path: Path, report: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FLOPPROF_TEST_CANARY", CANARY)
    nsys = nsys_saying(tmp_path, f"env > {tmp_path}/seen; pwd > {tmp_path}/where; exit 1")
    with pytest.raises(ExportError):
        export_report(report, tmp_path / "out.sqlite", nsys)
    names = {line.partition("=")[0] for line in (tmp_path / "seen").read_text().splitlines()}
    assert names <= {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"}
    assert f"TMPDIR={(tmp_path / 'where').read_text().strip()}" in (tmp_path / "seen").read_text()


def test_importing_without_an_importer_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(nsys_export, "IMPORTER_PLACES", ())
    nsys = nsys_saying(tmp_path / "opt", "")
    with pytest.raises(ExportError, match=f"needs QdstrmImporter, which is not beside {nsys.path}"):
        import_qdstrm(tmp_path / "s.qdstrm", tmp_path / "r.nsys-rep", nsys)


def test_an_importer_of_another_version_gives_way_to_one_that_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    nsys = nsys_saying(tmp_path / "opt", "")
    stand_in(tmp_path / "opt" / "host-linux-x64" / "QdstrmImporter", "echo wrong version; exit 2")
    other = stand_in(tmp_path / "lib" / "host-linux-x64" / "QdstrmImporter", 'echo made > "$4"')
    monkeypatch.setattr(nsys_export, "IMPORTER_PLACES", (str(other.parent),))
    import_qdstrm(tmp_path / "s.qdstrm", tmp_path / "r.nsys-rep", nsys)
    assert (tmp_path / "r.nsys-rep").read_text() == "made\n"
    assert stat.S_IMODE((tmp_path / "r.nsys-rep").stat().st_mode) == 0o600


def test_what_an_importer_lacks_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(nsys_export, "IMPORTER_PLACES", ())
    nsys = nsys_saying(tmp_path / "opt", "")
    lacking = "error while loading shared libraries: libarrow.so.500: cannot open shared object file"
    stand_in(tmp_path / "opt" / "host-linux-x64" / "QdstrmImporter", f"echo '{lacking}' >&2; exit 127")
    with pytest.raises(ExportError, match=r"libarrow\.so\.500"):
        import_qdstrm(tmp_path / "s.qdstrm", tmp_path / "r.nsys-rep", nsys)


RANGES = 'SELECT start, "end", globalTid, textId, int64Value FROM NVTX_EVENTS WHERE eventType = 59'


def record(folder: Path) -> Path:
    """A real recording of PROGRAM with a canary in its environment, finished or not."""
    (folder / "program.py").write_text(PROGRAM)
    options = ["-t", "cuda,nvtx", "--sample=none", "--cpuctxsw=none", "--wait=primary", "-f", "true"]
    command = [
        "nsys",
        "profile",
        *options,
        "-o",
        str(folder / "raw"),
        sys.executable,
        str(folder / "program.py"),
    ]
    with tempfile.TemporaryDirectory() as short:  # nsys makes sockets in it, and their paths must be short
        environment = {**os.environ, "FLOPPROF_TEST_CANARY": CANARY, "TMPDIR": short}
        subprocess.run(command, env=environment, check=False, capture_output=True, timeout=PATIENCE_SECONDS)
    made = [p for p in (folder / "raw.nsys-rep", folder / "raw.qdstrm") if p.exists()]
    assert made, "nsys recorded nothing"
    return made[0]


@pytest.mark.nsys
def test_a_real_recording_opens_and_its_scrubbed_copy_keeps_the_ranges_but_no_secret(tmp_path: Path):
    recording = record(tmp_path)
    clean = tmp_path / "clean.sqlite"
    with open_trace_file(recording) as plain:
        assert CANARY.encode() in plain.read_bytes()
        scrub_trace(plain, clean)
        private = plain.parent
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert stat.S_IMODE(plain.stat().st_mode) == 0o600
        with SqliteFile(plain) as before, SqliteFile(clean) as after:
            ranges = before.rows(RANGES)
            assert len(ranges) == 14
            assert after.rows(RANGES) == ranges
            assert before.texts(r[3] for r in ranges) == after.texts(r[3] for r in ranges)
            assert set(after.texts(r[3] for r in ranges).values()) == {"step", "matvec"}
    assert not private.exists()
    raw = clean.read_bytes()
    for secret in (CANARY, str(tmp_path), "program.py", "python", "Hostname"):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            assert secret.encode(encoding) not in raw


@pytest.mark.nsys
@pytest.mark.parametrize("name", ["bad.nsys-rep", "bad.qdstrm"])
def test_a_recording_that_is_none_is_one_line(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"nothing of the kind\n" * 10)
    with pytest.raises(ExportError) as raised, open_trace_file(tmp_path / name):
        pass
    assert str(raised.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.nsys
def test_the_installed_nsys_has_an_importer():
    nsys = find_nsys()
    assert nsys is not None
    assert nsys.release >= (2022,)
    assert find_importer(nsys) is not None
