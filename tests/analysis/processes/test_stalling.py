"""A recorder that works is left alone; one that waits, or computes for nothing, is not waited for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flopprof.analysis.processes import asking
from flopprof.analysis.processes.asking import NoAnswer, ask_program
from flopprof.analysis.processes.stalling import Effort, StallWatch, measure_effort
from running.patience import wait_until


def watched(effort: Callable[[float], Effort], seconds: int, *, most: float = 10) -> tuple[int, str] | None:
    """The second in which a problem was found, and what it was, by a clock that ticks in seconds."""
    now = 0.0
    watch = StallWatch(look=lambda: effort(now), most_cpu_seconds=most, idle_seconds=10, clock=lambda: now)
    for second in range(seconds):
        now = float(second)
        if problem := watch.find_problem():
            return second, problem
    return None


def test_one_that_sleeps_is_found_in_ten_seconds():
    assert watched(lambda _: Effort(cpu_seconds=0.03), 60) == (10, "it has done nothing for 10 s")


def test_one_that_polls_a_hundred_times_a_second_sleeps_too():
    assert watched(lambda now: Effort(cpu_seconds=0.01 * now), 60) == (10, "it has done nothing for 10 s")


def test_one_that_gets_a_tenth_of_a_core_is_left_alone():
    assert watched(lambda now: Effort(cpu_seconds=0.1 * now), 99) is None


def test_one_that_waits_for_a_disk_is_left_alone():
    assert watched(lambda _: Effort(blocked=True), 119) is None


def test_one_that_computes_on_and_on_is_ended_by_what_its_work_may_cost():
    assert watched(lambda now: Effort(cpu_seconds=now), 60) == (11, "after 11 s nothing has come of it")
    assert watched(lambda now: Effort(cpu_seconds=now), 60, most=100) is None


def test_one_that_is_kept_from_its_disk_for_ever_is_not_waited_for():
    assert watched(lambda _: Effort(blocked=True), 999) == (121, "after 121 s nothing has come of it")


def test_processes_that_end_are_no_idleness():
    assert watched(lambda now: Effort(cpu_seconds=5.0 if int(now) % 2 else 0.0), 20, most=1000) is None


@contextmanager
def process_in(folder: Path, program: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(folder)}
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def test_effort_is_the_cpu_time_of_the_processes_in_a_private_folder(tmp_path: Path):
    assert measure_effort(tmp_path) == Effort()
    with process_in(tmp_path, "while True: pass"):
        wait_until(lambda: measure_effort(tmp_path).cpu_seconds > 0.3)
    wait_until(lambda: measure_effort(tmp_path) == Effort())


def script(folder: Path, body: str) -> Path:
    made = folder / "nsys"
    made.write_text(f"#!/bin/sh\n{body}\n")
    made.chmod(0o755)
    return made


def test_an_answer_is_what_was_said_on_both_streams_and_the_exit_code(tmp_path: Path):
    answer = ask_program([script(tmp_path, "echo one; echo two >&2; exit 3")], 600)
    assert (answer.text, answer.code) == ("one\ntwo\n", 3)


@pytest.mark.parametrize(
    "body", ["sleep 1000", "sleep 1000 & wait", "trap '' INT TERM; sleep 1000", "exec >&-; sleep 1000"]
)
def test_what_does_not_answer_is_ended_with_its_children(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    began = time.monotonic()
    with pytest.raises(NoAnswer, match=r"does not answer in 0.3 s"):
        ask_program([script(tmp_path, body)], 0.3)
    assert time.monotonic() - began < 500, "it was not waited for"
    wait_until(lambda: measure_effort(tmp_path) == Effort())


def test_what_talks_without_end_is_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(asking, "MOST_BYTES", 1 << 20)
    with pytest.raises(NoAnswer, match="says more than 1 MB"):
        ask_program([script(tmp_path, "yes")], 600)


def test_what_cannot_be_started_is_told(tmp_path: Path):
    with pytest.raises(NoAnswer, match="cannot be started: No such file"):
        ask_program([tmp_path / "nowhere"], 600)
    (tmp_path / "nsys").write_text("")
    (tmp_path / "nsys").chmod(0o755)
    with pytest.raises(NoAnswer, match="cannot be started: Exec format error"):
        ask_program([tmp_path / "nsys"], 600)


def test_what_leaves_a_child_with_its_output_has_answered(tmp_path: Path):
    assert ask_program([script(tmp_path, "sleep 5 & echo here")], 600).text == "here\n"
