"""What to know before believing the numbers of a run: notes of its shards' traces, and those its steps add."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..trace.quality import note
from ..words import QualityNote
from .evidence import charged_use
from .folder import ShardFolder
from .noise import SLOWDOWN_FLAG, describe_surroundings, merge_surroundings
from .records import NOT_IN_TURN, StepRecord
from .results import Costs, OpResult, StepResult
from .step_windows import ShardWindows

WORTH_TELLING = 1.02
"""Times the cores that there are: the two clocks of a loop are not read at one moment."""

CPU_CODES = frozenset(
    {"missing_device_work", "missing_device_info", "cuda_not_recorded", "missing_calls", "embedded_recorder"}
)
"""Notes that say of a CPU shard what everybody knows: that no GPU was used."""


def list_shard_notes(shard: ShardFolder, windows: ShardWindows | None) -> Iterator[QualityNote]:
    """What a shard's trace says of itself, under the shard's name."""
    for one in windows.quality if windows else ():
        if shard.record.device == "cuda" or one.code not in CPU_CODES:
            yield replace(one, message=f"{shard.name}: {one.message}")
    late = [cores for step in shard.record.steps if (cores := _find_late_charge(step)) is not None]
    if late:
        cores, allowed = max(late)
        yield note("cpu_charged_late", len(late), f"{shard.name}: most {cores:.1f} of {allowed}")


def _find_late_charge(step: StepRecord) -> tuple[float, int] | None:
    """Cores that a step was charged for, and those that there are, where it is worth telling that these are fewer."""
    use = charged_use(step.cpu) if step.cpu is not None and step.cpu.reps else None
    cores = use.charged_cores if use is not None else None
    return (
        (cores, use.cores_allowed)
        if use is not None and cores is not None and cores > WORTH_TELLING * use.cores_allowed
        else None
    )


def list_step_notes(
    steps: Sequence[StepResult], ops: Sequence[OpResult], lost_ranges: Sequence[str]
) -> Iterator[QualityNote]:
    """What a run's steps and ops add; ``lost_ranges`` are the labels of those with fewer ranges than calls."""
    slow = [step for step in steps if (step.tracing_slowdown or 0) > SLOWDOWN_FLAG]
    if slow:
        worst = max(slow, key=lambda step: step.tracing_slowdown or 0)
        yield note(
            "tracing_slowdown",
            len(slow),
            f"most {worst.label}, {_tell_factor(worst.tracing_slowdown or 1.0)}",
        )
    noisy = [step for step in steps if step.noisy]
    if noisy:
        worst = max(noisy, key=lambda step: step.noise_factor)
        slower = "traced" if (worst.noise_ratio or 1.0) > 1 else "untraced"
        most = f"most {worst.label}, {_tell_factor(worst.noise_factor)} as long {slower}"
        yield note("noisy", len(noisy), f"{most}; {tell_cause(noisy)}")
    above = list(_find_above_ceiling(steps, ops))
    if above:
        label, costs = above[0]
        yield note("above_ceiling", len(above), f"{label}; {costs.roof_source}; {costs.bytes} B")
    if lost_ranges:
        yield note("lost_ranges", len(lost_ranges), lost_ranges[0])
    alone = [(s.label, text) for s in steps for text in s.notes if text.startswith(NOT_IN_TURN)]
    if alone:
        yield note("not_in_turn", len(alone), f"{alone[0][0]}: {alone[0][1].removeprefix(NOT_IN_TURN)}")


def _tell_factor(factor: float) -> str:
    """Three digits, as reports write a ratio.

    >>> _tell_factor(1.914), _tell_factor(22.71), _tell_factor(2271.4)
    ('1.91×', '22.7×', '2271×')
    """
    decimals = max(0, 2 - math.floor(math.log10(max(float(f"{factor:.2e}"), 1.0))))
    return f"{factor:.{decimals}f}×"


def tell_cause(steps: Sequence[StepResult]) -> str:
    """What was seen around noisy steps, or that nothing was."""
    seen = merge_surroundings([step.surroundings for step in steps if step.surroundings is not None])
    if seen is None:
        return "what else the machine did was not recorded"
    return " and ".join(describe_surroundings(seen)) or "nothing else was seen on the machine"


def _find_above_ceiling(steps: Sequence[StepResult], ops: Sequence[OpResult]) -> Iterator[tuple[str, Costs]]:
    """Steps, then ops, that beat their roof; the op of a step that makes one call is the step itself."""
    above = {step.key for step in steps if step.costs.roof_note == "above_ceiling"}
    labels = {step.key: step.label for step in steps}
    calls = Counter(op.key for op in ops)
    yield from ((step.label, step.costs) for step in steps if step.key in above)
    for op in ops:
        if op.costs.roof_note == "above_ceiling" and not (op.key in above and calls[op.key] == 1):
            yield f"{op.op} of {labels[op.key]}", op.costs
