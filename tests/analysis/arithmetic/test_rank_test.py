"""What is computed without SciPy's larger parts, against them."""

from __future__ import annotations

import numpy as np
import pytest
from flopprof.analysis.arithmetic.rank_test import rank_test
from flopprof.analysis.arithmetic.student import STRETCHES
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import ndtri, stdtrit
from scipy.stats import mannwhitneyu

values = st.one_of(st.integers(1, 9).map(float), st.floats(1.0, 1e9, allow_nan=False))
samples = st.lists(values, min_size=1, max_size=40)


@settings(max_examples=300)
@given(samples, samples)
@example([3.0] * 12, [3.0] * 12)
@example([1.0, 2.0], [3.0, 4.0])
@example([float(at) for at in range(40)], [at + 0.5 for at in range(40)])
def test_the_rank_test_is_scipys(a: list[float], b: list[float]):
    left, right = np.array(a), np.array(b)
    p, sign = rank_test(left, right)
    statistic, expected = mannwhitneyu(right, left, alternative="two-sided")
    assert p == pytest.approx(float(expected), rel=1e-12, abs=0)
    assert sign == np.sign(float(statistic) - len(a) * len(b) / 2)


def test_the_table_of_stretches_is_students_t_over_the_normal():
    expected = [-float(stdtrit(freedom, (1 - 0.95) / 2)) / float(ndtri(0.975)) for freedom in range(1, 257)]
    assert pytest.approx(expected, rel=1e-12) == list(STRETCHES)
