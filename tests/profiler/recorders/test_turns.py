"""Programs started together are all recorded, and a dead nsys stops no later one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from flopprof.profiler.recorders import turns
from flopprof.profiler.recorders.strays import find_strays
from flopprof.profiler.recorders.turns import clear_failed_start, remove_remains, turn_to_start
from running.profiled_programs import FLOPPROF, python

HOLDER = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
USER = """
import mmap, sys
with open(sys.argv[1], "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0)
    print("used", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "nsys"
    file.touch()
    return file


def block(folder: Path, *, age_seconds: float) -> Path:
    file = folder / "NSys-2022.4.2.1"
    file.write_bytes(b"\1" + bytes(4095))
    then = time.time() - age_seconds
    os.utime(file, (then, then))
    return file


def test_a_second_start_waits_for_the_end_of_the_firsts_turn(program: Path) -> None:
    began = threading.Event()

    def start() -> None:
        with turn_to_start(program):
            began.set()

    with turn_to_start(program) as turn:
        waiting = threading.Thread(target=start)
        waiting.start()
        assert not began.wait(0.2)
        turn.end()
        waiting.join()
    assert began.is_set()


def test_who_was_killed_in_its_turn_holds_nobody_up(program: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
    with turn_to_start(program):
        pass


def test_nobody_waits_for_ever(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.1)
    with turn_to_start(program), turn_to_start(program):
        pass


def test_what_cannot_be_held_is_started_all_the_same(tmp_path: Path) -> None:
    with turn_to_start(tmp_path / "missing"), turn_to_start(None):
        pass


def test_the_block_of_a_dead_one_is_removed(tmp_path: Path) -> None:
    remains = block(tmp_path, age_seconds=60)
    other = tmp_path / "sem.of_somebody"
    other.touch()
    remove_remains(tmp_path)
    assert not remains.exists()
    assert other.exists()


def test_a_block_in_use_or_in_the_making_stays(tmp_path: Path) -> None:
    used = block(tmp_path, age_seconds=60)
    with subprocess.Popen(
        [sys.executable, "-c", USER, used], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as user:
        assert user.stdout is not None
        user.stdout.readline()
        remove_remains(tmp_path)
        assert used.exists()
        user.communicate()
    remove_remains(tmp_path)
    assert not used.exists()
    fresh = block(tmp_path, age_seconds=0)
    remove_remains(tmp_path)
    assert fresh.exists()


def test_after_a_failed_start_the_next_makes_a_block_of_its_own(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir()
    broken = block(tmp_path, age_seconds=0)
    with subprocess.Popen(
        [sys.executable, "-c", USER, broken],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(private)},
    ) as left:
        assert left.stdout is not None
        left.stdout.readline()
        clear_failed_start(private, tmp_path)
        assert not list(find_strays(private))
    assert not broken.exists()


@pytest.mark.slow
@pytest.mark.nsys
def test_five_programs_that_are_started_at_once_all_run(tmp_path: Path) -> None:
    """Of five, two made the memory that all share at the same time, and no later program was started at all.

    What nsys loses of one while another ends (1 in some hundred) is said, and not held against its start.
    """
    gate = tmp_path / "gate"
    wait = (
        f"import os, sys\nwhile not os.path.exists({str(gate)!r}): pass\nos.execv(sys.argv[1], sys.argv[1:])"
    )
    for attempt in range(3):
        started = [
            subprocess.Popen(
                [
                    *(*python(wait), *FLOPPROF, "profile", f"--out={tmp_path / f'{attempt}-{number}'}"),
                    *("--", *python("pass")),
                ],
                stderr=subprocess.PIPE,
            )
            for number in range(5)
        ]
        gate.touch()
        for process in started:
            told = process.communicate()[1]
            assert process.returncode == 0 or b"the program ran, but its trace was lost" in told, told
        gate.unlink()
