"""Uniform random inputs in host memory, made by all cores, so that large sizes begin sooner."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

PIECE = 1 << 22
"""Elements one generator makes; where it cannot write the dtype itself, also what is held beside the array."""

MOST_THREADS = 16

STEPS = 2048
"""Distinct values of a half-precision number: multiples of 1/2048 below one are exact in float16."""


def fill_uniform(array: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Fill a fresh contiguous array with uniform random numbers in [0, 1), without a second array of its size.

    The numbers depend on the generator's seed and on the size, not on how many threads make them: every piece has
    a generator of its own (``numpy.random.Generator.spawn``).
    """
    flat = array.reshape(-1)
    pieces = [flat[start : start + PIECE] for start in range(0, flat.size, PIECE)]
    generators = generator.spawn(len(pieces))
    if len(pieces) == 1:
        _fill_piece(pieces[0], generators[0])
    else:
        with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
            list(pool.map(_fill_piece, pieces, generators))
    return array


def _fill_piece(piece: np.ndarray, generator: np.random.Generator) -> None:
    if piece.dtype in (np.float32, np.float64):
        generator.random(out=piece, dtype=piece.dtype.type)
    else:
        piece[:] = generator.integers(0, STEPS, piece.size, dtype=np.int16) / np.float32(STEPS)
