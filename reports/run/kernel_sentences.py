"""Which kernels a step's time lies in, and which kernel took another's place, as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from ...analysis.compare.kernel_pairs import KernelPair, KernelUse, pair_kernels
from ...analysis.compare.measured import MeasuredOp
from ...analysis.runs.results import OpResult, StepResult
from ..contest.sweep import Sweep
from ..document.launches import describe_fill
from ..document.names import clean, fold_kernel_name
from ..document.numbers import format_value
from ..document.tables import format_dims

_WIDTH = 48

_LEAST_CHANGE = 1.02

_MOST_NAMED = 4


def tell_kernels(step: StepResult, ops: Sequence[OpResult], sweep: Sweep) -> str | None:
    """How a step's kernel time falls to its ops.

    ``outer_sum: 1942 µs in kernels; sum 57.0 % (cupy_sum), outer 43.0 % (Kernel2<…>).``
    """
    total = step.per_rep.kernel_ns if step.per_rep is not None else None
    times = {at: op.per_rep.kernel_ns for at, op in enumerate(ops) if op.per_rep and op.per_rep.kernel_ns}
    if not total or not times:
        return None
    parts = [
        f"{clean(ops[at].op)} {format_value(time / total, 'percent')} ({_name_kernels(ops[at])})"
        for at, time in sorted(times.items(), key=lambda item: -item[1])[:_MOST_NAMED]
    ]
    return f"{sweep.line_text(step)}: {format_value(total, 'time')} in kernels; {', '.join(parts)}."


def _name_kernels(op: OpResult) -> str:
    kernels = sorted(op.kernels, key=lambda kernel: -kernel.total_ns)
    if not kernels:
        return "kernels unknown"
    more = f" and {len(kernels) - 1} more" if len(kernels) > 1 else ""
    launch = max(kernels[0].launches, key=lambda launch: launch.total_ns, default=None)
    fill = describe_fill(launch) if launch and launch.underfilled else None
    return fold_kernel_name(kernels[0].kernel, _WIDTH) + (f", {fill}" if fill else "") + more


def tell_substitutions(
    steps: Sequence[StepResult], ops: dict[str, list[OpResult]], sweep: Sweep
) -> list[str]:
    """Between steps that run the same ops: each kernel that gave way to another or changed its template."""
    told: dict[str, None] = {}
    for a, b in combinations([step for step in steps if ops.get(step.key)], 2):
        if [op.op for op in ops[a.key]] != [op.op for op in ops[b.key]]:
            continue
        for pair in pair_kernels(_measure(a, ops), _measure(b, ops)):
            if pair.a is not None and pair.b is not None and pair.kind in ("substituted", "template"):
                told[_tell_pair(pair, pair.a, pair.b, (sweep.line_text(a), sweep.line_text(b)))] = None
    return list(told)


def _measure(step: StepResult, ops: dict[str, list[OpResult]]) -> list[MeasuredOp]:
    return [
        MeasuredOp(op=op.op, executions=step.traced_reps or 1, bytes=op.costs.bytes, kernels=op.kernels)
        for op in ops[step.key]
    ]


def _tell_pair(pair: KernelPair, a: KernelUse, b: KernelUse, lines: tuple[str, str]) -> str:
    verb = "became" if pair.kind == "substituted" else "is one template with"
    return (
        f"{clean(pair.op)}: {_describe(a, lines[0])} {verb} {_describe(b, lines[1])}; "
        f"{format_value(a.ns, 'time')} against {format_value(b.ns, 'time')}{_tell_change(pair.ratio)}."
    )


def _describe(use: KernelUse, line: str) -> str:
    """The kernel with the step it is of and the shape it is launched in."""
    name = fold_kernel_name(use.kernel, _WIDTH)
    launch = use.launches[0] if use.launches else None
    shape = f", grid {format_dims(launch.grid)}, block {format_dims(launch.block)}" if launch else ""
    fill = describe_fill(launch) if launch else None
    return f"{name} ({line}{shape}{f', {fill}' if fill else ''})"


def _tell_change(ratio: float | None) -> str:
    if ratio is None:
        return ""
    if max(ratio, 1 / ratio) < _LEAST_CHANGE:
        return ", within 2 %"
    return f", {format_value(max(ratio, 1 / ratio), 'ratio')} {'faster' if ratio < 1 else 'slower'}"
