"""A Dask cluster of a scheduler and two workers, each a process of its own, as a user starts them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="Dask is not installed: pip install 'flopprof[cluster]'")

from distributed import Client
from flopprof.analysis.engine.cluster import connect
from flopprof.analysis.engine.tasks import Outcome, run_tasks
from flopprof.analysis.errors import RanksError
from running import tasks
from running.dask_cluster import DaskCluster, dask_cluster, end_all
from running.patience import wait_until

TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("cluster"), 2, path=[TESTS]) as running:
        yield running


def test_outcomes_come_in_the_order_of_the_tasks(cluster: DaskCluster) -> None:
    with connect(cluster.address, None) as engine:
        outcomes = run_tasks(engine, tasks.wait_for, [(0.3 if v == 0 else 0.0, v) for v in range(6)])
    assert outcomes == [Outcome(value=value) for value in range(6)]


def test_a_task_that_fails_names_its_worker(cluster: DaskCluster) -> None:
    with connect(None, cluster.scheduler_file) as engine:
        outcomes = run_tasks(engine, tasks.fail, [(value,) for value in range(5)])
    assert all(one.reason and " (on the worker " in one.reason for one in outcomes[:4])
    assert outcomes[4] == Outcome(value=4)


def test_what_changed_since_the_last_time_is_read_again(cluster: DaskCluster, tmp_path: Path) -> None:
    file = tmp_path / "number"
    seen = []
    for number in (1, 2):
        file.write_text(str(number))
        with connect(cluster.address, None) as engine:
            seen.append(run_tasks(engine, tasks.read_number, [(str(file),)])[0].value)
    assert seen == [1, 2]


@pytest.mark.slow
def test_a_worker_that_dies_costs_no_task(tmp_path: Path) -> None:
    with dask_cluster(tmp_path, 2, path=[TESTS]) as own, connect(own.address, None) as engine:
        victim = own.processes[1]

        def kill_one(_task: int, _done: bool) -> None:
            if victim.poll() is None:
                os.kill(victim.pid, signal.SIGKILL)

        outcomes = run_tasks(engine, tasks.wait_for, [(0.3, value) for value in range(8)], kill_one)
        assert victim.wait() == -signal.SIGKILL
    assert outcomes == [Outcome(value=value) for value in range(8)]


@pytest.mark.slow
def test_when_no_worker_is_left_the_tasks_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flopprof.analysis.engine.cluster.ALONE_SECONDS", 0)
    monkeypatch.setattr("flopprof.analysis.engine.tasks.LOOK_SECONDS", 0.5)
    with dask_cluster(tmp_path, 1, path=[TESTS]) as own, connect(own.address, None) as engine:

        def kill_all(_task: int, _done: bool) -> None:
            end_all(own.processes[1:])

        outcomes = run_tasks(engine, tasks.wait_for, [(0.0, 0), (30.0, 1), (30.0, 2)], kill_all)
        alone = Outcome(reason=f"the cluster at {own.address} has no workers any more")
    assert outcomes == [Outcome(value=0), alone, alone]


def test_an_interrupt_cancels_what_waits(tmp_path: Path) -> None:
    def interrupt(_task: int, _done: bool) -> None:
        raise KeyboardInterrupt

    with dask_cluster(tmp_path, 1, path=[TESTS]) as own:
        with connect(own.address, None) as engine, pytest.raises(KeyboardInterrupt):
            run_tasks(engine, tasks.wait_for, [(0.0, 0), *((60.0, n) for n in range(4))], interrupt)
        with Client(own.address, set_as_default=False) as client:
            wait_until(lambda: not client.run_on_scheduler(tasks.count_waiting))


def test_nobody_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flopprof.analysis.engine.cluster.CONNECT_SECONDS", 1)
    with (
        pytest.raises(RanksError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 \("),
        connect("tcp://127.0.0.1:9", None),
    ):
        pass
    told = r"scheduler\.json: no such file; `dask scheduler --scheduler-file FILE`"
    with pytest.raises(RanksError, match=told), connect(None, tmp_path / "scheduler.json"):
        pass


def test_a_scheduler_without_workers_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flopprof.analysis.engine.cluster.CONNECT_SECONDS", 3)
    with (
        dask_cluster(tmp_path, 0) as own,
        pytest.raises(RanksError, match="has no workers; start some: dask worker"),
        connect(None, own.scheduler_file),
    ):
        pass


@pytest.mark.slow
def test_a_scheduler_with_another_environment_is_one_line(tmp_path: Path) -> None:
    with dask_cluster(tmp_path, 1) as own, connect(own.address, None) as engine:
        outcomes = run_tasks(
            engine, tasks.double, [(1,)]
        )  # no process of this cluster finds the tests' modules
    assert outcomes == [
        Outcome(
            reason=f"the Dask scheduler at {own.address} lacks what the tasks need; "
            "install the same flopprof there as here and on the workers"
        )
    ]
