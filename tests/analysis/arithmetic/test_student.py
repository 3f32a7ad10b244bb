"""The table of quantiles is scipy's."""

from __future__ import annotations

import pytest
from flopprof.analysis.arithmetic.student import NORMAL, TABLE, quantile, two_sided_tail
from scipy.special import ndtri, stdtrit


def test_the_tables_are_scipys() -> None:
    assert float(ndtri(0.975)) == pytest.approx(NORMAL, rel=1e-12)
    for freedom, told in enumerate(TABLE, start=1):
        assert told == pytest.approx(float(stdtrit(freedom, 0.975)), rel=1e-9)  # older ones: 2e-11


@pytest.mark.parametrize("freedom", [1, 7, 7.5, len(TABLE), len(TABLE) + 1])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_a_tail_inverts_a_quantile(level: float, freedom: float) -> None:
    assert two_sided_tail(quantile(level, freedom), freedom) == pytest.approx(1 - level, rel=1e-9)
