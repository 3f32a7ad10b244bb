"""Tasks in processes of this machine: their order, their failures, their deaths."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import psutil
import pytest
from flopprof.analysis.engine.pool import Pool, plan_jobs
from flopprof.analysis.engine.tasks import DIED_TWICE, Engine, Outcome, attempt, identify_code, run_tasks
from running import tasks
from running.engines import Inline


@pytest.mark.parametrize("engine", [Inline(), Pool(jobs=1), Pool(jobs=2)], ids=["inline", "1", "2"])
def test_outcomes_come_in_the_order_of_the_tasks(engine: Engine) -> None:
    arguments = [(0.2 if value == 0 else 0.0, value) for value in range(5)]
    heard: list[tuple[int, bool]] = []
    outcomes = run_tasks(engine, tasks.wait_for, arguments, lambda task, done: heard.append((task, done)))
    assert [outcome.value for outcome in outcomes] == [0, 1, 2, 3, 4]
    assert sorted(heard) == [(task, True) for task in range(5)]


def test_a_task_that_fails_says_why_and_ends_no_other() -> None:
    outcomes = run_tasks(Pool(jobs=2), tasks.fail, [(value,) for value in range(5)])
    assert outcomes[0] == Outcome(reason="a.sqlite: is cut short")
    assert outcomes[1].reason is not None and "b.sqlite" in outcomes[1].reason
    assert outcomes[2] == Outcome(reason="there was not memory enough")
    assert outcomes[3].reason is not None and outcomes[3].reason.startswith("KeyError: 'a bug' at tasks.py:")
    assert outcomes[4] == Outcome(value=4)


def test_a_task_whose_process_was_killed_is_tried_once_more(tmp_path: Path) -> None:
    mark = str(tmp_path / "mark")
    outcomes = run_tasks(Pool(jobs=2), tasks.die_once, [(mark, value) for value in range(4)])
    assert outcomes == [Outcome(value=value) for value in range(4)]


def test_a_task_that_kills_its_process_twice_has_failed_and_takes_no_other_along() -> None:
    outcomes = run_tasks(Pool(jobs=2), tasks.die, [(value,) for value in range(4)])
    assert outcomes == [Outcome(value=0), Outcome(reason=DIED_TWICE), Outcome(value=2), Outcome(value=3)]


def test_an_interrupt_ends_all_processes_of_its_own() -> None:
    def interrupt(_task: int, _done: bool) -> None:
        raise KeyboardInterrupt

    other = multiprocessing.get_context("fork").Process(target=time.sleep, args=(300,))
    other.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_tasks(Pool(jobs=2), tasks.wait_for, [(0.0, 0), (300.0, 1)], interrupt)
    assert time.monotonic() - began < 300
    children = psutil.Process().children(recursive=True)
    assert [child for child in children if "spawn_main" in " ".join(_command(child))] == []
    assert other.is_alive()
    other.kill()
    other.join()


def _command(process: psutil.Process) -> list[str]:
    try:
        return [] if process.status() == psutil.STATUS_ZOMBIE else process.cmdline()
    except psutil.Error:
        return []


def test_another_flopprof_on_a_worker_is_one_line() -> None:
    outcome = attempt(tasks.double, (1,), "0.0+other", remote=True)
    assert outcome.value is None
    assert outcome.reason is not None
    assert f"has another flopprof ({identify_code()}, here 0.0+other)" in outcome.reason


def test_processes_are_no_more_than_traces(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(bytes(1000))
    assert plan_jobs([path]) == 1


def test_a_trace_that_needs_more_memory_than_there_is_still_has_one_process(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.sqlite" for n in range(4)]
    for path in paths:
        with path.open("wb") as file:
            file.truncate(1 << 40)  # 1 TiB, of nothing
    assert plan_jobs(paths) == 1
