"""`flopprof run` whole, under the embedded recorder and under real Nsight Systems."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from flopprof.analysis.runs.records import MOST_PASSES
from running.patience import PATIENCE_SECONDS

REPS = 20
SCENARIO = f"""\
name: tiny
about: Two variants on two backends.
variants:
  matvec:    [matvec]
  outer_sum: [outer, {{sum: {{axis: 0}}}}]
backends: [torch, numpy]
devices:  [cpu]
dtypes:   [float32]
sweep:    {{n: [32, 48]}}
reps:     {{count: {REPS}, warmup: 2, max_seconds: 60}}
baseline: matvec
"""
OPS = {"matvec": ["matvec"], "outer_sum": ["outer", "sum"]}
RANGES = """SELECT e.start, e.end, s.value, e.int64Value FROM NVTX_EVENTS e JOIN StringIds s ON s.id = e.textId
            WHERE e.eventType = 59 ORDER BY e.start, e.end DESC"""

FUNCTIONS = """\
import os, signal, time
import numpy as np

def double(x): return x + x
def doubled(x): return x + x
def die(x): os.kill(os.getpid(), signal.SIGKILL)
def fail(x): raise RuntimeError("the backend says no")
def hoard(x): return np.ones((1 << 62,))
def sleep(x):
    time.sleep(0.2)
    return x
