"""What is asked of arrays of codes."""

from __future__ import annotations

import numpy as np
import pytest
from flopprof.analysis.arithmetic.arrays import find_run
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64])
@given(codes=st.lists(st.integers(-1, 5)), code=st.integers(-1, 6))
def test_a_run_is_where_a_code_lies(kind: type[np.signedinteger], codes: list[int], code: int):
    ordered = np.array(sorted(codes), kind)
    run = find_run(ordered, code)
    assert np.arange(len(codes))[run].tolist() == np.flatnonzero(ordered == code).tolist()
