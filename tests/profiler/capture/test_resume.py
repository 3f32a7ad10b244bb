"""A run taken up again: what is done stays as it is, the rest is run, and nothing that changed is mixed in."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from drawing.draws import one_in
from flopprof.analysis.runs.folder import read_run_folder
from flopprof.analysis.runs.lock import hold_folder
from flopprof.analysis.runs.records import Machine
from flopprof.profiler.capture.resume import asked_scenario, machine_changes, scenario_changes, skip_changes
from flopprof.scenarios.plan.expansion import Plan, expand_plan
from flopprof.scenarios.plan.load import load_scenario
from running.commands import run_here

FUNCTIONS = """\
import os
import numpy as np

def double(x): return x + x
def doubled(x): return x + x
def once(x):
    if os.path.exists("fail"): raise RuntimeError("not yet")
    return x + x
"""
VARIANT = "  {0}: [{{function: 'functions:{0}', inputs: {{x: [n, n]}}, flops: 'n**2', bytes: '8*n**2'}}]\n"
SCENARIO = """\
name: functions
variants:
{variants}
backends: [numpy]
devices: [cpu]
dtypes: [float32]
sweep: {{n: [{sizes}]}}
reps: {{count: {count}, warmup: 1, max_seconds: 0.02}}
"""


def write_scenario(folder: Path, *names: str, sizes: str = "16", count: int = 5) -> None:
    (folder / "functions.py").write_text(FUNCTIONS, encoding="utf-8")
    variants = "".join(VARIANT.format(name) for name in names)
    text = SCENARIO.format(variants=variants, sizes=sizes, count=count)
    (folder / "s.yaml").write_text(text, encoding="utf-8")


def flopprof(folder: Path, *arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "flopprof.profiler", *arguments, "--store", "store"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code in (0, 3) else done.stderr


def refused(folder: Path, *arguments: str) -> str:
    """What it says where it does not begin."""
    return run_here("run", *arguments, "--store", "store", code=2, folder=folder)[1]


def only_run(folder: Path) -> Path:
    (run,) = (folder / "store").glob("functions-*")
    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario of two steps and its complete run."""
    folder = tmp_path_factory.mktemp("made")
    write_scenario(folder, "double", "doubled")
    flopprof(folder, "run", "s.yaml", "--recorder", "embedded")
    return folder


