"""A run's explanations: every step against its reference, closed, with causes under their panel."""

from __future__ import annotations

import math
import tarfile
from dataclasses import replace

import pytest
from drawing.report_samples import cpu_run, gpu_run, lossy_run
from drawing.tree import DATA
from flopprof.analysis.compare.compare import compare_by
from flopprof.analysis.evidence.counters import Counters
from flopprof.analysis.evidence.cpu_use import CpuUse
from flopprof.analysis.runs.account import account_run
from flopprof.analysis.runs.results import RunResult
from flopprof.reports.comparison.compose import compose_comparison
from flopprof.reports.run.compose import compose


@pytest.fixture(scope="module")
def h200(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """CuPy and torch, outer product and sum over either axis, recorded on an H200 without counters."""
    folder = tmp_path_factory.mktemp("h200")
    with tarfile.open(DATA / "h200_sum_axes.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return account_run(folder / "sum_axes")


def test_the_axis_that_is_slow_on_an_h200_is_underfilled(h200: RunResult):
    document = compose(h200)
    assert document.verdicts[0].endswith(
        "; 0.453× = 0.440× by bandwidth (2022 GB/s against 889 GB/s: sum is underfilled) × 1.03× by the rest."
    )
    assert document.explanations[0].sentences[0] == (
        "cupy_sum (sum of outer_sum axis=0): underfilled: 125 blocks fill 23.7 % of 528 slots, so that too little of "
        "the GPU works, 13.6 % of the memory's roof; 69.0 % of the rep, up to 94.6 % of the difference."
    )
    assert document.explanations[0].sentences[-1] == (
        "outer_sum axis=0: not measured: what the kernels move and execute; flopprof run with --evidence counters "
        "(Nsight Compute) counts it."
    )


def test_every_step_but_the_reference_is_explained_and_closes(h200: RunResult):
    found = compose(h200).data["explanations"]
    assert len(found) == len([step for step in h200.steps if step.params["axis"] == 1])
    for one in found:
        assert math.isclose(math.prod(f["ratio"] for f in one["factors"]), one["ratio"], rel_tol=1e-9)
    assert [factor["name"] for factor in found[-1]["factors"]] == [
        "least_bytes",
        "excess",
        "bandwidth",
        "exposure",
    ]
    assert (found[-1]["factors"][1]["ratio"], found[-1]["factors"][1]["a"]) == (1.0, None)


def test_a_comparison_of_the_axes_says_the_same(h200: RunResult):
    document = compose_comparison(compare_by(h200, "axis"))
    panel = document.explanations[0]
    assert panel.title == "outer_sum cupy cuda float32 n=4000: axis=0 → axis=1"
    assert panel.sentences[0].startswith(
        "Ratio B / A: 0.453× = 0.440× by bandwidth (2022 GB/s against 889 GB/s: sum is"
    )
    assert panel.sentences[1].startswith(
        "cupy_sum (sum of axis=0): underfilled: 125 blocks fill 23.7 % of 528 slots"
    )
    for one in document.data["explanations"]:
        assert math.isclose(math.prod(f["ratio"] for f in one["factors"]), one["ratio"], rel_tol=1e-9)
    causes = [cause for one in document.data["explanations"] for cause in one["causes"]]
    assert {(cause["code"], cause["side"]) for cause in causes if cause["op"]} == {
        ("underfilled", "a"),
        ("underfilled", "b"),
    }


def test_a_run_against_itself_has_factors_of_1_and_no_cause(h200: RunResult):
    twins = tuple(
        replace(step, key=f"{step.key}-{twin}", variant=twin)
        for step in h200.steps
        if step.params["axis"] == 0
        for twin in ("one", "other")
    )
    ops = tuple(replace(op, key=f"{op.key}-{twin}") for op in h200.ops for twin in ("one", "other"))
    found = compose(replace(h200, steps=twins, ops=ops)).data["explanations"]
    assert found
    assert {factor["ratio"] for one in found for factor in one["factors"]} == {1.0}
    assert [cause for one in found for cause in one["causes"]] == []


def test_counted_bytes_part_excess_from_bandwidth():
    whole = gpu_run()
    steps = tuple(
        replace(
            step,
            counters=Counters(
                source="ncu",
                dram_read_bytes=(step.costs.bytes or 0) * (1.5 if step.variant == "outer_sum" else 1.0),
                dram_write_bytes=0.0,
            ),
        )
        for step in whole.steps
    )
    said = compose(replace(whole, steps=steps)).verdicts[0]
    assert said.endswith(
        "; 4.85× = 2.00× by least bytes (3.20 GB against 1.60 GB) × 1.63× by bandwidth (2472 GB/s against 4040 GB/s) "
        "× 1.50× by bytes moved over the least (1.50× against 1.00×) × 0.990× by the rest."
    )


def test_the_systems_time_is_a_factor_of_the_cpu():
    def charge(wall: float, user: float, system: float, faults: float) -> CpuUse:
        return CpuUse(
            wall_ns=wall,
            user_ns=user,
            system_ns=system,
            minor_faults=faults,
            major_faults=0.0,
            voluntary_switches=0.0,
            involuntary_switches=0.0,
            page_bytes=4096,
            cores_allowed=2,
        )

    whole = cpu_run()
    steps = tuple(
        replace(
            step,
            cpu=charge(165e6, 60e6, 140e6, 390_000.0)
            if step.variant == "outer_sum"
            else charge(17.8e6, 30e6, 0.1e6, 0.0),
        )
        for step in whole.steps
    )
    document = compose(replace(whole, steps=steps))
    assert "2.32× by" not in document.verdicts[0]
    assert "by CPU time over user time (3.33× against 1.00×)" in document.verdicts[0]
    assert (
        document.explanations[0]
        .sentences[0]
        .startswith(
            "outer_sum: page faults: 390000 a rep; the system takes 70.0 % of its CPU time; 70.0 % of the rep, "
            "up to 78.5 % of the difference."
        )
    )


def test_of_a_trace_that_lost_work_no_kernel_is_blamed_and_no_time_called_exposed():
    found = compose(lossy_run()).data["explanations"]
    lost = [one for one in found if "cupy-cuda" in one["a"]]
    assert {cause["code"] for one in lost for cause in one["causes"]} == {"not_measured"}
    assert [one["factors"][-1] for one in lost] == [
        {"name": "exposure", "ratio": 1.0, "a": None, "b": None} for _ in lost
    ]


def test_what_was_counted_of_an_op_stands_beside_its_least():
    whole = gpu_run()
    counters = Counters(
        source="ncu", dram_read_bytes=1e9, dram_write_bytes=7e8, executed_flops=13.6e9, warps_pct=36.0
    )
    document = compose(replace(whole, ops=(replace(whole.ops[4], counters=counters),)))
    (table,) = (section.tables[0] for section in document.sections if section.name == "ops")
    cells = dict(zip([column.key for column in table.columns], table.rows[0].cells, strict=True))
    assert (cells["executed"], cells["moved"], cells["warps"]) == (13.6e9, 1.7e9, 0.36)
    assert "system" not in cells
    assert any(note.startswith("executed, moved:") for note in table.notes)
