"""What `flopprof analyze` says of damaged traces: thousands of mutations, each judged.

    python bench/mutate_traces.py [--count 2000] [--seed 0] [--every 1] [--traces FOLDER] [--write FILE] [--list]

Structural mutations take away or spoil something SQLite can still read: a table, a column, its values, its
order. The answer must be right for what is left: device time as plain SQL adds it up, and whenever anything
else than before is said, a quality code says why; or one line and exit code 2. Flipped bytes may leave any
valid data, so there the rules are: no traceback, no hang, less than 1 GiB, exit code 0, 2 or 3, and what was
read adds up. A mutation that breaks a rule can be made again from the seed and its number.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import lzma
import os
import random
import resource
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What the command imports when it runs is there before a child is made: nine tenths of a child's time.
import flopprof.analysis.breakdown.analyze
import flopprof.profiler.commands.analyze
import flopprof.profiler.terminal.allocator
import flopprof.reports.render.json_text  # noqa: F401
from flopprof.profiler.commands.app import app
from fuzz.mutations import DEVICE_TABLES, MUTATIONS, STRUCTURAL, UNCHANGED, WEIGHTS, tables_of

ROOT = Path(__file__).resolve().parent.parent
TRACES = ROOT / "tests" / "data"
SECONDS, MEBIBYTES = 60, 1024
LAYERS = ("kernel", "memcpy", "memset", "graph", "launch", "latency", "sync", "api", "host", "unknown")
LEAVING_OUT = {"overlapping_records", "outlasting_records", "repeated_records"}
"""With these some records with possible times are in no sum."""


@dataclass
class Outcome:
    """What one `flopprof analyze --json --strict` did."""

    code: int
    out: str
    err: str
    seconds: float
    mebibytes: float
    broken: list[str] = field(default_factory=list)

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)

    @property
    def codes(self) -> dict[str, int]:
        return {q["code"]: q["count"] for q in self.document["quality"]}


def analyze(path: Path, folder: Path) -> Outcome:
    """Run the command in a child process: what it imports is there already, its memory is its own."""
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        _become_command(path, folder)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    out, err = ((folder / name).read_text(errors="replace") for name in ("out", "err"))
    return Outcome(code, out, err, time.perf_counter() - began, usage.ru_maxrss / 1024)


def _become_command(path: Path, folder: Path) -> None:
    code = 70
    try:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        app(["analyze", str(path), "--json", "--strict"], prog_name="flopprof")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def device_time(path: Path) -> int | None:
    """Device time as SQL adds it up: records whose times can be true; None when SQLite cannot read them."""
    total = 0
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            db.text_factory = bytes
            for table in set(DEVICE_TABLES) & set(tables_of(db)):
                query = f'SELECT start, "end" FROM {table} WHERE typeof(start) = typeof("end")'
                for start, end in db.execute(f"{query} AND typeof(start) = 'integer'"):
                    if start <= end and abs(start) < 1 << 62 and abs(end) < 1 << 62 and (start or end):
                        total += end - start if end - start <= 1 << 50 else 0
    except sqlite3.Error:
        return None
    return total


def judge(kind: str, path: Path, found: Outcome, before: Outcome) -> list[str]:
    """The rules this outcome breaks."""
    broken = []
    if found.code not in (0, 2, 3):
        return [f"exit code {found.code}: {found.err.strip()[-300:]}"]
    if "Traceback" in found.err:
        broken.append("a traceback")
    if found.mebibytes > MEBIBYTES:
        broken.append(f"{found.mebibytes:.0f} MiB")
    if found.code == 2:
        if found.out or found.err.count("\n") != 1 or not found.err.startswith("flopprof: "):
            broken.append(f"not one line: {found.err[:300]!r}")
        return broken
    left_out = LEAVING_OUT & set(found.codes)
    broken += judge_sums(found.document, None if left_out else device_time(path))
    if kind in STRUCTURAL:
        broken += judge_silence(kind, found, before)
    return broken


def judge_sums(document: dict[str, Any], expected: int | None) -> list[str]:
    broken = []
    device = document["device_ns"]
    if device != document["attributed_ns"] + document["unattributed_ns"]:
        broken.append("attributed and unattributed are not all")
    if expected is not None and device != expected:
        broken.append(f"device time {device}, SQL says {expected}")
    listed = sum(row["total_ns"] for row in (*document["kernels"], *document["copies"]))
    if listed > device or (document["trace"]["graph_mode"] != "graph" and listed != device):
        broken.append(f"kernels and copies sum to {listed} of {device}")
    for window in document["windows"]:
        layers = [window[f"{layer}_ns"] for layer in LAYERS]
        if None not in layers and sum(layers) != window["wall_ns"]:
            broken.append(f"layers sum to {sum(layers)} of {window['wall_ns']}")
        owned = sum(owner["ns"] for owner in window["owners"])
        if window["device"] is not None and owned != window["wall_ns"]:
            broken.append(f"owners sum to {owned} of {window['wall_ns']}")
    return broken


def judge_silence(kind: str, found: Outcome, before: Outcome) -> list[str]:
    """A different answer needs a reason: a quality code that was not there, or counts more."""
    if before.code == 2 or answer(found) == answer(before):
        return []
    if before.document["kernels"] and not found.document["kernels"] and "graph_mode" in found.codes:
        return []  # launches without a kernel are normal where graphs are recorded as a whole
    if kind in UNCHANGED:
        return ["another order of rows, another answer"]
    new = {code for code, count in found.codes.items() if count > before.codes.get(code, 0)}
    if new:
        return []
    different = [k for k, v in answer(found).items() if v != answer(before)[k]]
    return [f"a different answer without a new quality code: {', '.join(different)}"]


def answer(outcome: Outcome) -> dict[str, Any]:
    document = outcome.document
    document["trace"] = {k: v for k, v in document["trace"].items() if k not in ("path", "sha256")}
    return {k: v for k, v in document.items() if k != "quality"}


# ---- all of them ----


@dataclass(frozen=True)
class Line:
    number: int
    kind: str
    trace: str
    what: str
    outcome: Outcome

    def __str__(self) -> str:
        said = self.outcome.err.strip().split(": ", 2)[-1] if self.outcome.code == 2 else self.codes()
        broken = f" BROKEN: {'; '.join(self.outcome.broken)}" if self.outcome.broken else ""
        subject = f"{self.number:5} {self.kind:22} {self.trace:34} {self.what:58}"
        return f"{subject} exit {self.outcome.code} {said[:150]}{broken}"

    def codes(self) -> str:
        return " ".join(self.outcome.codes) if self.outcome.code in (0, 3) else ""


def find_traces(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.sqlite.xz"), *folder.glob("*/*.sqlite.xz")])


def mutate_all(traces: list[Path], numbers: range, seed: int) -> Iterator[Line]:
    kinds = [kind for kind in MUTATIONS for _ in range(WEIGHTS.get(kind, 4))]
    with tempfile.TemporaryDirectory(prefix="flopprof-mutate-") as name:
        folder = Path(name)
        plain = {path.name.removesuffix(".sqlite.xz"): lzma.decompress(path.read_bytes()) for path in traces}
        before: dict[str, Outcome] = {}
        path = folder / "mutated.sqlite"
        for number in numbers:
            rng = random.Random(f"{seed}:{number}")
            kind, trace = kinds[number % len(kinds)], rng.choice(sorted(plain))
            path.write_bytes(plain[trace])
            if trace not in before:
                before[trace] = analyze(path, folder)
            what = MUTATIONS[kind](path, rng)
            outcome = analyze(path, folder)
            outcome.broken = judge(kind, path, outcome, before[trace])
            yield Line(number, kind, trace, what, outcome)


def summarize(lines: list[Line]) -> list[str]:
    rows = [
        "| mutation | number | exit 0 | exit 2 | exit 3 | rules broken | longest | most memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind in MUTATIONS:
        mine = [line.outcome for line in lines if line.kind == kind]
        if mine:
            codes = collections.Counter(outcome.code for outcome in mine)
            broken = sum(bool(outcome.broken) for outcome in mine)
            longest, most = max(o.seconds for o in mine), max(o.mebibytes for o in mine)
            exits = " | ".join(str(codes[code]) for code in (0, 2, 3))
            rows.append(f"| {kind} | {len(mine)} | {exits} | {broken} | {longest:.1f} s | {most:.0f} MiB |")
    return rows


def report(lines: list[Line], command: str) -> str:
    broken = [line for line in lines if line.outcome.broken]
    head = [f"`{command}`: {len(lines)} mutations, {len(broken)} of which break a rule.", ""]
    return "\n".join([*head, *summarize(lines), ""])


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutate traces and judge what is said of them.")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--every", type=int, default=1, help="of the numbers of mutations only each so-manieth"
    )
    parser.add_argument("--traces", type=Path, default=TRACES)
    parser.add_argument("--write", type=Path, help="the table in Markdown, as docs/robustness.md has it")
    parser.add_argument("--list", action="store_true", help="every mutation and what was said of it")
    options = parser.parse_args()
    lines = []
    numbers = range(0, options.count, options.every)
    for line in mutate_all(find_traces(options.traces), numbers, options.seed):
        lines.append(line)
        if line.outcome.broken:
            print(line, file=sys.stderr)
        if options.list:
            print(str(line).rstrip(), flush=True)
    print("\n".join(summarize(lines)))
    command = ["python bench/mutate_traces.py", f"--count {options.count} --seed {options.seed}"]
    if options.every != 1:
        command.append(f"--every {options.every}")
    if options.traces != TRACES:
        command.append(f"--traces {options.traces}")
    if options.write:
        options.write.write_text(report(lines, " ".join(command)))
    return int(any(line.outcome.broken for line in lines))


if __name__ == "__main__":
    sys.exit(main())
