"""Traces whose size is modest and whose shape is not: what an analysis takes for each must grow with their size.

    python bench/exploding_traces.py make unpopped OUT.sqlite [--count 1600]
    python bench/exploding_traces.py measure [KIND …] [--share 0.1]

A shape has a count of its own (the one that once took minutes); ``measure`` runs `flopprof analyze` over each in the
formats that showed it, and prints processor seconds, peak memory and the size of what was written. Every shape is
also made of half its count, so that a column tells how time grows: 2 is linear.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PID = 1 << 48 | 100 << 24
STEP = 1000
"""Nanoseconds from one range's start to the next one's."""
TABLES = {
    "StringIds": "id INTEGER NOT NULL PRIMARY KEY, value TEXT",
    "META_DATA_EXPORT": "name TEXT, value TEXT",
    "ANALYSIS_DETAILS": "globalVid INTEGER, duration INTEGER, startTime INTEGER, stopTime INTEGER",
    "NVTX_EVENTS": 'start INTEGER, "end" INTEGER, eventType INTEGER, text TEXT, textId INTEGER, globalTid INTEGER,'
    " endGlobalTid INTEGER, domainId INTEGER",
    "CUPTI_ACTIVITY_KIND_RUNTIME": 'start INTEGER, "end" INTEGER, eventClass INTEGER, globalTid INTEGER,'
    " correlationId INTEGER, nameId INTEGER, returnValue INTEGER",
    "CUPTI_ACTIVITY_KIND_KERNEL": 'start INTEGER, "end" INTEGER, deviceId INTEGER, contextId INTEGER, streamId INTEGER,'
    " correlationId INTEGER, globalPid INTEGER, demangledName INTEGER, shortName INTEGER",
}
META = {
    "EXPORT_PRODUCT_NAME": "NVIDIA Nsight Systems",
    "EXPORT_PRODUCT_VERSION": "2025.3.2.0",
    "EXPORT_SCHEMA_VERSION": "3.20.3",
}

Range = tuple[int, int, str]
"""Start, end, message."""


@dataclass(frozen=True)
class Content:
    """What a trace holds: ranges by thread, and kernels, launched by thread 1 one after the other."""

    ranges: Callable[[], Iterator[tuple[int, Range]]]
    kernels: Callable[[], Iterable[str]]
    end: int


def write(path: Path, content: Content) -> None:
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    for table, columns in TABLES.items():
        db.execute(f"CREATE TABLE {table} ({columns})")
    db.executemany("INSERT INTO META_DATA_EXPORT VALUES (?, ?)", META.items())
    db.execute("INSERT INTO ANALYSIS_DETAILS VALUES (1, ?, 0, ?)", (content.end, content.end))
    names: dict[str, int] = {"cudaLaunchKernel_v7000": 1}

    def events() -> Iterator[tuple[object, ...]]:
        for thread, (start, end, text) in content.ranges():
            yield start, end, 59, None, names.setdefault(text, len(names) + 1), PID | thread, None, 0

    db.executemany("INSERT INTO NVTX_EVENTS VALUES (?, ?, ?, ?, ?, ?, ?, ?)", events())
    calls, kernels = [], []
    for at, kernel in enumerate(content.kernels(), start=1):
        name, begin = names.setdefault(kernel, len(names) + 1), at * STEP
        calls.append((begin, begin + 100, 0, PID | 1, at, 1, 0))
        kernels.append((begin + 200, begin + 700, 0, 1, 7, at, PID, name, name))
    db.executemany(f"INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES ({','.join('?' * 7)})", calls)
    db.executemany(f"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES ({','.join('?' * 9)})", kernels)
    db.executemany("INSERT INTO StringIds VALUES (?, ?)", ((i, text) for text, i in names.items()))
    db.commit()
    db.close()


def alike(count: int, text: str = "kernel") -> Callable[[], Iterable[str]]:
    return lambda: (text for _ in range(count))


def unpopped(count: int, name: Callable[[int], str] = lambda _: "request") -> Content:
    """Pushes without a pop: each range holds all later ones and ends with the session."""
    end = (count + 2) * STEP
    return Content(lambda: ((1, (at * STEP, end, name(at))) for at in range(1, count + 1)), alike(count), end)


def unpopped_distinct(count: int) -> Content:
    return unpopped(count, lambda at: f"request {at}")


def unpopped_host(count: int) -> Content:
    """The same without device work."""
    content = unpopped(count)
    return Content(content.ranges, alike(0), content.end)


def nested(count: int, depth: int = 500) -> Content:
    """Distinctly named ranges in towers of 500."""
    towers = max(count // depth, 1)
    width = 4 * depth * STEP

    def ranges() -> Iterator[tuple[int, Range]]:
        for tower in range(towers):
            first, last = tower * width, (tower + 1) * width
            for level in range(depth):
                yield 1, (first + level * STEP, last - level * STEP, f"r{tower * depth + level}")

    return Content(ranges, alike(towers * depth * 4), towers * width)


def template(count: int) -> Content:
    """One kernel whose name has many template arguments."""
    name = f"void k<{', '.join(['1'] * count)}>(int)"
    return Content(lambda: iter([(1, (0, 20 * STEP, "step"))]), alike(10, name), 20 * STEP)


def template_nested(count: int) -> Content:
    """One kernel whose template arguments lie in one another."""
    name = f"void k<{'a<' * count}int{'>' * count}>(int)"
    return Content(lambda: iter([(1, (0, 20 * STEP, "step"))]), alike(10, name), 20 * STEP)


def kernels(count: int) -> Content:
    """Distinct kernel names, all in one range in another."""
    end = (count + 2) * STEP
    both = ((1, (0, end, "epoch")), (1, (STEP // 2, end, "step")))
    return Content(
        lambda: iter(both), lambda: (f"void kernel_{i}<float, {i}>(int)" for i in range(count)), end
    )


def windows(count: int) -> Content:
    """Flat ranges of one name: `--range 'r*'` makes a window of each."""
    end = (count + 2) * STEP
    return Content(
        lambda: ((1, (at * STEP, at * STEP + 900, "r")) for at in range(1, count + 1)),
        alike(min(count, 1000)),
        end,
    )


def windows_distinct(count: int) -> Content:
    """Flat ranges, each of a name of its own."""
    end = (count + 2) * STEP
    return Content(
        lambda: ((1, (at * STEP, at * STEP + 900, f"r{at}")) for at in range(1, count + 1)),
        alike(min(count, 1000)),
        end,
    )


def spell(at: int) -> str:
    """A number in letters: a name that no folding of counters takes for another one's."""
    return ("" if at < 26 else spell(at // 26 - 1)) + "abcdefghijklmnopqrstuvwxyz"[at % 26]


def once(count: int) -> Content:
    """Flat ranges of a name and a kernel each, none of which ever comes again: to be compared with itself."""
    end = (count + 2) * STEP
    return Content(
        lambda: ((1, (at * STEP - 100, at * STEP + 850, f"op {spell(at)}")) for at in range(1, count + 1)),
        alike(count),
        end,
    )


def threads(count: int) -> Content:
    """A range on each of many threads."""
    end = (count + 2) * STEP
    return Content(
        lambda: ((at, (at * STEP, at * STEP + 5000, "worker")) for at in range(1, count + 1)),
        alike(count),
        end,
    )


TEXT, JSON, HTML, CSV = (), ("--json",), ("--format", "html"), ("--csv",)


@dataclass(frozen=True)
class Shape:
    """How a trace is made, of how many, and what is asked of it."""

    make: Callable[[int], Content]
    count: int
    asked: tuple[tuple[str, ...], ...] = (TEXT, JSON, HTML, CSV)


RANGED = ("--range", "r*")
SHAPES = {
    "unpopped": Shape(unpopped, 1600),
    "unpopped_distinct": Shape(unpopped_distinct, 1600),
    "unpopped_host": Shape(unpopped_host, 1600),
    "unpopped_windows": Shape(unpopped_distinct, 1600, ((*RANGED,), (*RANGED, *JSON))),
    "nested": Shape(nested, 100_000),
    "nested_windows": Shape(nested, 100_000, ((*RANGED,), (*RANGED, *JSON))),
    "template": Shape(template, 32_000),
    "template_nested": Shape(template_nested, 32_000),
    "kernels": Shape(kernels, 200_000),
    "windows": Shape(windows, 1_000_000, (TEXT, (*RANGED, *HTML), (*RANGED, *JSON), (*RANGED, *CSV))),
    "windows_distinct": Shape(windows_distinct, 1_000_000, (TEXT, JSON, (*RANGED, *HTML))),
    "once": Shape(once, 4_000),
    "threads": Shape(threads, 5_000),
}


@dataclass(frozen=True)
class Taken:
    """What one whole process took."""

    code: int
    seconds: float
    """Of processor time: on a busy machine the clock says little."""
    mebibytes: float
    written: int


def take(trace: Path, asked: tuple[str, ...], folder: Path, limit: int) -> Taken:
    csv = folder / "csv"
    options = [*asked, str(csv)] if asked[-1:] == CSV else list(asked)
    flopprof = [sys.executable, "-m", "flopprof.profiler", "analyze", str(trace), *options]
    command = ["/bin/sh", "-c", f'ulimit -t {limit}; exec "$@"', "sh", *flopprof]
    out = folder / "out"
    with out.open("wb") as output:
        pid = os.posix_spawn(
            command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1)]
        )
    _, status, usage = os.wait4(pid, 0)
    seconds = usage.ru_utime + usage.ru_stime
    files = list(csv.iterdir()) if csv.is_dir() else []
    written = out.stat().st_size + sum(file.stat().st_size for file in files)
    for file in files:
        file.unlink()
    return Taken(os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss / 1024, written)


