"""A recorder that says its version and then does nothing is found, named, and ended with all that it started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from flopprof.analysis.processes import stalling
from flopprof.analysis.processes.stalling import find_strays
from flopprof.profiler.commands import profile as profile_command
from flopprof.profiler.doctor.probe import watch_probe
from flopprof.profiler.errors import ProfileError
from flopprof.profiler.recorders import hanging
from flopprof.profiler.recorders.hanging import HangWatch, ProcessLife, RecorderHangs
from running.commands import run_here
from running.patience import wait_until

VERSION = 'if [ "$1" = --version ]; then echo "version 2022.4.2.1-df9881f"; exit 0; fi'
RUN_PROGRAM = 'shift; while [ "${1#-}" != "$1" ]; do shift; done; "$@"'

SCENARIO = """\
name: tiny
variants: {matvec: [matvec]}
backends: [numpy]
devices:  [cpu]
sweep:    {n: [8]}
reps:     {count: 10, warmup: 1, max_seconds: 0.01}
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What neither computes nor ends is found soon; what starts a Python computes more than that."""
    monkeypatch.setattr(stalling, "IDLE_SECONDS", 1.0)
    monkeypatch.setattr(hanging, "LAST_IDLE_SECONDS", 1.0)


def install(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An nsys on PATH, with an importer beside it."""
    importer = folder / "opt" / "host-linux-x64" / "QdstrmImporter"
    fake = folder / "opt" / "bin" / "nsys"
    for made, text in ((importer, "exit 1"), (fake, f"{VERSION}\n{body}")):
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(f"#!/bin/sh\n{text}\n")
        made.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return fake


def profile(out: Path, *command: str) -> int:
    return profile_command.profile_and_report(
        command, out=out, capture_range=None, passed_on=(), keep_report=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("body", ["sleep 1000", "trap '' INT TERM HUP; sleep 1000 & wait", "exec sleep 1000"])
def test_a_program_that_is_not_started_is_not_waited_for(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake = install(tmp_path, body, monkeypatch)
    with pytest.raises(ProfileError) as raised:
        profile(tmp_path / "out", "true")
    assert str(raised.value) == (
        f"nsys at {fake} does not answer: it has done nothing for 1 s and has not started the program"
    )
    assert sorted(found.name for found in tmp_path.iterdir()) == ["opt"]


def test_one_that_hangs_when_the_program_has_ended_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake = install(tmp_path, f"{RUN_PROGRAM}\nsleep 1000", monkeypatch)
    with pytest.raises(ProfileError) as raised:
        profile(tmp_path / "out", "sh", "-c", f"sleep 2.5; echo ran > {tmp_path}/ran")
    assert str(raised.value) == (
        f"nsys at {fake} does not answer: it has done nothing for 1 s since the program has ended"
    )
    assert (tmp_path / "ran").read_text() == "ran\n", "a program may sleep longer than its recorder"


def test_a_run_says_which_recorder_hung_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake = install(tmp_path, "sleep 1000", monkeypatch)
    (tmp_path / "tiny.yaml").write_text(SCENARIO)
    out, _ = run_here(
        "run", tmp_path / "tiny.yaml", "--recorder", "nsys", "--out", tmp_path / "out", "--json", code=3
    )
    assert (
        f'"nsys at {fake} does not answer: it has done nothing for 1 s and has not started the program; '
        "see 'flopprof doctor', or use --recorder embedded\""
    ) in out


@pytest.mark.parametrize(
    ("body", "ended"), [("exit 0", "ended with exit code 0"), ("kill -SEGV $$", "was killed by SIGSEGV")]
)
def test_a_recorder_that_ends_before_the_worker_began_is_named(
    body: str, ended: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake = install(tmp_path, body, monkeypatch)
    (tmp_path / "tiny.yaml").write_text(SCENARIO)
    out, _ = run_here(
        "run", tmp_path / "tiny.yaml", "--recorder", "nsys", "--out", tmp_path / "out", "--json", code=3
    )
    assert f'"nsys at {fake} {ended} and had not started the worker; its last words: (nothing)"' in out


@pytest.mark.slow
def test_a_worker_whose_recorder_hangs_afterwards_keeps_its_untraced_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake = install(tmp_path, f"{RUN_PROGRAM}\nsleep 1000", monkeypatch)
    (tmp_path / "tiny.yaml").write_text(SCENARIO)
    out, _ = run_here(
        "run", tmp_path / "tiny.yaml", "--recorder", "nsys", "--out", tmp_path / "out", "--json", code=3
    )
    assert (
        f'"its trace was lost: nsys at {fake} does not answer: it has done nothing for 1 s since the program '
        'has ended"'
    ) in out
    assert '"untraced_ns": null' not in out


def test_doctor_names_what_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake = install(tmp_path, "sleep 1000", monkeypatch)
    found = watch_probe([str(fake), "profile", "true"], tmp_path / "opt", "nsys profile")
    assert found == (
        f"nsys at {fake} does not answer: it has done nothing for 1 s and has not started the program"
    )


def test_one_that_talks_without_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hanging, "MOST_WORDS", 10)
    (tmp_path / "output.txt").write_text("y\n" * 100)
    watch = HangWatch(program=Path("/x/nsys"), private=tmp_path, output=tmp_path / "output.txt")
    with pytest.raises(RecorderHangs, match="nsys at /x/nsys does not answer: it talks without end"):
        watch.check("to come")


def test_while_a_program_is_there_nobody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def look(_: Path) -> stalling.Effort:
        raise AssertionError("a measurement is disturbed")

    monkeypatch.setattr(hanging, "measure_effort", look)
    watch = HangWatch(program=Path("nsys"), private=tmp_path, output=tmp_path / "output.txt")
    watch.check("there")


def test_what_the_recorder_removes_while_its_files_are_summed_is_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "raw.qdstrm").write_bytes(bytes(1 << 10))
    going, real = tmp_path / "nsys_termination_status_1", Path.stat
    going.touch()

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        seen = real(path, follow_symlinks=follow_symlinks)
        if path == going:
            going.unlink()
        return seen

    monkeypatch.setattr(Path, "stat", stat)
    (tmp_path / "gone").symlink_to("nowhere")
    watch = HangWatch(program=Path("nsys"), private=tmp_path, output=tmp_path / "output.txt")
    watch.check("gone")
    assert not going.exists()


def test_a_process_is_to_come_then_there_then_gone():
    life = ProcessLife()
    assert life.state() == "to come"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        life.begin(child.pid)
        assert life.state() == "there"
        assert child.stdin is not None
        child.stdin.close()
        wait_until(lambda: life.state() == "gone")  # a zombie yet
    life.close()
    assert life.state() == "gone"


def test_a_process_that_is_gone_already_is_gone():
    with subprocess.Popen(["true"]) as child:
        pass
    life = ProcessLife()
    life.begin(child.pid)
    assert life.state() == "gone"


def test_nothing_of_a_hung_recorder_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path, "sleep 1000 & sleep 1000", monkeypatch)
    began = time.monotonic()
    with pytest.raises(ProfileError):
        profile(tmp_path / "out", "true")
    assert time.monotonic() - began < 500
    assert not [process for folder in tmp_path.iterdir() for process in find_strays(folder)]
