"""Arrays of integers, codes and flags, and how a frame's column becomes one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.signedinteger[Any]]
"""int64 where it holds times, ids and sums."""

Codes = NDArray[np.signedinteger[Any]]
"""int32: codes and row numbers, which frames hold by the million."""

Bools = NDArray[np.bool_]

NONE = -1


def ints(frame: pd.DataFrame, column: str) -> Ints:
    """An integer column as an array, without a copy."""
    return frame[column].to_numpy()


def rows_where(wanted: Bools) -> Ints | slice:
    """Places where it holds; a slice, which copies nothing, when that is everywhere."""
    return slice(None) if wanted.all() else np.flatnonzero(wanted)


def find_run(ordered: Codes, code: int) -> slice:
    """The places of one code among ordered ones; sought as their own type, for numpy would convert them all."""
    return slice(*np.searchsorted(ordered, np.array([code, code + 1], ordered.dtype)).tolist())


def distinct(values: Ints) -> Ints:
    """The values in order, each once; by sorting, which on millions beats numpy's hashing several times.

    A stable sort, because values mostly come almost in order, of which only that takes advantage.
    """
    if len(values) < 2:
        return values.copy()
    ordered = np.sort(values, kind="stable")
    return ordered[np.append(True, ordered[1:] != ordered[:-1])]