@pytest.fixture
def run(tmp_path: Path, made: Path) -> Path:
    """That run, in a folder of this test's own; its store has no database yet."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("flopprof.db*"))
    return only_run(tmp_path)


def digests(run: Path) -> dict[str, str]:
    files = [path for path in (run / "shards").rglob("*") if path.is_file()]
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def set_status(run: Path, status: str) -> None:
    set_info(run, status=status)


def set_info(run: Path, **values: Any) -> None:
    plan = json.loads((run / "plan.json").read_text())
    plan["run"] |= values
    (run / "plan.json").write_text(json.dumps(plan))


def forget_step(run: Path, index: int) -> None:
    """As if the run had been killed after a part without this step was published."""
    control = run / "shards" / "numpy-cpu" / "control.json"
    record = json.loads(control.read_text())
    del record["steps"][index]
    control.write_text(json.dumps(record))
    set_status(run, "interrupted")


def listed(folder: Path) -> dict[str, Any]:
    (run,) = json.loads(flopprof(folder, "runs", "--json"))["runs"]
    return run


@pytest.mark.slow
def test_only_what_is_not_done_is_run_and_in_a_new_shard(tmp_path: Path, run: Path) -> None:
    forget_step(run, 1)
    assert (listed(tmp_path)["status"], listed(tmp_path)["done"]) == ("interrupted", 1)
    before = digests(run)
    report = json.loads(flopprof(tmp_path, "run", "--resume", "latest", "--json"))
    assert [(s["variant"], s["status"], s["shard"]) for s in report["steps"]] == [
        ("double", "done", "numpy-cpu"),
        ("doubled", "done", "numpy-cpu-2"),
    ]
    after = digests(run)
    assert {name: after[name] for name in before} == before
    assert sorted(set(after) - set(before)) == [
        "shards/numpy-cpu-2/control.json",
        "shards/numpy-cpu-2/trace.sqlite",
    ]
    record = json.loads((run / "shards" / "numpy-cpu-2" / "control.json").read_text())
    assert ([s["key"] for s in record["steps"]], record["part"]) == ([report["steps"][1]["key"]], 2)
    assert (listed(tmp_path)["status"], listed(tmp_path)["done"]) == ("complete", 2)
    assert json.loads((run / "plan.json").read_text())["run"]["status"] == "complete"


@pytest.mark.slow
def test_a_run_whose_steps_are_all_done_is_only_completed(tmp_path: Path, run: Path) -> None:
    (run / "report.txt").unlink()
    set_status(run, "interrupted")
    before = digests(run)
    flopprof(tmp_path, "run", "--resume", run.name)
    assert digests(run) == before
    assert (run / "report.txt").exists()
    assert listed(tmp_path)["status"] == "complete"


@pytest.mark.slow
def test_a_quiet_run_says_what_failed(tmp_path: Path) -> None:
    write_scenario(tmp_path, "double", "once")
    (tmp_path / "fail").touch()
    command = [sys.executable, "-m", "flopprof.profiler", "run", "s.yaml", "--recorder", "embedded", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("\n")) == (3, 1)
    assert done.stderr == "once numpy cpu float32 n=16 failed: RuntimeError: not yet\n"


@pytest.mark.slow
def test_failed_steps_are_run_again_and_the_last_word_counts(tmp_path: Path) -> None:
    write_scenario(tmp_path, "double", "once")
    (tmp_path / "fail").touch()
    flopprof(tmp_path, "run", "s.yaml", "--recorder", "embedded", code=3)
    run = only_run(tmp_path)
    assert (listed(tmp_path)["done"], listed(tmp_path)["failed"]) == (1, 1)
    flopprof(tmp_path, "run", "--resume", run.name, code=3)
    assert sorted(path.name for path in (run / "shards").iterdir()) == ["numpy-cpu", "numpy-cpu-2"]
    (tmp_path / "fail").unlink()
    flopprof(tmp_path, "run", "--resume", run.name)
    assert (listed(tmp_path)["done"], listed(tmp_path)["failed"]) == (2, 0)


def test_the_tenth_part_comes_after_the_second(run: Path) -> None:
    for part in (10, 2):
        record = json.loads((run / "shards" / "numpy-cpu" / "control.json").read_text()) | {"part": part}
        (run / "shards" / f"numpy-cpu-{part}").mkdir()
        (run / "shards" / f"numpy-cpu-{part}" / "control.json").write_text(json.dumps(record))
    assert [shard.record.part for shard in read_run_folder(run).shards] == [1, 2, 10]


def test_a_complete_run_has_nothing_to_resume(tmp_path: Path, run: Path) -> None:
    assert refused(tmp_path, "--resume", "latest") == (
        f"flopprof: store/{run.name}: cannot be resumed: all its steps are done\n"
    )


def test_a_changed_scenario_is_refused_with_what_changed(tmp_path: Path, run: Path) -> None:
    forget_step(run, 1)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    write_scenario(tmp_path, "double", "once", count=7)
    message = refused(tmp_path, "--resume", "latest")
    assert message == (
        f"flopprof: store/{run.name}: cannot be resumed: since it began this has changed: "
        "step doubled numpy cpu float32 n=16 is gone; step once numpy cpu float32 n=16 is new; "
        "reps.count 5 → 7; start a new run\n"
    )
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_another_recorder_is_refused(tmp_path: Path, run: Path) -> None:
    forget_step(run, 1)
    set_info(run, recorder="nsys")
    message = refused(tmp_path, "--resume", "latest", "--recorder", "embedded")
    assert message == (
        f"flopprof: store/{run.name}: cannot be resumed: --recorder embedded, but it was recorded with "
        "--recorder nsys; leave --recorder embedded out\n"
    )


@pytest.mark.parametrize(
    ("recorded", "option", "says"),
    one_in(
        3,
        [
            ({}, "--no-control", "--no-control, but it was recorded with the untraced pass"),
            ({}, "--interleave", "--interleave, but it was recorded with the steps in the order of the plan"),
            ({"control": False}, "--interleave", "--interleave, but it was recorded with --no-control"),
            ({}, "--recorder=nsys", "--recorder nsys, but it was recorded with --recorder embedded"),
            ({}, "--set=reps.count=7", "reps.count 5 → 7"),
            ({}, "--set=n=24", "step doubled numpy cpu float32 n=16 is gone"),
        ],
    ),
)
def test_an_option_that_contradicts_the_run_is_refused(
    tmp_path: Path, run: Path, recorded: dict[str, Any], option: str, says: str
) -> None:
    forget_step(run, 1)
    set_info(run, **recorded)
    message = refused(tmp_path, "--resume", "latest", option)
    assert says in message and message.count("\n") == 1
    assert not (run / "shards" / "numpy-cpu-2").exists()


@pytest.mark.slow
def test_options_that_say_what_was_recorded_are_fine(tmp_path: Path) -> None:
    write_scenario(tmp_path, "double", "doubled")
    same = ("--recorder", "embedded", "--no-control")
    flopprof(tmp_path, "run", "s.yaml", *same, "--set", "n=24", "--set", "reps.count=6")
    run = only_run(tmp_path)
    forget_step(run, 1)
    again = flopprof(tmp_path, "run", "s.yaml", "--resume", run.name, *same, "--set", "n=24", "--json")
    assert [step["status"] for step in json.loads(again)["steps"]] == ["done", "done"]
    shutil.rmtree(run / "shards" / "numpy-cpu-2")
    set_info(run, status="interrupted", control=True, order="interleaved")
    flopprof(tmp_path, "run", "--resume", run.name, "--interleave")
    assert json.loads((run / "plan.json").read_text())["run"]["order"] == "interleaved"


def test_a_run_that_is_being_written_is_not_resumed(tmp_path: Path, run: Path) -> None:
    forget_step(run, 1)
    with hold_folder(run):
        message = refused(tmp_path, "--resume", f"store/{run.name}")
    assert message.splitlines()[-1] == (
        f"flopprof: store/{run.name}: another flopprof is writing this run; wait until it has ended"
    )


def test_a_run_or_a_scenario_is_needed_and_no_other_folder(tmp_path: Path) -> None:
    for arguments in ([], ["s.yaml", "--resume", "latest", "--out", "x"]):
        assert "give a SCENARIO, or --resume RUN" in refused(tmp_path, *arguments)


@pytest.mark.slow
def test_a_run_outside_the_store_is_resumed_by_its_folder(tmp_path: Path, run: Path) -> None:
    forget_step(run, 0)
    run.rename(tmp_path / "elsewhere")
    report = json.loads(flopprof(tmp_path, "run", "--resume", "elsewhere", "--json"))
    assert [step["status"] for step in report["steps"]] == ["done", "done"]
    assert list((tmp_path / "store").iterdir()) == []


# What changed, piece by piece


def plan_of(tmp_path: Path, *names: str, sizes: str = "16", count: int = 5) -> Plan:
    write_scenario(tmp_path, *names, sizes=sizes, count=count)
    return expand_plan(load_scenario(tmp_path / "s.yaml"), lambda *_: None)


def test_an_equal_scenario_has_no_changes_whatever_its_order(tmp_path: Path) -> None:
    one = plan_of(tmp_path, "double", "doubled", sizes="16, 32")
    other = plan_of(tmp_path, "doubled", "double", sizes="32, 16")
    assert list(scenario_changes(one.steps, other.steps)) == []


def test_a_change_of_many_steps_is_told_once(tmp_path: Path) -> None:
    one = plan_of(tmp_path, "double", "doubled", sizes="16, 32, 48")
    other = plan_of(tmp_path, "double", "doubled", sizes="16, 32, 48", count=9)
    assert list(scenario_changes(one.steps, other.steps)) == ["reps.count 5 → 9"]


def test_a_renamed_variant_is_a_change(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "double")
    renamed = (replace(plan.steps[0], variant="twice"),)
    assert list(scenario_changes(plan.steps, renamed)) == ["variant double → twice"]


def test_another_name_and_another_baseline_are_changes(tmp_path: Path, run: Path) -> None:
    forget_step(run, 1)
    write_scenario(tmp_path, "double", "doubled")
    text = (tmp_path / "s.yaml").read_text().replace("name: functions", "name: functions-2")
    (tmp_path / "s.yaml").write_text(text + "baseline: double\n")
    message = refused(tmp_path, "--resume", "latest")
    assert "has changed: name functions → functions-2; baseline none → double; start a new run" in message


def test_what_cannot_run_any_more_says_why(tmp_path: Path, run: Path) -> None:
    plan = plan_of(tmp_path, "double")
    before = read_run_folder(run).plan
    now = replace(plan, steps=(), skipped=(("numpy cpu", "numpy is not installed"),))
    assert list(skip_changes(before, now)) == ["numpy cpu cannot run (numpy is not installed)"]


def machine(**changed: Any) -> Machine:
    facts: dict[str, Any] = {
        "system": "Linux 6",
        "cpu": "EPYC",
        "cores": 2,
        "memory_bytes": 8,
        "python": "3.11",
        "versions": {"numpy": "2.4", "torch": "2.13"},
    }
    return Machine(**facts | changed)


def test_other_hardware_and_other_versions_are_changes() -> None:
    now = machine(cpu="Xeon", cores=4, versions={"numpy": "2.5", "cupy": "14"})
    assert list(machine_changes(machine(), now)) == ["cpu EPYC → Xeon", "cores 2 → 4", "numpy 2.4 → 2.5"]


def test_memory_and_kernel_are_no_changes() -> None:
    assert list(machine_changes(machine(), machine(memory_bytes=9, system="Linux 7"))) == []


@pytest.mark.parametrize(
    ("then", "now", "changes"),
    [
        ("2.11.0+cu130", "2.11.0", []),
        ("2.11.0+cu130", "2.11.1", ["torch 2.11.0+cu130 → 2.11.1"]),
        ("2.11.0+cu130", "2.11.0+cpu", ["torch 2.11.0+cu130 → 2.11.0+cpu"]),
    ],
)
def test_torch_says_more_of_its_version_than_its_package_does(then: str, now: str, changes: list[str]):
    """A run keeps what torch says; before it goes on only the package is asked, and PyPI's names no CUDA."""
    before, after = (machine(versions={"torch": version}) for version in (then, now))
    assert list(machine_changes(before, after)) == changes


@pytest.mark.slow
def test_the_scenario_and_its_overrides_are_those_of_the_run(tmp_path: Path) -> None:
    write_scenario(tmp_path, "double")
    flopprof(tmp_path, "run", "s.yaml", "--recorder", "embedded", "--set", "n=24", "--set", "reps.count=6")
    run = only_run(tmp_path)
    assert asked_scenario(read_run_folder(run).plan) == ("s.yaml", ("n=24", "reps.count=6"))
    set_status(run, "interrupted")
    shutil.rmtree(run / "shards" / "numpy-cpu")
    report = json.loads(flopprof(tmp_path, "run", "--resume", run.name, "--json"))
    assert [(s["params"], s["status"]) for s in report["steps"]] == [({"n": 24}, "done")]
