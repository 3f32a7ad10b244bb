"""`flopprof ranks`, and `analyze` and `compare` over many traces, from the command line."""

from __future__ import annotations

import csv
import json
import lzma
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from drawing.jobs import Job, SimRank, ddp
from drawing.tree import DATA
from running.commands import run_here
from running.patience import PATIENCE_SECONDS, wait_until

TRACES = [DATA / "ranks" / f"strag_rank{rank}.sqlite.xz" for rank in range(2)]


@pytest.fixture(scope="module")
def real() -> str:
    return run_here("ranks", *TRACES, "--jobs", "1", "--json")[0]


def test_the_json_is_the_contract(real: str) -> None:
    job: dict[str, Any] = json.loads(real)
    assert job["flopprof"] == 1
    assert set(job) >= {"ranks", "collectives", "steps", "summary"}
    assert set(job["ranks"][0]) >= {
        *("rank", "trace", "offset_ns", "residual_ns", "status", "reason", "device", "device_ns"),
        *("wait_ns", "transfer_ns", "quality"),
    }
    assert set(job["collectives"][0]) >= {"index", "kernel", "transfer_ns", "last", "wait_ns"}
    assert set(job["steps"][0]) >= {
        *("range", "instance", "wall_ns", "wait_ns", "straggler", "lost_ns", "cause"),
    }
    assert set(job["steps"][15]["cause"]) >= {"rank", "range", "path", "layer", "excess_ns"}
    assert set(job["summary"][0]) >= {"first", "last", "straggler", "cause", "lost_ns"}


@pytest.mark.slow
def test_two_processes_print_what_one_does_byte_for_byte(real: str) -> None:
    assert run_here("ranks", *TRACES, "--jobs", "2", "--json")[0] == real
    assert run_here("ranks", *TRACES[::-1], "--jobs", "2", "--json")[0] == real


