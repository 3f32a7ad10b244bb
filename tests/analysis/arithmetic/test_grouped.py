"""Sums, medians and unions by group against the plain loops they replace."""

from __future__ import annotations

import statistics

import numpy as np
from flopprof.analysis.arithmetic.grouped import (
    code_combinations,
    describe_groups,
    find_firsts,
    medians_of_runs,
    sort_longest_first,
    union_by_group,
)
from hypothesis import given
from hypothesis import strategies as st

FAR = 1 << 61
grouped_spans = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 12), st.sampled_from([0, 0, FAR]))
)
grouped_values = st.lists(st.tuples(st.integers(0, 5), st.one_of(st.integers(0, 9), st.integers(0, FAR))))


@given(grouped_spans)
def test_a_union_counts_each_instant_of_a_group_once(drawn: list[tuple[int, int, int, int]]):
    spans = sorted((start + far, start + far + length, group) for group, start, length, far in drawn)
    instants = [{t for a, b, g in spans if g == group for t in range(a, b)} for group in range(5)]
    start, end, group = (
        np.array(column, np.int64) for column in (zip(*spans, strict=True) if spans else ((),) * 3)
    )
    assert union_by_group(group, 5, start, end).tolist() == [len(one) for one in instants]


@given(st.lists(st.lists(st.integers(0, FAR), max_size=6), max_size=5))
def test_a_median_of_a_run_is_that_of_its_values(runs: list[list[int]]):
    values = np.array([value for run in runs for value in run], np.int64)
    found = medians_of_runs(values, np.array([len(run) for run in runs], np.int64))
    assert found == [statistics.median(run) if run else None for run in runs]


@given(grouped_values, st.lists(st.integers(-1, 3), min_size=6, max_size=6))
def test_groups_called_anew_are_those_of_the_values(drawn: list[tuple[int, int]], names: list[int]):
    group, value = (np.array([pair[at] for pair in drawn], np.int64) for at in (0, 1))
    before = describe_groups(group, value)
    found = before.regroup(np.array(names, np.int64)[before.group])
    called = np.array(names, np.int64)[group]
    expected = describe_groups(called[called >= 0], value[called >= 0])
    assert _by_group(found.group, found) == _by_group(expected.group, expected)


lengths = st.one_of(st.integers(0, 3), st.integers(0, FAR))


@given(st.lists(st.tuples(st.integers(0, 3), lengths, st.integers(0, 2), st.integers(0, 9)), unique=True))
def test_the_longest_of_a_group_come_first_and_ties_are_broken_in_order(
    drawn: list[tuple[int, int, int, int]],
):
    group, ns, first, second = np.array(drawn, np.int64).reshape(-1, 4).T
    order = sort_longest_first(group, ns, first, second).tolist()
    assert [drawn[at] for at in order] == sorted(drawn, key=lambda one: (one[0], -one[1], *one[2:]))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1))))
def test_each_combination_is_found_where_it_is_first(drawn: list[tuple[int, int]]):
    code = code_combinations(*np.array(drawn, np.int64).reshape(-1, 2).T)
    firsts = [drawn.index(one) for one in dict.fromkeys(drawn)]
    assert find_firsts(code).tolist() == firsts


def _by_group(groups: np.ndarray, stats) -> dict[int, tuple[int, float, int, int]]:
    return {
        int(group): (int(stats.total[at]), stats.quantile(at, 0.5), stats.least(at), stats.greatest(at))
        for at, group in enumerate(groups)
    }