"""


def start(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "flopprof.profiler", *arguments],
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def flopprof(folder: Path, *arguments: str, code: int = 0, env: dict[str, str] | None = None) -> str:
    process = start(folder, *arguments, env=env)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == code, (process.returncode, out, err)
    return out


def function_scenario(folder: Path, *names: str) -> None:
    (folder / "functions.py").write_text(FUNCTIONS, encoding="utf-8")
    variants = "\n".join(
        f"  {name}: [{{function: 'functions:{name}', inputs: {{x: [n, n]}}, flops: 'n**2', bytes: '8*n**2'}}]"
        for name in names
    )
    (folder / "s.yaml").write_text(
        f"name: functions\nvariants:\n{variants}\nbackends: [numpy]\ndevices: [cpu]\ndtypes: [float32]\n"
        "sweep: {n: [16]}\nreps: {count: 5, warmup: 1, max_seconds: 0.05}\n",
        encoding="utf-8",
    )


def load(run: Path, name: str) -> Any:
    return json.loads((run / name).read_text(encoding="utf-8"))


def steps_by_variant(run: Path) -> dict[str, Any]:
    return {step["variant"]: step for step in load(run, "report.json")["steps"]}


RECORDERS = [pytest.param("nsys", marks=pytest.mark.nsys), pytest.param("embedded", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=RECORDERS)
def tiny_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    canary = {"FLOPPROF_TEST_CANARY": "kanarienvogel-4711", "CANARY_TOKEN": "kanarienvogel-4711"}
    out = flopprof(folder, "run", "s.yaml", "--recorder", request.param, "--out", "run", "--json", env=canary)
    assert json.loads(out)["run"]["recorder"] == request.param
    return folder / "run"


@pytest.mark.slow
def test_the_report_says_how_long_each_pass_took(tiny_run: Path) -> None:
    for shard in (tiny_run / "shards").iterdir():
        seconds = json.loads((shard / "control.json").read_text(encoding="utf-8"))["seconds"]
        assert list(seconds) == ["untraced", "traced"]
        assert min(seconds.values()) > 0
    report = (tiny_run / "report.txt").read_text(encoding="utf-8")
    assert "\npasses: untraced " in report
    assert re.search(r"^measuring: \d+ % of [\d.]+ s in timed reps: untraced ", report, re.MULTILINE)
    times = load(tiny_run, "report.json")["time"]
    assert times["seconds"] > sum(times["pass_seconds"].values()) > sum(times["measuring_seconds"].values())
    assert load(tiny_run, "plan.json")["run"]["seconds"] == times["seconds"]


def test_every_op_call_of_every_rep_has_its_own_range_inside_measure(tiny_run: Path) -> None:
    for shard in ("torch-cpu", "numpy-cpu"):
        with sqlite3.connect(tiny_run / "shards" / shard / "trace.sqlite") as connection:
            rows = connection.execute(RANGES).fetchall()
        steps = [row for row in rows if row[2].startswith("step:")]
        planned = [s for s in load(tiny_run, "plan.json")["steps"] if s["backend"] == shard.split("-")[0]]
        assert [row[2] for row in steps] == [f"step:{step['key']}" for step in planned]
        for (start_ns, end_ns, *_), step in zip(steps, planned, strict=True):
            inside = [row for row in rows if start_ns <= row[0] and row[1] <= end_ns]
            (measure,) = [row for row in inside if row[2] == "measure"]
            measured = [row for row in inside if measure[0] <= row[0] and row[1] <= measure[1]]
            assert [row[3] for row in measured if row[2] == "rep"] == list(range(REPS))
            ops = [row[2] for row in measured if row[2] not in ("measure", "rep")]
            assert ops == OPS[step["variant"]] * REPS


def test_the_ranges_are_of_the_traced_pass_alone(tiny_run: Path) -> None:
    """The control pass wrote no range: had it, every step would be there twice."""
    with sqlite3.connect(tiny_run / "shards" / "numpy-cpu" / "trace.sqlite") as connection:
        processes = connection.execute("SELECT DISTINCT globalTid >> 24 FROM NVTX_EVENTS").fetchall()
        steps = connection.execute(RANGES).fetchall()
    assert len(processes) == 1
    assert sum(row[2].startswith("step:") for row in steps) == 4


def test_a_sound_trace_of_a_cpu_is_remarked_upon_by_no_one(tiny_run: Path) -> None:
    codes = {note["code"] for note in load(tiny_run, "report.json")["quality"]}
    assert codes <= {"tracing_slowdown", "noisy", "above_ceiling"}


def test_every_step_is_done_checked_and_has_both_times(tiny_run: Path) -> None:
    report = load(tiny_run, "report.json")
    assert [step["status"] for step in report["steps"]] == ["done"] * 8
    for shard in ("torch-cpu", "numpy-cpu"):
        for step in load(tiny_run, f"shards/{shard}/control.json")["steps"]:
            assert step["checked"]
            control = step["control"]["reps"]
            assert (step["reps"], step["traced"]["reps"]) == (REPS, REPS)
            assert control in [REPS * times for times in range(1, MOST_PASSES + 1)]
            assert len(step["control"]["samples_ns"]) == control
            assert step["control"]["surroundings"] is not None is not step["traced"]["surroundings"]
            assert sum(step["control"]["samples_ns"]) <= step["control"]["total_ns"]


def test_equal_flops_are_reported_as_equal(tiny_run: Path) -> None:
    flops = {(s["variant"], s["params"]["n"]): s["flops"] for s in load(tiny_run, "report.json")["steps"]}
    assert flops == {(v, n): 2 * n * n - n for v in OPS for n in (32, 48)}


def test_cpu_time_is_split_into_compute_and_host(tiny_run: Path) -> None:
    for step in load(tiny_run, "report.json")["steps"]:
        window = step["window"]
        assert window["compute_ns"] + window["host_ns"] == window["wall_ns"] > 0
        assert window["kernel_ns"] is None


def test_no_byte_of_the_environment_is_in_the_run(tiny_run: Path) -> None:
    files = [path for path in tiny_run.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        data = path.read_bytes()
        assert b"kanarienvogel" not in data, path
        assert "kanarienvogel".encode("utf-16-le") not in data, path


def test_no_staging_is_left(tiny_run: Path) -> None:
    assert not [path for path in tiny_run.rglob("*") if ".staging" in path.name or path.suffix == ".nsys-rep"]


def test_reports_of_every_format_are_written(tiny_run: Path) -> None:
    names = {path.name for path in tiny_run.iterdir()}
    assert {"report.txt", "report.md", "report.json", "steps.csv", "ops.csv", "time.png"} <= names
    assert (tiny_run / "time.png").read_bytes().startswith(b"\x89PNG")


def test_a_report_is_shown_again(tiny_run: Path) -> None:
    again = flopprof(tiny_run.parent, "report", "run", "--format", "json")
    assert json.loads(again)["steps"] == load(tiny_run, "report.json")["steps"]


@pytest.mark.slow
def test_a_dead_worker_fails_its_step_and_the_run_goes_on(tmp_path: Path) -> None:
    function_scenario(tmp_path, "double", "die", "doubled")
    flopprof(tmp_path, "run", "s.yaml", "--recorder", "embedded", "--out", "run", code=3)
    steps = steps_by_variant(tmp_path / "run")
    assert {name: step["status"] for name, step in steps.items()} == {
        "double": "done",
        "die": "failed",
        "doubled": "done",
    }
    assert "SIGKILL" in steps["die"]["reason"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("says", "code"), [("Agent launcher failed", 1), ("Connection to the Agent lost", 0)]
)
def test_nsys_that_loses_its_agent_is_started_again_and_named_when_it_never_starts(
    says: str, code: int, tmp_path: Path
) -> None:
    function_scenario(tmp_path, "double")
    nsys, importer = tmp_path / "bin" / "nsys", tmp_path / "host-linux-x64" / "QdstrmImporter"
    fails = f"echo x >> starts; echo {says}.; exit {code}"
    for tool, script in (
        (nsys, f"[ $1 = --version ] && echo version 2022.4.2 && exit; {fails}"),
        (importer, ""),
    ):
        tool.parent.mkdir()
        tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        tool.chmod(0o755)
    path = {"PATH": f"{nsys.parent}{os.pathsep}{os.environ['PATH']}"}
    flopprof(tmp_path, "run", "s.yaml", "--recorder", "nsys", "--out", "run", code=3, env=path)
    assert (tmp_path / "starts").read_text() == "x\n" * 4
    step = steps_by_variant(tmp_path / "run")["double"]
    assert step["reason"] == (
        f"Nsight Systems did not start ({says}); see docs/troubleshooting.md, or use --recorder embedded"
    )
    assert step["untraced_ns"] > 0


@pytest.mark.slow
@pytest.mark.nsys
def test_a_worker_that_dies_under_nsys_starts_a_new_part(tmp_path: Path) -> None:
    function_scenario(tmp_path, "double", "die", "doubled")
    flopprof(tmp_path, "run", "s.yaml", "--recorder", "nsys", "--no-control", "--out", "run", code=3)
    assert sorted(p.name for p in (tmp_path / "run" / "shards").iterdir()) == ["numpy-cpu", "numpy-cpu-2"]
    steps = steps_by_variant(tmp_path / "run")
    assert [steps[name]["shard"] for name in ("double", "doubled")] == ["numpy-cpu", "numpy-cpu-2"]
    assert steps["doubled"]["window"]["wall_ns"] > 0
    assert steps["die"]["reason"].endswith("its last words: (nothing)")


@pytest.mark.slow
def test_files_beside_the_caller_do_not_stand_in_for_pythons_own(tmp_path: Path) -> None:
    """The scenario's function is found in the current folder all the same."""
    (tmp_path / "scenarios").mkdir()
    function_scenario(tmp_path, "double")
    (tmp_path / "s.yaml").rename(tmp_path / "scenarios" / "s.yaml")
    (tmp_path / "queue.py").write_text("raise RuntimeError('not what libraries mean')\n", encoding="utf-8")
    flopprof(tmp_path, "run", "scenarios/s.yaml", "--recorder", "embedded", "--no-control", "--out", "run",
             env={"PYTHONSAFEPATH": "1"})  # fmt: skip
    assert steps_by_variant(tmp_path / "run")["double"]["status"] == "done"


