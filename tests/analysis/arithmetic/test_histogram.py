"""Bins between round numbers: every value is in one, and edges can be told apart as they are read."""

from __future__ import annotations

import numpy as np
import pytest
from flopprof.analysis.arithmetic.histogram import count_in_bins
from flopprof.reports.document.numbers import format_value

SEED = np.random.default_rng(7)


@pytest.mark.parametrize(
    "values",
    [
        SEED.normal(10e6, 1e6, 1500),
        np.append(SEED.normal(10e6, 1e6, 1499), 609e6),
        np.append(SEED.normal(10e6, 1e6, 1499), 1.0),
        SEED.normal(104_500, 600, 19),
        np.array([5.0] * 30 + [6.0]),
        np.array([1.0, 1e12]),
        SEED.lognormal(3, 3, 300),
    ],
)
def test_every_value_is_in_one_of_a_few_bins_whose_edges_read_differently(values: np.ndarray):
    bins = count_in_bins(values, 8)
    assert sum(count for *_, count in bins) == len(values)
    assert bins[0][0] <= values.min() and values.max() <= bins[-1][1]
    assert 1 <= len(bins) <= 16
    edges = [bins[0][0], *(end for _, end, _ in bins)]
    assert [start for start, *_ in bins] == edges[:-1]
    said = [format_value(edge, "time") for edge in edges]
    assert len(set(said)) == len(said)


def test_one_value_far_away_does_not_make_the_others_one_bin():
    bins = count_in_bins(np.append(SEED.normal(10e6, 1e6, 1499), 609e6), 8)
    assert max(count for *_, count in bins) < 600
    assert bins[-1][1:] == (609e6, 1)
