"""Damage to the bytes of a database, mostly where its structure is: headers of pages, cell pointers, cell heads."""

from __future__ import annotations

import random


def corrupt(raw: bytearray, rng: random.Random) -> str:
    """Change some bytes in place and say which."""
    size = int.from_bytes(raw[16:18], "big")
    size = 65536 if size == 1 else size if size >= 512 and not size & (size - 1) else 4096
    places = [_place(raw, size, rng) for _ in range(rng.choice((1, 1, 1, 2, 8, 60)))]
    for at in places:
        raw[at] = rng.choice((raw[at] ^ 1 << rng.randrange(8), rng.randrange(256), 0, 255))
    return ", ".join(f"{at // size + 1}:{at % size}" for at in places[:4]) + (" …" if len(places) > 4 else "")


def _place(raw: bytearray, size: int, rng: random.Random) -> int:
    """A byte of a page other than the first, whose schema every reader leaves to SQLite; rarely any byte."""
    pages = len(raw) // size
    if pages < 2 or rng.random() < 0.1:
        return rng.randrange(len(raw))
    page = rng.randrange(1, pages) * size
    kind = rng.random()
    if kind < 0.35:
        return page + rng.randrange(8)
    if kind < 0.55:
        cells = int.from_bytes(raw[page + 3 : page + 5], "big")
        return page + 8 + rng.randrange(max(1, min(2 * cells, size - 8)))
    if kind < 0.85:
        cells = int.from_bytes(raw[page + 3 : page + 5], "big")
        slot = page + 8 + 2 * rng.randrange(max(1, min(cells, size // 2 - 8)))
        cell = int.from_bytes(raw[slot : slot + 2], "big")
        return page + min(cell + rng.randrange(12), size - 1)
    return page + rng.randrange(size)
