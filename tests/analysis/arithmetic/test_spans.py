"""Interval algebra against sets of instants."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from flopprof.analysis.arithmetic.nesting import build_nest, find_parents, measure_depths, rank_ranges
from flopprof.analysis.arithmetic.spans import (
    FIRST,
    LAST,
    cut_at,
    find_gaps,
    intersect,
    join_spans,
    show_first,
    total_ns,
)
from hypothesis import given
from hypothesis import strategies as st

Spans = list[tuple[int, int]]
SPANS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 9)).map(lambda t: (t[0], t[0] + t[1])), max_size=8
)


def arrays(spans: Spans) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.array(sorted(spans), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def instants(spans: Spans) -> set[int]:
    return {now for start, end in spans for now in range(start, end)}


def pairs(start: np.ndarray, end: np.ndarray) -> Spans:
    return list(zip(start.tolist(), end.tolist(), strict=True))


@given(SPANS)
def test_joined_spans_are_disjoint_and_cover_the_same(spans: Spans):
    joined = pairs(*join_spans(*arrays(spans)))
    assert instants(joined) == instants(spans)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(joined))
    unsorted = np.array(spans, np.int64).reshape(-1, 2)
    assert total_ns(unsorted[:, 0], unsorted[:, 1]) == len(instants(spans))


@given(SPANS)
def test_gaps_are_what_is_left(spans: Spans):
    gaps = pairs(*find_gaps(*join_spans(*arrays(spans))))
    free = {now for now in range(-5, 50) if any(start <= now < end for start, end in gaps)}
    assert free == set(range(-5, 50)) - instants(spans)
    assert (gaps[0][0], gaps[-1][1]) == (FIRST, LAST)


@given(SPANS)
def test_of_overlapping_spans_the_earlier_shows(spans: Spans):
    start, end = arrays(spans)
    shown = pairs(*show_first(start, end))
    for at, one in enumerate(shown):
        assert instants([one]) == instants([(start[at], end[at])]) - instants(pairs(start[:at], end[:at]))


@given(SPANS, SPANS)
def test_intersections_know_where_they_come_from(spans: Spans, others: Spans):
    mine, theirs = arrays(spans), join_spans(*arrays(others))
    pieces = intersect(*mine, *theirs)
    for start, end, source, other in zip(*pieces, strict=True):
        assert mine[0][source] <= start < end <= mine[1][source]
        assert theirs[0][other] <= start < end <= theirs[1][other]
    for at in range(len(mine[0])):
        own = pieces.source == at
        found = instants(pairs(pieces.start[own], pieces.end[own]))
        assert found == instants([(mine[0][at], mine[1][at])]) & instants(others)


@given(SPANS, st.lists(st.integers(0, 40), max_size=6, unique=True).map(sorted))
def test_cut_pieces_lie_after_their_break(spans: Spans, breaks: list[int]):
    pieces = cut_at(*arrays(spans), np.array(breaks, np.int64))
    edges = [FIRST, *breaks, LAST]
    assert sum(pieces.end - pieces.start) == sum(end - start for start, end in spans)
    for start, end, _, other in zip(*pieces, strict=True):
        assert edges[other + 1] <= start < end <= edges[other + 2]


RANGES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(0, 15)).map(
        lambda t: (t[0], t[1], t[1] + t[2])
    ),
    max_size=9,
)


def ranked(ranges: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    thread, start, end = np.array(ranges, np.int64).reshape(-1, 3).T
    order = rank_ranges(thread, start, end)
    return thread[order], start[order], end[order]


@given(RANGES)
def test_a_parent_is_the_last_earlier_range_that_contains(ranges: list[tuple[int, int, int]]):
    thread, start, end = ranked(ranges)
    found = find_parents(thread, end)
    for i in range(len(thread)):
        around = [j for j in range(i) if thread[j] == thread[i] and end[j] >= end[i]]
        assert found[i] == max(around, default=-1)
        assert start[found[i]] <= start[i] or found[i] < 0
    depth = measure_depths(found)
    assert all(d == (0 if p < 0 else depth[p] + 1) for d, p in zip(depth, found, strict=True))


@given(RANGES, st.integers(0, 40))
def test_a_nest_knows_every_open_range_at_an_instant(ranges: list[tuple[int, int, int]], now: int):
    thread, start, end = ranked(ranges)
    nest = build_nest(np.arange(len(thread)), thread, start, end, 3)
    times = np.array([now])
    for one in range(3):
        opened = [i for i in range(len(thread)) if thread[i] == one and start[i] <= now < end[i]]
        found, place = [], nest.innermost(one, times)
        while place[0] >= 0:
            found.append(int(place[0]))
            place = nest.below(place, times)
        assert found[::-1] == opened
        assert nest.outermost(one, times)[0] == min(opened, default=-1)


@pytest.mark.parametrize(
    ("ranges", "crossing"), [([(0, 0, 9), (0, 2, 5)], False), ([(0, 0, 9), (0, 5, 12)], True)]
)
def test_crossing_ranges_are_noticed(ranges: list[tuple[int, int, int]], crossing: bool):
    thread, start, end = ranked(ranges)
    assert build_nest(np.arange(2), thread, start, end, 1).crossing is crossing
