"""Who is late, and which steps in a row are one finding."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from flopprof.analysis.ranks.stragglers import Cause, Step, find_straggler, group_steps, is_rotating

MS = 1_000_000


def step(at: int, straggler: int | None, where: str = "forward", *, known: bool = True) -> Step:
    cause = None
    if straggler is not None:
        cause = Cause(rank=straggler, path=("step", where), layer="kernel", excess_ns=2 * MS + at)
    return Step(
        range="step",
        instance=at,
        wall_ns={0: 10 * MS, 1: 10 * MS},
        wait_ns={0: 0 if known else None, 1: 0 if known else None},
        layers={},
        straggler=straggler,
        lost_ns=(2 * MS if straggler is not None else 1000) if known else None,
        cause=cause,
    )


def grouped(stragglers: Sequence[int | None]) -> list[tuple[int, int, int | None]]:
    runs = group_steps([step(at, one) for at, one in enumerate(stragglers)])
    return [(run.first, run.last, run.straggler) for run in runs]


def test_the_rank_that_waits_least_is_late_when_the_others_wait_over_a_twentieth() -> None:
    walls = dict.fromkeys(range(3), 10 * MS)
    assert find_straggler(walls, {0: 700_000, 1: 0, 2: 500_000}, None) == (1, 600_000)
    assert find_straggler(walls, {0: 600_000, 1: 0, 2: 300_000}, None) == (None, 450_000)


def test_what_is_within_ten_residuals_is_noise() -> None:
    walls = dict.fromkeys(range(2), 10 * MS)
    assert find_straggler(walls, {0: 700_000, 1: 0}, 69_000) == (1, 700_000)
    assert find_straggler(walls, {0: 700_000, 1: 0}, 70_000) == (None, 700_000)


def test_with_one_unknown_wait_nobody_is_named_and_no_cost() -> None:
    walls = dict.fromkeys(range(3), 10 * MS)
    assert find_straggler(walls, {0: 5 * MS, 1: 0, 2: None}, None) == (None, None)
    assert find_straggler({0: MS}, {0: 0}, None) == (None, None)


@pytest.mark.parametrize(
    ("stragglers", "runs"),
    [
        ([], []),
        ([0], [(0, 0, 0)]),
        ([0] * 4 + [1] * 4, [(0, 3, 0), (4, 7, 1)]),
        ([0] * 4 + [1] + [0] * 4, [(0, 8, 0)]),
        ([0] * 4 + [1] * 2 + [0] * 4, [(0, 3, 0), (4, 5, None), (6, 9, 0)]),
        ([0, 1] * 5, [(0, 9, None)]),
        ([None] * 4 + [1] * 4, [(0, 3, None), (4, 7, 1)]),
    ],
)
def test_runs_of_steps(stragglers: list[int | None], runs: list[tuple[int, int, int | None]]) -> None:
    assert grouped(stragglers) == runs


def test_steps_of_which_nothing_is_known_are_a_run_of_their_own() -> None:
    steps = [step(at, None, known=at != 4) for at in range(9)]
    assert [(run.first, run.last, run.lost_ns) for run in group_steps(steps)] == [
        (0, 3, 4000),
        (4, 4, None),
        (5, 8, 4000),
    ]


def test_a_runs_cause_has_the_median_excess_and_its_cost_is_the_sum() -> None:
    (run,) = group_steps([step(at, 1) for at in range(5)])
    assert run.cause == Cause(rank=1, path=("step", "forward"), layer="kernel", excess_ns=2 * MS + 2)
    assert run.lost_ns == 10 * MS


def test_being_late_passes_on_when_mostly_another_rank_is_late_than_in_the_step_before() -> None:
    assert is_rotating([step(at, at % 3) for at in range(9)]) is True
    assert is_rotating([step(at, 1) for at in range(9)]) is False
    assert is_rotating([step(at, None) for at in range(9)]) is None
