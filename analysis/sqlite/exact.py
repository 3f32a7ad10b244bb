"""Integers that a file holds as numbers or texts of another type: read where they are exact, else left out."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

EXACT_REAL = 1 << 53
"""A greater real may stand for several integers."""

LEAST, GREATEST = -(1 << 63), (1 << 63) - 1

_TEXT = re.compile(r" *([+-]?[0-9]{1,19})(?:\.0*)? *")


def exact_integer(value: object) -> int | None:
    """The integer that a stored value is, None for what is none.

    >>> [exact_integer(value) for value in (7, 7.0, "7", "-7.0", 7.5, "seven", 2.0**60, b"7", None)]
    [7, 7, 7, -7, None, None, None, None, None]
    """
    if type(value) is int:
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= EXACT_REAL else None
    if isinstance(value, str) and (found := _TEXT.fullmatch(value)):
        number = int(found[1])
        return number if LEAST <= number <= GREATEST else None
    return None


def exact_integers(reals: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The integers that reals are, and which of them are some."""
    exact = (np.abs(reals) <= EXACT_REAL) & (reals == np.floor(reals))
    return np.where(exact, reals, 0).astype(np.int64), exact