def measure(kinds: list[str], share: float, limit: int) -> None:
    print("| shape | count | asked | seconds | of half | ratio | MiB | written |")
    print("|---|---|---|---|---|---|---|---|")
    for kind in kinds:
        shape = SHAPES[kind]
        count = max(int(shape.count * share), 2)
        with tempfile.TemporaryDirectory(prefix="exploding-") as name:
            folder = Path(name)
            write(folder / "whole.sqlite", shape.make(count))
            write(folder / "half.sqlite", shape.make(count // 2))
            for asked in shape.asked:
                whole = take(folder / "whole.sqlite", asked, folder, limit)
                half = take(folder / "half.sqlite", asked, folder, limit)
                failed = f" (exit {whole.code})" if whole.code else ""
                print(
                    f"| {kind} | {count:,} | {' '.join(asked) or 'text'} | {whole.seconds:.1f}{failed} |"
                    f" {half.seconds:.1f} | {whole.seconds / half.seconds:.1f} | {whole.mebibytes:.0f} |"
                    f" {whole.written / 1e6:.1f} MB |",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("kind", choices=SHAPES)
    making.add_argument("out", type=Path)
    making.add_argument("--count", type=int)
    measuring = commands.add_parser("measure")
    measuring.add_argument("kinds", nargs="*", choices=[*SHAPES, []], default=[])
    measuring.add_argument("--share", type=float, default=1.0, help="Of each shape's count.")
    measuring.add_argument(
        "--limit", type=int, default=300, help="Processor seconds after which a process is killed."
    )
    given = parser.parse_args()
    if given.command == "make":
        shape = SHAPES[given.kind]
        write(given.out, shape.make(given.count or shape.count))
    else:
        measure(given.kinds or list(SHAPES), given.share, given.limit)


if __name__ == "__main__":
    main()
