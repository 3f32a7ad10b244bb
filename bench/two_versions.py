"""Processor time and peak memory of commands under two versions of flopprof, and of a plain scan, in turns.

    python bench/two_versions.py BEFORE AFTER [--turns 3] [--scan TRACE.sqlite] -- COMMAND [ -- COMMAND … ]

BEFORE and AFTER are folders that hold the package `flopprof` (of a checkout: its `.link`). Processor time, the least of
the turns, holds on a machine that others use as well, where wall time says how busy it was.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

FLOOR = Path(__file__).resolve().parent / "floor.sql"


@dataclass(frozen=True)
class Taken:
    """What one process took."""

    seconds: float
    mebibytes: float


def take(command: list[str], folder: str | None, stdin: Path | None) -> Taken:
    environment = os.environ if folder is None else {**os.environ, "PYTHONPATH": folder}
    with Path(stdin or os.devnull).open("rb") as given, Path(os.devnull).open("wb") as nowhere:
        child = subprocess.Popen(command, env=environment, stdin=given, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return Taken(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def least(taken: list[Taken]) -> Taken:
    return Taken(min(one.seconds for one in taken), max(one.mebibytes for one in taken))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--scan", type=Path)
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    given = parser.parse_args(words[:at])
    commands = [list(group) for is_end, group in groupby(words[at:], "--".__eq__) if not is_end]
    flopprof = [sys.executable, "-P", "-m", "flopprof.profiler"]  # -P: not the folder it is called in
    print("| command | processor time before | after | after / before | peak memory before | after |")
    print("|---|---|---|---|---|---|")
    for command in commands:
        turns: dict[str, list[Taken]] = {"before": [], "after": []}
        for _ in range(given.turns):
            for name, folder in (("before", given.before), ("after", given.after)):
                turns[name].append(take([*flopprof, *command], folder, None))
        before, after = least(turns["before"]), least(turns["after"])
        shown = " ".join(Path(word).name if "/" in word else word for word in command)
        print(
            f"| {shown} | {before.seconds:.2f} s | {after.seconds:.2f} s | {after.seconds / before.seconds:.2f} |"
            f" {before.mebibytes:.0f} MiB | {after.mebibytes:.0f} MiB |",
            flush=True,
        )
    if given.scan:
        scan = ["sqlite3", "-readonly", str(given.scan)]
        floor = least([take(scan, None, FLOOR) for _ in range(given.turns)])
        print(f"\nA scan of the needed columns of {given.scan.name}: {floor.seconds:.2f} s.")


if __name__ == "__main__":
    main()
