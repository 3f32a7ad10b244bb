"""A store whose runs are killed at random moments, and everything that must hold afterwards.

The database opens and passes integrity_check and foreign_key_check; every run it lists as complete re-reads as it did
the first time (a digest over all its numbers); what is not complete is listed as interrupted; ``--resume`` finishes it
without touching a shard that was published; no process and no private folder of the killed run is left.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from running.patience import PATIENCE_SECONDS

SCENARIO = """\
name: tiny
variants:
  matvec:    [matvec]
  outer_sum: [outer, {{sum: {{axis: 0}}}}]
backends: [{backends}]
devices:  [cpu]
dtypes:   [float32]
sweep:    {{n: [32, 48, 64]}}
reps:     {{count: 40, warmup: 2, max_seconds: 0.05}}
baseline: matvec
"""
STEPS_OF_A_BACKEND = 6


class Broken(AssertionError):
    """Something that must hold after a crash does not."""


def require(holds: bool, what: object) -> None:
    if not holds:
        raise Broken(str(what))


@dataclass(kw_only=True)
class Laboratory:
    """A store whose runs are killed one after the other."""

    folder: Path
    recorder: str
    backends: str
    digests: dict[str, str] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        (self.folder / "tiny.yaml").write_text(SCENARIO.format(backends=self.backends), encoding="utf-8")

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def steps(self) -> int:
        return STEPS_OF_A_BACKEND * (self.backends.count(",") + 1)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "flopprof.profiler", *arguments, "--store", str(self.store)],
            cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.folder / "tmp")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def flopprof(self, *arguments: str) -> str:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        require(
            process.returncode == 0,
            f"flopprof {' '.join(arguments)}: {process.returncode}: {err} {out[-2000:]}",
        )
        return out

    def run_command(self) -> list[str]:
        return ["run", "tiny.yaml", "--recorder", self.recorder]

    def time_a_run(self) -> float:
        """Seconds that an undisturbed run takes, the second of two: the first also fills caches."""
        (self.folder / "tmp").mkdir(exist_ok=True)
        self.flopprof(*self.run_command())
        began = time.monotonic()
        self.flopprof(*self.run_command())
        takes = time.monotonic() - began
        self.check_store()
        return takes

    def kill_a_run(self, after: float) -> str | None:
        """One kill after so many seconds and everything that must hold then, in a line. None: the run was faster."""
        met = self.kill_when(lambda elapsed: elapsed >= after)
        return f"killed after {after:6.3f} s: {met}" if met else None

    def kill_a_traced_run(self) -> str | None:
        """One kill as soon as its traced pass has begun, or a little later. None: the run was faster."""
        return self.kill_when(lambda _: any(self.store.glob("tiny-*/.staging-*/*traced*")))

    def kill_when(self, now: Callable[[float], bool]) -> str | None:
        """One kill, when ``now`` says so of the seconds since the start; what it met and what became of the run."""
        before = self.folders()
        process = self.start(*self.run_command())
        began = time.monotonic()
        while process.poll() is None and not now(time.monotonic() - began):
            time.sleep(0.001)
        process.kill()
        process.communicate()
        if process.returncode != -signal.SIGKILL:
            return None
        new = self.folders() - before
        met = self.describe(next(iter(new))) if new else "no folder yet"
        self.check_store()
        resumed = self.finish(new)
        self.check_store()
        self.flopprof("gc")
        require(not (strays := self.strays()), f"stray processes: {strays}")
        require(not (left := self.leftovers()), f"left lying: {left}")
        self.seen[met] += 1
        return f"{met}; {resumed}"

    def finish(self, new: set[str]) -> str:
        """Resume the killed run, if there is something to resume."""
        listed = {run["folder"].rpartition("/")[2]: run for run in self.runs()}
        begun = [listed[name] for name in new if name in listed]
        if not begun:
            return "nothing to resume"
        run = begun[0]
        require(run["status"] in ("complete", "interrupted"), run)
        if run["status"] == "complete":
            return "complete"
        published = self.published(self.store / run["id"])
        self.flopprof("run", "--resume", run["id"])
        now = self.published(self.store / run["id"])
        require(
            all(now.get(name) == digest for name, digest in published.items()),
            "a published shard was changed",
        )
        again = {line["id"]: line for line in self.runs()}[run["id"]]
        require((again["status"], again["done"], again["failed"]) == ("complete", self.steps, 0), again)
        return f"resumed, {len(now) - len(published)} of {len(now)} shard files made anew"

    def check_store(self) -> None:
        """The database is sound, and what is complete reads as it always did."""
        database = self.store / "flopprof.db"
        if database.exists():
            with sqlite3.connect(database) as connection:
                require(
                    connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "integrity_check"
                )
                require(connection.execute("PRAGMA foreign_key_check").fetchall() == [], "foreign_key_check")
            connection.close()
        for run in self.runs():
            require(run["status"] in ("complete", "interrupted"), run)
            if run["status"] == "complete":
                require((run["done"], run["failed"]) == (self.steps, 0), run)
                digest = digest_run(self.store, run["id"])
                require(self.digests.setdefault(run["id"], digest) == digest, f"{run['id']} reads otherwise")

    def runs(self) -> list[dict[str, Any]]:
        return json.loads(self.flopprof("runs", "--json"))["runs"]

    def folders(self) -> set[str]:
        return {entry.name for entry in self.store.glob("tiny-*")}

    def published(self, run: Path) -> dict[str, str]:
        return {
            str(file.relative_to(run)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted((run / "shards").rglob("*"))
            if file.is_file()
        }

    def describe(self, name: str) -> str:
        """How far a run had come."""
        run = self.store / name
        if not (run / "plan.json").exists():
            return "no plan yet"
        status = json.loads((run / "plan.json").read_text())["run"]["status"]
        if status == "complete":
            with sqlite3.connect(self.store / "flopprof.db") as connection:
                rows = connection.execute("SELECT count(*) FROM runs WHERE folder = ?", [name]).fetchone()[0]
            connection.close()
            return "complete" if rows else "complete, no row yet"
        if (run / "report.txt").exists():
            return "reports begun"
        shards = len(list((run / "shards").iterdir()))
        if shards * STEPS_OF_A_BACKEND == self.steps:
            return "all shards published"
        passes = [entry.name for entry in run.glob(".staging-*/*")]
        which = "traced" if any("traced" in name for name in passes) else "control" if passes else "before"
        return f"{shards} shards published, {which} pass"

    def strays(self) -> list[str]:
        """Processes of this laboratory that still run; all have its folder as the parent of their TMPDIR."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("TMPDIR", "").startswith(str(self.folder / "tmp" / "flopprof-")):
                    found.append(f"{process.pid} {' '.join(process.cmdline())[:100]}")
            except psutil.Error:
                continue
        return found

    def leftovers(self) -> list[str]:
        hidden = [*self.store.glob(".*"), *self.store.glob("*/.*")]
        return [str(path) for path in [*hidden, *(self.folder / "tmp").iterdir()]]


def digest_run(store: Path, run: str) -> str:
    """A digest of every number that a run's folder and the database give for it."""
    from flopprof.analysis.runs.account import account_run
    from flopprof.analysis.store.database import read_store
    from flopprof.analysis.store.queries import read_run
    from flopprof.reports.data.run_json import run_to_json
    from flopprof.reports.render.json_text import render_json

    with read_store(store) as connection:
        rows = read_run(connection, run) if connection else None
    text = render_json(run_to_json(account_run(store / run))) + json.dumps(rows, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
