"""Up to which size launching, not computing, sets a step's time.

A step is launch-bound while its overhead (untraced time minus busy device time) is over 10 % of its untraced
time (design §5).
"""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.runs.results import StepResult
from ...analysis.runs.roof import LAUNCH_BOUND_SHARE
from ..contest.sweep import Sweep
from ..document.numbers import format_value


def tell_launch_region(steps: Sequence[StepResult], sweep: Sweep) -> list[str]:
    """A sentence per line of a panel; on the CPU, which launches nothing, none."""
    if all(step.device == "cpu" for step in steps):
        return []
    lines: dict[str, list[StepResult]] = {}
    for step in steps:
        if _share(step) is not None:
            lines.setdefault(sweep.line_text(step), []).append(step)
    if not lines:
        return [
            "Where launching bounds a step is unknown: it takes untraced times and a whole trace of the GPU."
        ]
    return [_tell_line(line, members, sweep) for line, members in lines.items()]


def _share(step: StepResult) -> float | None:
    if step.overhead_ns is None or not step.untraced_ns:
        return None
    return step.overhead_ns / step.untraced_ns


def _tell_line(line: str, steps: Sequence[StepResult], sweep: Sweep) -> str:
    """The region ends where every larger size is under the limit too."""
    ordered = sorted(steps, key=lambda step: sweep.size_of(step) or 0)
    bound = [at for at, step in enumerate(ordered) if (_share(step) or 0.0) > LAUNCH_BOUND_SHARE]
    if not bound:
        worst = max(ordered, key=lambda step: _share(step) or 0.0)
        return f"{line} is nowhere launch-bound, at most {_tell_overhead(worst, sweep)}."
    last = ordered[bound[-1]]
    if bound[-1] == len(ordered) - 1:
        where = "at" if len(ordered) == 1 else "at every size, still at"
        where = where if len(bound) == len(ordered) else "again at the largest size,"
        return f"{line} is launch-bound {where} {_tell_overhead(last, sweep)}."
    after = ordered[bound[-1] + 1]
    return (
        f"{line} is launch-bound up to {_tell_overhead(last, sweep)}; the region ends by "
        f"{_place(after, sweep)} ({format_value(_share(after), 'percent')})."
    )


def _tell_overhead(step: StepResult, sweep: Sweep) -> str:
    overhead, time = format_value(step.overhead_ns, "time"), format_value(step.untraced_ns, "time")
    share = format_value(_share(step), "percent")
    return f"{_place(step, sweep)} (overhead {overhead} of {time}, {share})"


def _place(step: StepResult, sweep: Sweep) -> str:
    size = sweep.size_of(step)
    return f"{sweep.size}={size}" if size is not None else "its one size"
