"""Uniform random inputs in host memory, made by all cores, so that large sizes begin sooner."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

PERIOD = 4_194_301
"""Elements that are made at a time, and repeated. A prime, so that no two rows of a matrix are the same."""

MOST_THREADS = 16

STEPS = 2048
"""Distinct values of a half-precision number: multiples of 1/2048 below one are exact in float16."""


def fill_uniform(array: np.ndarray, generator: np.random.Generator, *, repeat: bool = False) -> np.ndarray:
    """Fill a fresh contiguous array with uniform random numbers in [0, 1), without a second array of its size.

    The numbers depend on the generator's seed and on the size, not on how many threads make them: every piece has
    a generator of its own (``numpy.random.Generator.spawn``), or with ``repeat`` is a copy of the first, which takes a
    fifth of the time.
    """
    flat = array.reshape(-1)
    pieces = [flat[start : start + PERIOD] for start in range(0, flat.size, PERIOD)]
    if repeat and len(pieces) > 1:
        _make_numbers(pieces[0], generator.spawn(1)[0])
        _in_threads(lambda piece: np.copyto(piece, pieces[0][: piece.size]), pieces[1:])
    else:
        _in_threads(_make_numbers, pieces, generator.spawn(len(pieces)))
    return array


def _in_threads(work: Callable[..., None], *arguments: Sequence[Any]) -> None:
    """Do it with each, on all cores."""
    if len(arguments[0]) == 1:
        work(*(one[0] for one in arguments))
        return
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        list(pool.map(work, *arguments))


def _make_numbers(piece: np.ndarray, generator: np.random.Generator) -> None:
    if piece.dtype in (np.float32, np.float64):
        generator.random(out=piece, dtype=piece.dtype.type)
    else:
        piece[:] = generator.integers(0, STEPS, piece.size, dtype=np.int16) / np.float32(STEPS)
