"""Two clocks joined by calls that both saw."""

from __future__ import annotations

from itertools import accumulate

from flopprof.analysis.kineto.clock_join import ClockJoin, Span, join_clocks
from hypothesis import given
from hypothesis import strategies as st

OFFSET = 5_000_000_000_123

Piece = tuple[int, int, int, int]
"""Pause before a stamp, then before its call, the call itself, and after it."""

PIECES = st.lists(
    st.tuples(st.integers(1, 900), st.integers(0, 40), st.integers(1, 40), st.integers(0, 40)),
    min_size=3,
    max_size=8,
)


def draw(pieces: list[Piece], start: int) -> tuple[list[Span], list[Span]]:
    """Stamps, and their calls on the other clock."""
    ends = list(accumulate((sum(piece) for piece in pieces), initial=start))
    stamps = [(at + pause, end) for at, end, (pause, *_) in zip(ends, ends[1:], pieces, strict=False)]
    calls = [
        (before + lead + OFFSET, after - tail + OFFSET)
        for (before, after), (_, lead, _, tail) in zip(stamps, pieces, strict=True)
    ]
    return stamps, calls


@given(PIECES, PIECES)
def test_the_distance_is_within_the_residual_of_the_truth(begin: list[Piece], end: list[Piece]):
    first, last = draw(begin, 0), draw(end, 10**9)
    join = join_clocks(first[0], last[0], [*first[1], *last[1]])
    assert join is not None and join.has_begin and join.has_end
    assert abs(join.offset_ns - OFFSET) <= join.residual_ns


@given(PIECES, PIECES, st.integers(-(10**6), 10**6))
def test_what_is_likely_is_taken_as_far_as_the_calls_allow(
    begin: list[Piece], end: list[Piece], wrong_by: int
):
    first, last = draw(begin, 0), draw(end, 10**9)
    calls = [*first[1], *last[1]]
    right = join_clocks(first[0], last[0], calls, likely=OFFSET)
    assert right is not None and right.offset_ns == OFFSET
    wrong = join_clocks(first[0], last[0], calls, likely=OFFSET + wrong_by)
    assert wrong is not None and abs(wrong.offset_ns - OFFSET) <= min(abs(wrong_by), wrong.residual_ns)


def test_a_recording_that_stopped_early_has_no_end():
    stamps, calls = draw([(500, 5, 20, 5), (900, 5, 30, 5), (300, 5, 10, 5)], 0)
    late = [(10**9, 10**9 + 30), (10**9 + 700, 10**9 + 740), (10**9 + 900, 10**9 + 930)]
    assert join_clocks(stamps, late, calls) == ClockJoin(
        offset_ns=OFFSET, residual_ns=5, has_begin=True, has_end=False
    )


def test_calls_that_fit_no_stamp_join_nothing():
    stamps, _ = draw([(500, 5, 20, 5), (900, 5, 30, 5), (300, 5, 10, 5)], 0)
    assert join_clocks(stamps, stamps, []) is None
    assert join_clocks(stamps, stamps, [(0, 400), (1000, 1400), (2000, 2400)]) is None
