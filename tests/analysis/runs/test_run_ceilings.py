"""A run recorded on an H200, accounted under a memory ceiling that is too low."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from pathlib import Path

from drawing.report_samples import gpu_run
from drawing.tree import DATA
from flopprof.analysis.runs.account import account_run
from flopprof.analysis.runs.quality import list_step_notes
from flopprof.analysis.runs.results import Costs, OpResult, StepResult

BYTES_OF_SUM = (4000 * 4000 + 4000) * 4


def lowered(folder: Path, factor: float) -> Path:
    """The run with its measured bandwidths times a factor."""
    with tarfile.open(DATA / "h200_sum_axes.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    path = folder / "sum_axes" / "ceilings.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    for ceiling in stored["ceilings"]:
        for name in ("copy_bytes_per_s", "read_bytes_per_s", "write_bytes_per_s"):
            ceiling[name] *= factor
    path.write_text(json.dumps(stored), encoding="utf-8")
    return folder / "sum_axes"


def test_an_op_above_its_ceiling_is_warned_of_though_its_step_is_below(tmp_path: Path):
    run = account_run(lowered(tmp_path, 0.55))
    assert not [step for step in run.steps if step.costs.roof_note == "above_ceiling"]
    (above,) = [op for op in run.ops if op.costs.roof_note == "above_ceiling"]
    (said,) = [note for note in run.quality if note.code == "above_ceiling"]
    assert (said.severity, said.count) == ("warning", 1)
    assert said.message.endswith(
        f"(sum of outer_sum cupy cuda float32 n=4000 axis=1; {above.costs.roof_source}; {BYTES_OF_SUM} B)"
    )
    assert "2.53 TB/s (write)" in said.message


def test_a_step_of_one_op_is_warned_of_once():
    (told,) = list_step_notes([fast_step("matvec")], [fast_op("matvec", "matvec", 0)], [])
    assert (told.code, told.count) == ("above_ceiling", 1)
    assert "(matvec cupy" in told.message


def test_an_op_of_several_counts_beside_its_step():
    ops = [
        fast_op("outer_sum", "outer", 0),
        replace(fast_op("outer_sum", "sum", 1), costs=Costs(flops=1, bytes=1)),
    ]
    (told,) = list_step_notes([fast_step("outer_sum")], ops, [])
    assert told.count == 2
    assert "(outer_sum cupy" in told.message


def fast_step(variant: str) -> StepResult:
    step = next(step for step in gpu_run().steps if step.variant == variant)
    fast = replace(step.costs, roof_note="above_ceiling", roof_share=None)
    return replace(step, key=variant, costs=fast, slowdown=1.0)


def fast_op(key: str, name: str, index: int) -> OpResult:
    costs = Costs(flops=1, bytes=1, roof_source="a sheet", roof_note="above_ceiling")
    return OpResult(key=key, index=index, op=name, costs=costs, times=None, per_rep=None)
