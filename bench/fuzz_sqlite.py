"""What flopprof reads of SQLite files, against Python's own sqlite3: random databases, and damaged ones.

    python bench/fuzz_sqlite.py [--databases 12000] [--corruptions 20000] [--seed 0] [--traces FOLDER] [--write JSON]

Every column of every table is read in each way flopprof reads it. An answer may differ from SQLite's only by
saying so: one line that the file is damaged. A draw can be made again from the seed and its number.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fuzz.damage import corrupt
from fuzz.databases import drawn_database
from fuzz.reading import compare

TRACES = Path(__file__).resolve().parent.parent / "tests" / "data"
SMALL = 420_000
"""Bytes of the recorded traces that are damaged: of a greater one a byte mostly hits nothing."""

BASES = 40
"""Random databases that are damaged, beside the recorded traces."""


def draw_databases(count: int, seed: int, folder: Path) -> Iterator[tuple[str, list[str], bool]]:
    """Random databases, each read while its writer may still have it open."""
    for number in range(count):
        rng = random.Random(f"{seed}:database:{number}")
        path = folder / "drawn.sqlite"
        with drawn_database(path, rng):
            yield f"database {number}", *compare(path, rng)


def draw_corruptions(
    count: int, seed: int, folder: Path, traces: Path
) -> Iterator[tuple[str, list[str], bool]]:
    """Bytes changed in random databases and recorded traces."""
    bases = [*_random_bases(seed, folder), *_recorded_bases(traces)]
    path = folder / "damaged.sqlite"
    for number in range(count):
        rng = random.Random(f"{seed}:corruption:{number}")
        raw = bytearray(rng.choice(bases))
        what = corrupt(raw, rng)
        path.write_bytes(raw)
        yield f"corruption {number} at {what}", *compare(path, rng)


def _random_bases(seed: int, folder: Path) -> list[bytes]:
    found: list[bytes] = []
    path = folder / "base.sqlite"
    number = 0
    while len(found) < BASES:
        with drawn_database(path, random.Random(f"{seed}:base:{number}")):
            if not Path(f"{path}-wal").exists() and path.stat().st_size > 8000:
                found.append(path.read_bytes())
        number += 1
    return found


def _recorded_bases(traces: Path) -> list[bytes]:
    found = (lzma.decompress(path.read_bytes()) for path in sorted(traces.rglob("*.sqlite.xz")))
    return [raw for raw in found if len(raw) < SMALL]


def count_draws(draws: Iterator[tuple[str, list[str], bool]]) -> dict[str, float]:
    """Draws, those refused in words, those that differ without; the latter are named on stderr."""
    began = time.perf_counter()
    counts = {"draws": 0, "refused": 0, "differ": 0}
    for name, wrong, refused in draws:
        counts["draws"] += 1
        counts["refused"] += refused
        counts["differ"] += bool(wrong)
        for line in wrong:
            print(f"{name}: {line}", file=sys.stderr)
    return {**counts, "seconds": round(time.perf_counter() - began, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Read random and damaged databases as sqlite3 does.")
    parser.add_argument("--databases", type=int, default=12_000)
    parser.add_argument("--corruptions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--traces", type=Path, default=TRACES)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flopprof-fuzz-") as name:
        folder = Path(name)
        found = {
            "databases": count_draws(draw_databases(options.databases, options.seed, folder)),
            "corruptions": count_draws(
                draw_corruptions(options.corruptions, options.seed, folder, options.traces)
            ),
        }
    text = json.dumps(found, indent=1)
    print(text)
    if options.write:
        options.write.write_text(text + "\n")
    return int(any(part["differ"] for part in found.values()))


if __name__ == "__main__":
    sys.exit(main())
