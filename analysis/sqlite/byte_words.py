"""Numbers out of raw bytes, many at a time: from any place, SQLite's of variable length, and equal ones numbered.

https://www.sqlite.org/fileformat2.html#varint
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .unusual import Unusual

Bytes = NDArray[np.uint8]

Ints = NDArray[np.int64]

Words = NDArray[np.uint64]

HIGH_BITS = np.uint64(0x8080808080808080)

JOINS = (
    (1, np.uint64(0x7F007F007F007F00), np.uint64(1)),
    (2, np.uint64(0x3FFF00003FFF0000), np.uint64(2)),
    (4, np.uint64(0x0FFFFFFF00000000), np.uint64(4)),
)
"""From so many bytes on, the upper halves of 2, 4 and 8 bytes move down over so many bits that are not theirs."""

MOST_PLACES = 1 << 16
"""Of a table in which words are looked up; a greater one is slower than hashing them."""

BEGINNING = 4096
"""Rows among which numbers are looked for before they are among all."""

MIX = np.uint64(0x9E3779B97F4A7C15)


def load_words(raw: Bytes, at: Ints) -> Words:
    """Eight bytes from each place as a big-endian number; places need not be aligned."""
    return (
        _gather(np.ndarray((len(raw) - 7,), np.int64, raw, 0, (1,)), at)
        .view(np.uint64)
        .byteswap(inplace=True)
    )


def load16(raw: Bytes, at: Ints) -> Ints:
    """Two bytes from each place as a big-endian number."""
    windows = np.ndarray((len(raw) - 1,), np.int16, raw, 0, (1,))
    return _gather(windows, at).view(np.uint16).byteswap(inplace=True).astype(np.int64)


def _gather(windows: NDArray[Any], at: Ints) -> NDArray[Any]:
    """Numbers from places that need not be aligned, of which numpy's own indexing takes thrice the time."""
    import pandas as pd  # loaded while the file is digested

    return np.asarray(pd.api.extensions.take(windows, at, allow_fill=True))


def varint_lengths(word: Words) -> Ints:
    """Bytes of the variable-length number that each word begins with: up to the first without its high bit."""
    last = (~word & HIGH_BITS) >> np.uint64(7)
    if not last.all():
        raise Unusual("a number of nine bytes")
    exponent = (last.astype(np.int64).astype(np.float64).view(np.int64) >> 52) - 1023
    return 8 - (exponent >> 3)


def varints(word: Words, length: Ints) -> Ints:
    """The numbers of at most eight bytes that words begin with; one length may be that of all."""
    value = word >> (64 - 8 * length).astype(np.uint64)
    value &= ~HIGH_BITS
    most = int(length.max(initial=0))
    for bytes_below, upper, bits in JOINS:
        if most > bytes_below:
            high = value & upper
            value ^= high
            high >>= bits
            value |= high
    return value.view(np.int64)


def varying_bits(word: Words) -> int:
    """The bits in which any two of some words differ."""
    return int(np.bitwise_or.reduce(word) ^ np.bitwise_and.reduce(word)) if len(word) else 0


def number_distinct(words: Sequence[Words]) -> tuple[Ints, Ints]:
    """A code for each combination of words, in the order in which they first appear, and one row of each code.

    Looked up in a table where they differ in few bits that lie together, as types and small numbers do.
    """
    varying = [(word, bits) for word in words if (bits := varying_bits(word))]
    place, places = np.zeros(len(words[0]), np.int64), 1
    for word, bits in varying:
        low = (bits & -bits).bit_length() - 1
        size = 1 << bits.bit_length() - low
        places *= size
        if places > min(MOST_PLACES, len(place)):
            return _by_digest([word for word, _ in varying])
        part = (word >> np.uint64(low) & np.uint64(size - 1)).view(np.int64)
        place = part if places == size else place * size + part
    return _by_place(place, places) if varying else (place, np.zeros(min(1, len(place)), np.int64))


def _by_place(place: Ints, places: int) -> tuple[Ints, Ints]:
    """The same for small numbers, all of which mostly occur among the first."""
    for some in (place[:BEGINNING], place):
        first = np.full(places, -1, np.int64)
        first[some[::-1]] = np.arange(len(some) - 1, -1, -1)
        held = np.flatnonzero(first >= 0)
        held = held[np.argsort(first[held])]
        code_of = np.full(places, -1, np.int64)
        code_of[held] = np.arange(len(held))
        code = code_of.take(place)
        if len(some) == len(place) or code.min() >= 0:
            return code, first[held]
    raise AssertionError


def _by_digest(words: Sequence[Words]) -> tuple[Ints, Ints]:
    """The same for any words."""
    import pandas as pd  # loaded while the file is digested

    digest = words[0]
    for word in words[1:]:
        digest = (digest * MIX) ^ (digest >> np.uint64(29)) ^ word
    code, distinct = pd.factorize(digest)
    example = np.zeros(len(distinct), np.int64)
    example[code] = np.arange(len(code))
    if len(words) > 1 and any((word != word[example].take(code)).any() for word in words):
        raise Unusual("two combinations with one digest")
    return code, example
