"""The variants of one point, measured in turn: A B B A, A B B A, and so on.

A machine drifts while it measures: it warms up, its clocks fall, a neighbour begins. In the planned order every
variant has a stretch of time of its own, so drift looks like a difference between variants. In turn, the blocks of
every variant lie around the same instant, and what drifts evenly cancels in their ratio (exactly, for an even number
of equal blocks). Odd blocks go through the variants forward, even ones backward.

Every block starts on an idle device with one rep that is not timed: every sample is then of a rep that follows a rep
of its own variant, as in the planned order, and not of caches that another variant has left. That rep is the price,
at most one for each of a variant's 50 blocks, and all variants of a point hold their arrays at once.

Only the control pass goes in turn; verdicts rest on its samples. The traced pass stays step by step, because a step's
window is one range, which would charge a step with the time that the others take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from ...analysis.runs.records import Pass, StepRecord
from ...scenarios.checking.check import check_result
from ...scenarios.errors import StepFailure
from ...scenarios.libraries.backend import Backend
from ...scenarios.libraries.failures import step_failures
from ...scenarios.libraries.program import Program
from ...scenarios.plan.step import Step
from .cpu_use import charge_reps
from .measure import (
    MEMORY_SHARE,
    MOST_BLOCKS,
    build_program,
    decide_reps,
    no_collection,
    rep_function,
    time_block,
    warm_up,
)
from .until_sure import join_passes, repeat_until_sure

ALONE = "no other variant of its point was measured with it"

OnEnter = Callable[[Step], None]
"""Hears whose turn begins, before it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A step whose arrays are allocated and whose reps are decided."""

    step: Step
    program: Program | None = None
    """For what its reps cost the system; None where nobody asks."""
    run: Callable[[], Any]
    reps: int
    warmup: int
    checked: bool


def points_of(steps: Sequence[Step]) -> list[tuple[Step, ...]]:
    """Neighbours that are equal in all but their variant, in their order; in a plan the variants are neighbours."""
    by_point = groupby(steps, key=lambda step: (step.backend, step.device, step.dtype, step.params))
    return [tuple(members) for _, members in by_point]


def why_not_in_turn(backend: Backend, steps: Sequence[Step]) -> str | None:
    """Why steps of a point have to be measured one after the other after all; None when they need not."""
    if len(steps) < 2:
        return ALONE
    needed, free = sum(backend.needed_bytes(step) for step in steps), backend.free_bytes()
    if needed > MEMORY_SHARE * free:
        return f"the variants of its point need {needed / 1e9:.1f} GB together, {free / 1e9:.1f} GB are free"
    return None


def measure_point(
    backend: Backend, steps: Sequence[Step], *, check: bool, seed: int, on_enter: OnEnter
) -> list[StepRecord]:
    """Measure steps in turn: the records of all, or of the one that failed, without which the others can go on."""
    entered = [steps[0]]

    def enter(step: Step) -> None:
        entered.append(step)
        on_enter(step)

    try:
        with step_failures(), no_collection():
            ready = [prepare_step(backend, step, check=check, seed=seed, on_enter=enter) for step in steps]
            passes = repeat_until_sure(
                lambda: time_in_turn(backend, ready, enter), sum(step.reps.max_seconds for step in steps)
            )
    except StepFailure as failure:
        return [StepRecord(key=entered[-1].key, status="failed", reason=str(failure))]
    return [
        StepRecord(
            key=one.step.key,
            status="done",
            reps=one.reps,
            warmup=one.warmup,
            checked=one.checked,
            control=timed,
            cpu=charge_reps(one.program, one.reps, one.step.reps.max_seconds)
            if backend.device == "cpu" and one.program is not None
            else None,
        )
        for one, timed in zip(ready, passes, strict=True)
    ]


def prepare_step(backend: Backend, step: Step, *, check: bool, seed: int, on_enter: OnEnter) -> Prepared:
    """Allocate, check, warm up and decide the reps of one step. Raises StepFailure."""
    on_enter(step)
    program = build_program(backend, step, seed)
    run = rep_function(program)
    checked = check and check_result(step, program, backend, run())
    warmup, seconds = warm_up(backend, run, step)
    reps = decide_reps(backend, run, step, seconds)
    return Prepared(step=step, program=program, run=run, reps=reps, warmup=warmup, checked=checked)


def time_in_turn(backend: Backend, ready: Sequence[Prepared], on_enter: OnEnter) -> list[Pass]:
    """One pass for each step, put together from its blocks."""
    blocks: list[list[Pass]] = [[] for _ in ready]
    for which, size in list_turns([one.reps for one in ready]):
        on_enter(ready[which].step)
        blocks[which].append(time_block(backend, ready[which].run, size))
    return [join_passes(mine) for mine in blocks]


def list_turns(reps: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(step, reps of its block) in their order, for steps with these numbers of reps.

    >>> list(list_turns([4, 2]))
    [(0, 1), (1, 1), (0, 1), (0, 1), (1, 1), (0, 1)]
    """
    rounds = min(MOST_BLOCKS, max(reps) + max(reps) % 2)
    sizes = [spread_reps(count, rounds) for count in reps]
    forward = range(len(reps))
    for turn in range(rounds):
        for which in forward if turn % 2 == 0 else reversed(forward):
            if sizes[which][turn]:
                yield which, sizes[which][turn]


def spread_reps(reps: int, blocks: int) -> list[int]:
    """``reps`` over ``blocks`` as evenly as whole reps go; some are 0 when there are fewer.

    >>> spread_reps(10, 4), spread_reps(3, 6)
    ([3, 2, 3, 2], [1, 0, 1, 0, 1, 0])
    """
    ends = [(2 * block * reps + blocks) // (2 * blocks) for block in range(blocks + 1)]
    return [end - start for start, end in pairwise(ends)]
