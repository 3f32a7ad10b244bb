"""A run recorded on an H200, half of whose CuPy kernels are then removed as if Nsight Systems had dropped them."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.codes.closed_list import CODES
from flopprof.analysis.runs.account import account_run
from flopprof.analysis.runs.results import OpResult, RunResult, StepResult
from flopprof.analysis.trace.quality import note
from flopprof.analysis.words import QualityNote, Severity
from flopprof.profiler.commands.run import RunOutcome
from flopprof.reports.document.document import Document
from flopprof.reports.run.compose import compose
from flopprof.reports.run.roof_figure import roof_figure

LOSSES = ("CUPTI dropped 117 events.", "Not all CUDA events might have been collected.")


def unpacked_run(folder: Path) -> Path:
    with tarfile.open(DATA / "h200_sum_axes.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "sum_axes"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return account_run(unpacked_run(tmp_path_factory.mktemp("whole")))


@pytest.fixture(scope="module")
def lossy(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    run = unpacked_run(tmp_path_factory.mktemp("lossy"))
    with closing(sqlite3.connect(run / "shards" / "cupy-cuda" / "trace.sqlite")) as trace, trace:
        trace.execute("DELETE FROM CUPTI_ACTIVITY_KIND_KERNEL WHERE correlationId % 2")
        trace.executemany("INSERT INTO DIAGNOSTIC_EVENT VALUES (5, 1, 1, 2, ?, 0)", [(t,) for t in LOSSES])
    return account_run(run)


@pytest.fixture(scope="module")
def report(lossy: RunResult) -> Document:
    return compose(lossy)


def steps_of(result: RunResult, backend: str) -> list[StepResult]:
    return [step for step in result.steps if step.backend == backend]


def ops_of(result: RunResult, backend: str) -> list[OpResult]:
    keys = {step.key for step in steps_of(result, backend)}
    return [op for op in result.ops if op.key in keys]


def test_without_the_loss_every_step_is_judged(whole: RunResult):
    assert all(step.costs.limit or step.costs.nearer_roof for step in whole.steps)
    assert all(step.overhead_ns is not None and step.launch_bound is not None for step in whole.steps)
    assert any(step.costs.roof_share for step in steps_of(whole, "cupy"))
    assert not [item for item in (*whole.steps, *whole.ops) if item.costs.roof_note == "lost_data"]


def test_what_takes_all_of_the_devices_work_is_unknown_of_a_lossy_trace(lossy: RunResult):
    steps = steps_of(lossy, "cupy")
    assert len(steps) == 4
    for step in steps:
        assert (step.costs.roof_share, step.costs.roof_note, step.costs.limit) == (None, "lost_data", None)
        assert (step.overhead_ns, step.launch_bound) == (None, None)
        assert step.costs.roof_source


def test_untraced_numbers_of_a_lossy_trace_stay(lossy: RunResult, whole: RunResult):
    for step, before in zip(lossy.steps, whole.steps, strict=True):
        assert step.untraced_ns == before.untraced_ns
        assert (step.costs.flops, step.costs.bytes) == (before.costs.flops, before.costs.bytes)
        assert (step.costs.tflops, step.costs.gbps) == (before.costs.tflops, before.costs.gbps)


def test_ops_of_a_lossy_trace_have_no_rates(lossy: RunResult):
    ops = ops_of(lossy, "cupy")
    assert len(ops) == 8
    for op in ops:
        costs = op.costs
        assert (costs.roof_share, costs.roof_note, costs.limit) == (None, "lost_data", None)
        assert (costs.tflops, costs.gbps) == (None, None)
        assert costs.flops
        assert op.per_rep is not None


def test_the_other_shards_of_the_run_are_judged_as_before(lossy: RunResult, whole: RunResult):
    assert steps_of(lossy, "torch") == steps_of(whole, "torch")
    assert ops_of(lossy, "torch") == ops_of(whole, "torch")


def test_the_report_says_why_there_is_no_share(report: Document):
    (cupy,) = [told for told in report.explanations if told.title == "cupy cuda float32"]
    assert (
        "No share of the roof for outer_sum axis=0, outer_sum axis=1: "
        "the trace lost device work, so the time of its kernels is too low."
    ) in cupy.sentences
    assert (
        "Where launching bounds a step is unknown: it takes untraced times and a whole trace of the GPU."
    ) in cupy.sentences


def test_the_tables_count_the_steps_that_lost_work(report: Document):
    notes = {table.name: table.notes for section in report.sections for table in section.tables}
    assert (
        "roof –, lost_data (4 of 8 steps): the trace lost device work, so the time of its kernels is too low."
    ) in notes["steps"]


def test_ops_that_lost_work_are_no_points_under_the_roof(lossy: RunResult):
    """The figure is drawn where arithmetic bounds an op: here it is made to bound PyTorch's."""
    bound = {op.key for op in ops_of(lossy, "torch")}
    ops = [
        replace(op, costs=replace(op.costs, limit="compute")) if op.key in bound else op for op in lossy.ops
    ]
    figure = roof_figure(replace(lossy, ops=tuple(ops)))
    assert figure is not None
    assert not [series.label for panel in figure.panels for series in panel.series if "cupy" in series.label]
    assert figure.caption.endswith(" Left out: 8 operations whose trace lost device work.")


@pytest.mark.parametrize("code", CODES)
def test_a_run_lost_data_by_the_rule_that_analyze_has(whole: RunResult, code: str):
    outcome = RunOutcome(folder=Path(), result=replace(whole, quality=(note(code),)))
    assert outcome.has_lost_data is CODES[code].lossy


@pytest.mark.parametrize(("severity", "lost"), [("error", True), ("warning", False), ("info", False)])
def test_a_code_of_another_version_counts_by_its_severity(whole: RunResult, severity: Severity, lost: bool):
    unknown = QualityNote(code="from_tomorrow", severity=severity, message="")
    outcome = RunOutcome(folder=Path(), result=replace(whole, quality=(unknown,)))
    assert outcome.has_lost_data is lost
