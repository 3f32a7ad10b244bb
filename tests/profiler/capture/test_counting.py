"""The counters pass: every step once more under what counts, and one sentence for what could not be counted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from flopprof.analysis.evidence.counters import CountedLaunch
from flopprof.analysis.runs.records import StepRecord
from flopprof.profiler.capture.counting import group_launches, settle_counted
from flopprof.profiler.capture.evidence import choose_counter
from flopprof.profiler.capture.shard import WorkerOutcome
from flopprof.profiler.recorders.ncu import CountersMissing, NcuRecorder, explain, find_ncu, open_ncu
from flopprof.scenarios.plan.expansion import expand_plan
from flopprof.scenarios.plan.load import load_scenario

QUERY = "dram__bytes_read  Counter\ndram__bytes_write  Counter\nsm__warps_active  Counter"


@pytest.fixture
def ncu(tmp_path: Path) -> Path:
    """A stand-in: it names metrics, and of a worker it counts one kernel of step K, op 0."""
    path = tmp_path / "bin" / "ncu"
    path.parent.mkdir()
    path.write_text(f"#!{sys.executable}\nprint({QUERY!r})\nprint('Version 2025.3.0.0 (build 1)')\n")
    path.chmod(0o755)
    return path


HEADER = '"ID","Process ID","Kernel Name","thread Domain:Push/Pop_Range:x","dram__bytes_read.sum"'
UNITS = '"","","","","byte"'
KERNEL = '"0","1","k","1  ""flopprof:step:K:n:n:n:n:A:step:K""  ""flopprof:op:0:n:n:n:n:A:op:0""","4,096"'


def plan_of(device: str):
    scenario = load_scenario(
        "smoke", ("devices=cuda", "backends=torch") if device == "cuda" else ("devices=cpu",)
    )
    return expand_plan(scenario, lambda *_: None)


def outcome(
    folder: Path, table: str, *, said: str = "", code: int = 0, keys: tuple[str, ...] = ("K",)
) -> WorkerOutcome:
    (folder / "counters.csv").write_text(table)
    (folder / "output.txt").write_text(said)
    records = {key: StepRecord(key=key, status="done", reps=1) for key in keys}
    return WorkerOutcome(folder=folder, exit_code=code, records=records)


def test_ncu_is_found_on_path_and_asked_what_it_can_count(ncu: Path):
    found = open_ncu({"PATH": str(ncu.parent)})
    assert isinstance(found, NcuRecorder)
    assert found.version == "2025.3.0.0"
    assert found.metrics == (
        "dram__bytes_read.sum",
        "dram__bytes_write.sum",
        "sm__warps_active.avg.pct_of_peak_sustained_active",
        "launch__waves_per_multiprocessor",
    )


def test_the_command_counts_only_what_is_in_the_pass_own_ranges(ncu: Path, tmp_path: Path):
    command = NcuRecorder(path=ncu, version=None, metrics=("a", "b")).command(["worker"], tmp_path)
    assert command[:4] == [str(ncu), "--nvtx", "--nvtx-include", "regex:flopprof@.+/"]
    assert command[-1] == "worker"
    assert "a,b" in command
    assert str(tmp_path / "counters.csv") in command


def test_a_launch_belongs_to_the_step_and_op_of_its_ranges(ncu: Path, tmp_path: Path):
    table = "\n".join(["==PROF== Connected", HEADER, UNITS, KERNEL])
    counter = NcuRecorder(path=ncu, version=None, metrics=())
    counted = settle_counted(outcome(tmp_path, table), [], counter)
    (kernel,) = counted["K"].kernels
    assert (kernel.op, kernel.kernel, kernel.metrics) == (0, "k", {"dram__bytes_read.sum": 4096.0})


def test_a_step_that_was_not_counted_says_why(ncu: Path, tmp_path: Path):
    counter = NcuRecorder(path=ncu, version=None, metrics=())
    said = "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters"
    counted = settle_counted(outcome(tmp_path, "", said=said), [], counter)
    assert counted["K"].reason is not None
    assert counted["K"].reason.startswith(
        "none of its kernels was counted: the driver lets only administrators"
    )


def test_launches_outside_the_pass_ranges_are_nobodys():
    launch = CountedLaunch(kernel="k", ranges=(("mine", "op:0"),), grid=None, block=None, metrics={})
    assert group_launches([launch]) == {}


def test_without_ncu_auto_says_so_in_one_line_and_counters_refuses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flopprof.profiler.capture.evidence.open_ncu", lambda: "ncu is not on PATH")
    monkeypatch.setattr("flopprof.profiler.capture.evidence.open_sampler", lambda: "it finds no GPU")
    said: list[str] = []
    assert choose_counter("auto", plan_of("cuda"), "nsys", said.append) is None
    assert said == ["no hardware counters: ncu is not on PATH; no GPU metrics either: it finds no GPU"]
    with pytest.raises(CountersMissing, match="--evidence none"):
        choose_counter("counters", plan_of("cuda"), "nsys", said.append)
    assert choose_counter("none", plan_of("cuda"), "nsys", said.append) is None


def test_a_run_on_the_cpu_alone_needs_no_counters_and_says_nothing():
    said: list[str] = []
    assert choose_counter("auto", plan_of("cpu"), "nsys", said.append) is None
    assert said == []


def test_words_of_ncu_become_remedies():
    assert "run as root" in explain("==ERROR== ERR_NVGPUCTRPERM - …")
    assert explain("==ERROR== Something else broke.") == "Something else broke."


def test_ncu_elsewhere_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flopprof.profiler.recorders.ncu.PLACES", ())
    assert find_ncu({"PATH": str(tmp_path)}) is None