@pytest.mark.slow
def test_a_dask_cluster_prints_what_one_process_does_byte_for_byte(real: str, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'flopprof[cluster]'")
    from running.dask_cluster import dask_cluster

    with dask_cluster(tmp_path, 2) as cluster:
        assert run_here("ranks", *TRACES, "--scheduler", cluster.address, "--json")[0] == real
        by_file = run_here("ranks", *TRACES, "--scheduler-file", cluster.scheduler_file, "--json")[0]
        assert by_file == real


@pytest.mark.slow
def test_a_trace_recorded_again_is_read_again_by_the_same_cluster(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'flopprof[cluster]'")
    from running.dask_cluster import dask_cluster

    paths = [tmp_path / f"job_rank{rank}.sqlite.xz" for rank in range(2)]
    seen: list[list[int | None]] = []
    with dask_cluster(tmp_path, 2) as cluster:
        for packed in (TRACES, TRACES[::-1]):
            for path, one in zip(paths, packed, strict=True):
                shutil.copy(one, path)
            text, _ = run_here("ranks", *paths, "--scheduler", cluster.address, "--json")
            seen.append([run["straggler"] for run in json.loads(text)["summary"]])
    assert seen == [[None, 1, 0], [None, 0, 1]]


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_changes_no_byte(tmp_path: Path) -> None:
    """Eight ranks on two workers, one of which is killed when it has read some."""
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'flopprof[cluster]'")
    from running.dask_cluster import dask_cluster

    def late(rank: SimRank, step: int) -> tuple[int, int]:
        return 0, 2_000_000 if rank.number == 5 and step < 50 else 0

    folder = tmp_path / "traces"
    folder.mkdir()
    Job(8, seed=5).run_in_ranges(ddp(late), 100).write(folder)
    alone = run_here("ranks", folder, "--jobs", "1", "--json")[0]
    with dask_cluster(tmp_path, 2) as cluster:
        victim = psutil.Process(cluster.processes[1].pid)
        before = victim.cpu_times().user
        command = [sys.executable, "-m", "flopprof.profiler", "ranks", str(folder), "--json"]
        running = subprocess.Popen([*command, f"--scheduler={cluster.address}"], stdout=subprocess.PIPE)
        while victim.cpu_times().user < before + 0.3 and running.poll() is None:
            time.sleep(0.005)
        os.kill(victim.pid, signal.SIGKILL)
        printed = running.communicate(timeout=PATIENCE_SECONDS)[0].decode()
    assert running.returncode == 0
    assert printed == alone
    assert json.loads(printed)["summary"][0]["straggler"] == 5


def test_the_text_says_who_is_late_and_fits_a_terminal() -> None:
    text, _ = run_here("ranks", *TRACES, "--jobs", "1")
    assert max(len(line) for line in text.splitlines()) <= 100
    words = " ".join(text.split())
    assert "residual 7.52 µs, and nothing smaller is claimed" in words
    assert "Steps 10–19: rank 1 is late, forward +2686 µs in kernels" in words
    assert "Steps 20–29: rank 0 is late, data +4102 µs on the host, outside of CUDA" in words
    assert "Steps 0–9: no rank is late for one reason for long" in words
    assert "\x1b" not in text


@pytest.mark.slow
def test_the_other_formats_say_the_same(tmp_path: Path) -> None:
    for name in ("markdown", "html"):
        out = tmp_path / f"ranks.{name}"
        run_here("ranks", *TRACES, "--format", name, "--out", out)
        page = re.sub("<[^>]*>", "", out.read_text("utf-8"))
        assert "rank 1 is late, forward" in page
        assert "rank 0 is late, data" in page
    page = (tmp_path / "ranks.html").read_text("utf-8")
    for title in ("Waiting by rank and step", "on one clock", "Transfer against waiting"):
        assert title in page


@pytest.mark.slow
def test_the_tables_are_there_as_csv(tmp_path: Path, real: str) -> None:
    run_here("ranks", *TRACES, "--csv", tmp_path / "csv")
    job: dict[str, Any] = json.loads(real)
    tables = {file.stem: list(csv.DictReader(file.open())) for file in (tmp_path / "csv").iterdir()}
    assert {name: len(rows) for name, rows in tables.items()} == {
        "ranks": 2,
        "collectives": 2 * len(job["collectives"]),
        "steps": 2 * len(job["steps"]),
        "summary": 3,
        "quality": len(job["quality"]),
    }
    waits = [int(row["wait_ns"]) for row in tables["collectives"] if row["rank"] == "1"]
    assert waits == [one["wait_ns"]["1"] for one in job["collectives"]]
    assert [row["cause_range"] for row in tables["summary"]] == ["", "forward", "data"]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A job of four: rank 2 is cut short, rank 3 is no trace at all."""
    folder = tmp_path_factory.mktemp("broken")
    Job(4, seed=1).run_in_ranges(ddp(), 6).write(folder)
    cut = folder / "job_rank2.sqlite"
    cut.write_bytes(cut.read_bytes()[:20_000])
    (folder / "job_rank3.sqlite").write_text("no database")
    yield folder


def test_ranks_that_fail_are_rows_and_the_exit_code_says_so(broken: Path) -> None:
    text, _ = run_here("ranks", broken, "--jobs", "1", "--json", code=3)
    rows = json.loads(text)["ranks"]
    assert [(row["rank"], row["status"]) for row in rows] == [
        (0, "done"),
        (1, "done"),
        (2, "failed"),
        (3, "failed"),
    ]
    assert rows[2]["reason"].endswith("job_rank2.sqlite: is cut short; export it again from its .nsys-rep")


@pytest.mark.slow
def test_what_cannot_be_done_is_one_line(tmp_path: Path, broken: Path) -> None:
    cases: list[tuple[list[str | Path], str]] = [
        ([tmp_path], "holds no trace"),
        ([broken, "--rank", "("], "is no regular expression"),
        ([broken, "--rank", "rank"], "has no group for the number"),
        ([broken, "--jobs", "0"], "--jobs must be at least 1, got 0"),
        ([broken, "--skip", "-1"], "--skip must be at least 0, got -1"),
        ([broken, "--jobs", "1", "--scheduler", "tcp://a:1"], "give one of --jobs"),
        ([broken / "job_rank3.sqlite"], "job_rank3.sqlite: "),
        ([tmp_path / "missing_rank0.sqlite"], "missing_rank0.sqlite: "),
        ([broken / "job_rank0.sqlite", broken / "job_rank0.sqlite"], "is given twice"),
    ]
    for arguments, words in cases:
        stdout, stderr = run_here("ranks", *arguments, code=2)
        assert stdout == ""
        assert stderr.startswith("flopprof: ") and stderr.count("\n") == 1, stderr
        assert words in stderr


def test_ctrl_c_ends_it_and_leaves_no_process(tmp_path: Path) -> None:
    path = tmp_path / "job_rank0.sqlite"
    os.mkfifo(path)  # a trace that is never there to read
    command = [sys.executable, "-m", "flopprof.profiler", "ranks", str(path), "--jobs", "1"]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    wait_until(lambda: bool(psutil.Process(running.pid).children(recursive=True)))
    children = psutil.Process(running.pid).children(recursive=True)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(timeout=PATIENCE_SECONDS) == 130
    assert psutil.wait_procs(children, timeout=PATIENCE_SECONDS)[1] == []


@pytest.mark.slow
def test_many_traces_are_one_table() -> None:
    traces = [DATA / f"{name}.sqlite.xz" for name in ("torch_axis0", "torch_axis1", "streams")]
    sweep: dict[str, Any] = json.loads(run_here("analyze", *traces, "--jobs", "2", "--json")[0])
    alone = [json.loads(run_here("analyze", trace, "--json")[0]) for trace in traces]
    assert [row["trace"] for row in sweep["traces"]] == [str(trace) for trace in traces]
    for kernel in sweep["kernels"]:
        for cell in kernel["traces"]:
            one = alone[cell["trace"]]
            mine = [row for row in one["kernels"] if row["kernel"] == kernel["kernel"]]
            assert (cell["instances"], cell["total_ns"]) == (
                sum(row["instances"] for row in mine),
                sum(row["total_ns"] for row in mine),
            )
    assert {kernel["kernel"] for kernel in sweep["kernels"]} == {
        row["kernel"] for one in alone for row in one["kernels"]
    }


@pytest.mark.slow
def test_a_sweep_is_the_same_whatever_runs_it(tmp_path: Path) -> None:
    for name in ("torch_axis0", "torch_axis1"):
        packed = (DATA / f"{name}.sqlite.xz").read_bytes()
        (tmp_path / f"{name}.sqlite").write_bytes(lzma.decompress(packed))
    one, two = (run_here("analyze", tmp_path, "--jobs", jobs, "--json")[0] for jobs in ("1", "2"))
    assert one == two
    text, _ = run_here("analyze", tmp_path, "--csv", tmp_path / "csv")
    assert "Ranges by trace" in text and "Kernels by trace" in text
    assert sorted(file.name for file in (tmp_path / "csv").iterdir()) != []


@pytest.mark.slow
def test_two_sets_of_ranks_are_compared_by_their_median_and_worst_rank(tmp_path: Path) -> None:
    def slow(rank: SimRank, step: int) -> tuple[int, int]:
        return 0, 2_000_000 if rank.number == 2 else 0

    for name, program in (("a", ddp()), ("b", ddp(slow))):
        (tmp_path / name).mkdir()
        Job(4, seed=1).run_in_ranges(program, 20).write(tmp_path / name)
    text, _ = run_here("compare", tmp_path / "a", tmp_path / "b", "--json")
    pairs = {pair["label"]: pair["verdict"] for pair in json.loads(text)["pairs"]}
    assert pairs["worst rank / step / forward"] == "slower"
    assert pairs["median rank / step / forward"] == "same"
    assert pairs["job / step"] == "slower"
