"""What to know before believing the numbers of a run: notes of its shards' traces, and those its steps add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from .quality import CODES, note
from .records import NOT_IN_TURN
from .results import QualityNote, StepResult
from .run_folder import ShardFolder
from .step_windows import ShardWindows

SLOWDOWN_FLAG = 1.1
CPU_CODES = frozenset(
    {"missing_device_work", "missing_device_info", "cuda_not_recorded", "missing_calls", "embedded_recorder"}
)
"""Notes that say of a CPU shard what everybody knows: that no GPU was used."""


def loses_device_work(notes: Iterable[QualityNote]) -> bool:
    """Whether any note says that kernels, copies or fills of the device are missing."""
    return any(_lost_device_work(one) for one in notes)


def _lost_device_work(one: QualityNote) -> bool:
    lossy = CODES[one.code].lossy if one.code in CODES else one.severity == "error"
    return lossy and "kernels" in one.affects


def list_shard_notes(shard: ShardFolder, windows: ShardWindows | None) -> Iterator[QualityNote]:
    """What a shard's trace says of itself, under the shard's name."""
    for one in windows.quality if windows else ():
        if shard.record.device == "cuda" or one.code not in CPU_CODES:
            yield replace(one, message=f"{shard.name}: {one.message}")


def list_step_notes(steps: Sequence[StepResult], lost_ranges: Sequence[str]) -> Iterator[QualityNote]:
    """What a run's steps add; ``lost_ranges`` are the labels of those with fewer ranges than calls."""
    slow = [step for step in steps if (step.slowdown or 0) > SLOWDOWN_FLAG]
    if slow:
        worst = max(slow, key=lambda step: step.slowdown or 0)
        yield note("tracing_slowdown", len(slow), f"most {worst.label}, {worst.slowdown:.2f}×")
    above = [step for step in steps if step.costs.roof_note == "above_ceiling"]
    if above:
        first = above[0]
        yield note(
            "above_ceiling", len(above), f"{first.label}; {first.costs.roof_source}; {first.costs.bytes} B"
        )
    if lost_ranges:
        yield note("lost_ranges", len(lost_ranges), lost_ranges[0])
    alone = [(s.label, text) for s in steps for text in s.notes if text.startswith(NOT_IN_TURN)]
    if alone:
        yield note("not_in_turn", len(alone), f"{alone[0][0]}: {alone[0][1].removeprefix(NOT_IN_TURN)}")
