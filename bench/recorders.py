"""Two recordings of one program, by different recorders: the same kernels, the same owners, the same times?

python bench/recorders.py RUN_BY_NSYS RUN_WITHOUT     two runs of one scenario, step by step
python bench/recorders.py A.sqlite B.sqlite           two traces of one program, kernel by kernel
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from flopprof.analysis.breakdown.analyze import Analysis, analyze_file
from flopprof.analysis.breakdown.kernel_names import unify_spelling
from flopprof.analysis.runs.account import account_run
from flopprof.analysis.runs.results import OpResult, RunResult, StepResult

Owners = Counter[tuple[tuple[str, ...], str]]


def main(first: Path, second: Path) -> int:
    """Print the tables; 1 where anything is more than one percent apart or has another owner."""
    same = compare_runs(first, second) if (first / "plan.json").exists() else compare_traces(first, second)
    print("\nall within 1 %, all owners the same" if same else "\nNOT the same")
    return 0 if same else 1


def compare_runs(first: Path, second: Path) -> bool:
    """Kernel times of every op, slowdowns of every step, owners in every shard."""
    sides = account_run(first), account_run(second)
    for side in sides:
        print(f"{side.run.recorder}: {side.run.recorder_note or '-'}; passes {side.pass_seconds}")
        for note in side.quality:
            print(f"    {note.severity} {note.code}: {note.message}")
    same = compare_steps(*sides)
    for shard in sorted(path.parent.name for path in first.glob("shards/*-cuda/trace.sqlite")):
        print(f"\n{shard}")
        traces = (side / "shards" / shard / "trace.sqlite" for side in (first, second))
        same &= compare_traces(*traces, below="measure")
    return same


def compare_steps(first: RunResult, second: RunResult) -> bool:
    """A line for each op of each step on a device."""
    heads = ("kernel µs", "kernel µs", "ratio", "idle µs", "idle µs", "slowdowns")
    print(f"\n{'step':44} {'op':8}" + "".join(f"{head:>11}" for head in heads))
    theirs, steps = index_ops(second), {step.key: step for step in second.steps}
    same = True
    for step, op in ops_of(first):
        other = theirs.get((op.key, op.index))
        if step.device != "cuda" or op.per_rep is None or op.per_rep.kernel_ns is None:
            continue
        kernels = [one.kernel_sum_ns for one in (op, other) if one is not None and one.kernel_sum_ns]
        if len(kernels) < 2 or other is None or other.per_rep is None:
            print(f"{step.label:44} {op.op:8} {'missing':>11}")
            same = False
            continue
        reps = step.traced_reps or 1, steps[step.key].traced_reps or 1
        mine, its = (kernel / count / 1000 for kernel, count in zip(kernels, reps, strict=True))
        same &= abs(its / mine - 1) <= 0.01
        idle = (op.per_rep.idle_ns or 0) / 1000, (other.per_rep.idle_ns or 0) / 1000
        slow = step.slowdown or 0, steps[step.key].slowdown or 0
        numbers = (mine, its, its / mine, *idle, *slow)
        print(f"{step.label:44} {op.op:8}" + "".join(f"{number:11.4f}" for number in numbers))
    return same


def ops_of(run: RunResult) -> Iterator[tuple[StepResult, OpResult]]:
    """Ops with their steps."""
    steps = {step.key: step for step in run.steps}
    yield from ((steps[op.key], op) for op in run.ops)


def index_ops(run: RunResult) -> dict[tuple[str, int], OpResult]:
    """Ops by step and place."""
    return {(op.key, op.index): op for op in run.ops}


def compare_traces(first: Path, second: Path, below: str = "") -> bool:
    """Kernel totals by name, and how often each path of ranges owns each kernel."""
    sides = analyze_file(first), analyze_file(second)
    for path, side in zip((first, second), sides, strict=True):
        print(
            f"{path}: {side.device_ns / 1e6:.3f} ms of device work, {side.unattributed_ns / 1e6:.3f} unattributed"
        )
        for note in side.quality:
            print(f"    {note.severity} {note.code}: {note.message} ×{note.count}")
    owners = [count_owned(side, below) for side in sides]
    same = compare_kernels(*(total_kernels(side, below) for side in sides))
    for path, kernel in sorted((owners[0] | owners[1]).keys()):
        mine, its = (side[path, kernel] for side in owners)
        if mine != its:
            same = False
            print(f"owner {'/'.join(path)}: {mine} and {its} of {kernel[:70]}")
    print(
        f"owners: {sum(owners[0].values())} and {sum(owners[1].values())} launches in {len(owners[0])} places"
    )
    return same


def compare_kernels(first: dict[str, tuple[int, int]], second: dict[str, tuple[int, int]]) -> bool:
    """A line for each kernel by its name."""
    print(f"{'kernel':70} {'launches':>9} {'launches':>9} {'total µs':>11} {'total µs':>11} {'ratio':>8}")
    same = True
    for name in sorted(first.keys() | second.keys(), key=lambda one: -first.get(one, (0, 0))[1]):
        (count, total), (its_count, its_total) = first.get(name, (0, 0)), second.get(name, (0, 0))
        ratio = its_total / total if total else float("inf")
        same &= count == its_count and abs(ratio - 1) <= 0.01
        print(
            f"{name[:70]:70} {count:9} {its_count:9} {total / 1e3:11.2f} {its_total / 1e3:11.2f} {ratio:8.4f}"
        )
    return same


def total_kernels(analysis: Analysis, below: str) -> dict[str, tuple[int, int]]:
    """Launches and ns of each kernel: of all, or of those in ranges of one name."""
    if not below:
        rows = [(row.kernel, row.instances, row.total_ns) for row in analysis.kernels]
    else:
        rows = [
            (row.kernel, row.instances, row.total_ns) for row in analysis.range_kernels if row.range == below
        ]
    found: dict[str, tuple[int, int]] = {}
    for kernel, instances, total_ns in rows:
        count, total = found.get(unify_spelling(kernel), (0, 0))
        found[unify_spelling(kernel)] = (count + instances, total + total_ns)
    return found


def count_owned(analysis: Analysis, below: str) -> Owners:
    """How many launches of each kernel each path of ranges has."""
    owners: Owners = Counter()
    for row in analysis.range_kernels:
        path = (row.path,) if isinstance(row.path, str) else tuple(row.path)
        if not below or below in path:
            owners[path, unify_spelling(row.kernel)] += row.instances
    return owners


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
