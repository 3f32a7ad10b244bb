"""What flopprof says of many traces, as digests: two versions of it say the same where these are equal.

usage: digests.py [--flopprof PATH] FOLDER_OR_FILE ... >before.txt        then, with the other version: >after.txt

Every trace (.sqlite, .sqlite.xz) under the given folders is analysed with several sets of options and compared with
itself and with the one before it, every run (a folder with a plan.json) is reported in every format, and every
command's --help is asked for. A line is the digest of what
came to standard output, its exit code, and the command. The order is that of the names, so `diff` compares two.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

OPTIONS = (
    ("--json",),
    ("--json", "--range", "*"),
    ("--json", "--range", "*", "--window", "device"),
    ("--json", "--domain", "flopprof"),
    (),
)
FORMATS = ("text", "markdown", "html", "json")
COMMANDS = (
    *(
        "",
        "run",
        "profile",
        "analyze",
        "scrub",
        "report",
        "compare",
        "calibrate",
        "runs",
        "show",
        "tag",
        "rm",
    ),
    *("gc", "export", "import", "history", "doctor", "scenarios"),
)


def list_commands(places: list[Path]) -> list[list[str]]:
    """The arguments of every call of flopprof."""
    commands = [[*([command] if command else []), "--help"] for command in COMMANDS]
    for place in places:
        last: Path | None = None
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.name.endswith((".sqlite", ".sqlite.xz")) and "shards" not in file.parts:
                commands += [["analyze", str(file), *options] for options in OPTIONS]
                commands += [["compare", str(last or file), str(file), *shown] for shown in ((), ("--json",))]
                commands.append(["compare", str(file), str(file), "--all", "--json"])
                last = file
            elif file.name == "plan.json":
                commands += [["report", str(file.parent), "--format", name] for name in FORMATS]
    return commands


def digest_output(flopprof: str, arguments: list[str]) -> str:
    """One line: digest of standard output, exit code, arguments."""
    fixed = {**os.environ, "COLUMNS": "120", "FLOPPROF_STORE": "/nonexistent", "TERM": "dumb"}
    done = subprocess.run(
        [flopprof, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=fixed
    )
    return f"{hashlib.sha256(done.stdout).hexdigest()[:16]} {done.returncode} {' '.join(arguments)}"


def main() -> None:
    """Print one line a command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flopprof", default=str(Path(sys.executable).parent / "flopprof"))
    parser.add_argument("places", nargs="+", type=Path)
    given = parser.parse_args()
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(lambda one: digest_output(given.flopprof, one), list_commands(given.places)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
