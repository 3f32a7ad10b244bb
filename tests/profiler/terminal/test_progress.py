"""The bar over a run's steps: every step that ends, however it ends, moves it once."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from drawing.scenario_steps import make_step
from flopprof.analysis.runs.folder import read_run_folder
from flopprof.analysis.runs.records import StepRecord
from flopprof.profiler.capture.run import CaptureOptions, capture_run, open_run, shards_of
from flopprof.profiler.recorders.recorder import EmbeddedRecorder
from flopprof.profiler.terminal import progress
from flopprof.profiler.terminal.progress import ProgressLines, show_progress
from flopprof.profiler.worker.job import Finished, Started
from flopprof.scenarios.operations.ops import Matvec
from flopprof.scenarios.plan.expansion import Plan, expand_plan
from flopprof.scenarios.plan.load import load_scenario
from rich.console import Console

FUNCTIONS = """\
import os, signal

def double(x): return x + x
def die(x): os.kill(os.getpid(), signal.SIGKILL)
"""
SCENARIO = """\
name: functions
variants:
{variants}
backends: [numpy]
devices: [cpu]
dtypes: [float32]
sweep: {{n: [16]}}
reps: {{count: 2, warmup: 1, max_seconds: 0.02}}
"""
VARIANT = "  {0}: [{{function: 'functions:{0}', inputs: {{x: [n, n]}}, flops: 'n**2', bytes: '8*n**2'}}]\n"


def terminal() -> Console:
    return Console(file=StringIO(), force_terminal=True, width=120)


def shown(console: Console) -> list[str]:
    """The counts that the bar showed."""
    assert isinstance(console.file, StringIO)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", " ", console.file.getvalue())
    return re.findall(r"\b\d+/\d+\b", plain)


def make_plan(folder: Path, *names: str) -> Plan:
    (folder / "functions.py").write_text(FUNCTIONS, encoding="utf-8")
    variants = "".join(VARIANT.format(name) for name in names)
    (folder / "s.yaml").write_text(SCENARIO.format(variants=variants), encoding="utf-8")
    return expand_plan(load_scenario(str(folder / "s.yaml"), ()), lambda *_: None)


def capture(plan: Plan, options: CaptureOptions) -> list[str]:
    """Run a plan under the bar; the last count that was shown."""
    console = terminal()
    with open_run(plan, options) as run:
        todo = [step for shard in shards_of(plan, options.resumed) for step in shard.steps]
        with show_progress(todo, control=options.control, all_steps=plan.steps, console=console) as listen:
            capture_run(run, plan, options, listen)
    return shown(console)[-1:]


@pytest.mark.slow
@pytest.mark.parametrize("control", [True, False])
def test_a_step_whose_worker_died_moves_the_bar_like_any_other(tmp_path: Path, control: bool):
    plan = make_plan(tmp_path, "double", "die")
    options = CaptureOptions(recorder=EmbeddedRecorder(), out=tmp_path / "run", control=control)
    assert capture(plan, options) == ["4/4" if control else "2/2"]


@pytest.mark.slow
def test_the_bar_of_a_resumed_run_is_over_what_is_left(tmp_path: Path):
    plan = make_plan(tmp_path, "double", "die")
    options = CaptureOptions(recorder=EmbeddedRecorder(), out=tmp_path / "run")
    capture(plan, options)
    resumed = CaptureOptions(recorder=EmbeddedRecorder(), resumed=read_run_folder(tmp_path / "run"))
    assert capture(plan, resumed) == ["2/2"]


def test_a_step_that_is_run_again_counts_once():
    step, console = make_step(Matvec(), n=8), terminal()
    done = Finished(record=StepRecord(key=step.key, status="done"))
    failed = Finished(record=StepRecord(key=step.key, status="failed", reason="because"))
    with show_progress([step], control=True, all_steps=[step], console=console) as listen:
        for message in (Started(key=step.key), done, Started(key=step.key), done):
            listen("control", message)
        listen("traced", failed)
    assert shown(console)[-1] == "2/2"


def test_a_step_that_failed_untraced_is_not_waited_for():
    step, console = make_step(Matvec(), n=8), terminal()
    failed = Finished(record=StepRecord(key=step.key, status="failed", reason="because"))
    with show_progress([step], control=True, all_steps=[step], console=console) as listen:
        listen("control", failed)
    assert shown(console)[-1] == "2/2"


def test_without_a_terminal_a_long_run_says_a_line_for_each_step_and_a_short_one_none():
    steps = {step.key: step for step in (make_step(Matvec(), n=n) for n in (4, 8, 16))}
    said: list[str] = []
    now = [0.0]
    labels = {key: step.label for key, step in steps.items()}
    lines = ProgressLines(labels=labels, total=3, control=False, say=said.append, clock=lambda: now[0])
    for at, key in enumerate(steps):
        now[0] = at * 3.0
        status = "failed" if at == 1 else "done"
        lines.listen("traced", Finished(record=StepRecord(key=key, status=status)))
        assert len(said) == (0 if at < 2 else 3)
    one, two, three = labels.values()
    assert said == [f"1/3 {one}: done", f"2/3 {two}: failed", f"3/3 {three}: done"]


def test_the_lines_of_a_resumed_run_count_what_is_left(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)
    steps = [make_step(Matvec(), n=n) for n in (4, 8, 16)]
    said: list[str] = []
    console = Console(file=StringIO(), force_terminal=False)
    with show_progress(steps[2:], control=False, all_steps=steps, console=console, say=said.append) as listen:
        listen("traced", Finished(record=StepRecord(key=steps[2].key, status="done")))
    assert said == [f"1/1 {steps[2].label}: done"]
