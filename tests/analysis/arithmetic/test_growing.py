"""A column that grows is its parts, one after the other."""

from __future__ import annotations

import numpy as np
from flopprof.analysis.arithmetic.growing import Growing
from hypothesis import given
from hypothesis import strategies as st

PARTS = st.lists(st.lists(st.integers(-9, 9), max_size=8), max_size=8)


@given(PARTS, st.integers(0, 40))
def test_it_is_its_parts_joined_whatever_room_there_was_at_first(parts: list[list[int]], room: int):
    column: Growing[np.int32] = Growing(np.int32, room)
    for part in parts:
        column.extend(np.array(part, np.int32))
    whole = column.finish()
    assert whole.dtype == np.int32
    assert whole.tolist() == [value for part in parts for value in part]