@pytest.mark.slow
def test_an_error_of_the_backend_is_the_steps_reason(tmp_path: Path) -> None:
    function_scenario(tmp_path, "fail", "hoard", "double")
    flopprof(tmp_path, "run", "s.yaml", "--recorder", "embedded", "--out", "run", code=3)
    steps = steps_by_variant(tmp_path / "run")
    assert "the backend says no" in steps["fail"]["reason"]
    assert steps["hoard"]["status"] == "failed"
    assert steps["double"]["status"] == "done"


@pytest.mark.slow
def test_without_the_control_pass_headline_times_are_unknown(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO.replace("torch, numpy", "numpy"), encoding="utf-8")
    out = flopprof(
        tmp_path, "run", "s.yaml", "--recorder", "embedded", "--no-control", "--out", "run", "--json"
    )
    report = json.loads(out)
    assert report["run"]["command"] == ["flopprof", "run", "s.yaml", "--recorder=embedded", "--no-control"]
    for step in report["steps"]:
        assert (step["untraced_ns"], step["slowdown"], step["overhead_ns"]) == (None, None, None)
        assert step["traced_ns"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("recorder", RECORDERS)
def test_an_interrupt_ends_the_child_keeps_what_is_complete_and_exits_130(
    tmp_path: Path, recorder: str
) -> None:
    function_scenario(tmp_path, "double", "sleep")
    text = (tmp_path / "s.yaml").read_text().replace("count: 5", "count: 1000").replace("0.05", "600")
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    process = start(tmp_path, "run", "s.yaml", "--recorder", recorder, "--no-control", "--out", "run")
    family = _wait_for_second_step(tmp_path / "run", process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert load(tmp_path / "run", "plan.json")["run"]["status"] == "interrupted"
    steps = {
        s["variant"]: s for s in json.loads(flopprof(tmp_path, "report", "run", "--format", "json"))["steps"]
    }
    assert (steps["double"]["status"], steps["sleep"]["status"]) == ("done", "skipped")
    assert not list((tmp_path / "run").glob(".staging*"))


def _wait_for_second_step(run: Path, process: subprocess.Popen[str]) -> list[psutil.Process]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for messages in run.glob(".staging-*/*/messages.jsonl"):
            if messages.read_text().count('"started"') == 2:
                return psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.05)
    raise AssertionError("the second step never began")
