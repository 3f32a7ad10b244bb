"""A small disk with a little room, and everything that must hold of a run that meets its end there."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from running.crashes import SCENARIO, require
from running.patience import PATIENCE_SECONDS

KIB = 1024


@contextmanager
def small_disk(kib: int) -> Iterator[Path]:
    """A file system of this size; only root may make one. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="fd-") as folder:
        options = ["-t", "tmpfs", "-o", f"size={kib}k,mode=700", "tmpfs", folder]
        subprocess.run(["mount", *options], check=True, capture_output=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """Nothing can be written on a small disk."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True, capture_output=True)


def can_mount() -> bool:
    """Whether this process may make a small disk."""
    try:
        with small_disk(64):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@dataclass(frozen=True, kw_only=True)
class FullDisk:
    """A store on a disk with little room, its temporary files on it too if asked for."""

    disk: Path
    recorder: str
    temporary: bool = False

    def flopprof(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        temporary = {"TMPDIR": str(self.disk / "t")} if self.temporary else {}
        return subprocess.run(
            [sys.executable, "-m", "flopprof.profiler", *arguments, "--store", "store"],
            cwd=self.disk,
            env={**os.environ, **temporary},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def leave(self, kib: int) -> None:
        """Take all room but so much."""
        free = os.statvfs(self.disk).f_bavail * os.statvfs(self.disk).f_frsize
        with (self.disk / "ballast").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free - kib * KIB))

    def runs(self) -> list[dict[str, Any]]:
        done = self.flopprof("runs", "--json")
        require(done.returncode == 0, done.stderr)
        return json.loads(done.stdout)["runs"]

    def run_with(self, kib: int) -> str:
        """A run with so much room, then with room again; what it met, in a line."""
        (self.disk / "t").mkdir()
        (self.disk / "tiny.yaml").write_text(SCENARIO.format(backends="numpy"), encoding="utf-8")
        self.leave(kib)
        done = self.flopprof("run", "tiny.yaml", "--recorder", self.recorder)
        full = self.runs()
        (self.disk / "ballast").unlink()
        told = [line for line in done.stderr.splitlines() if line.startswith("flopprof: ")]
        if done.returncode != 0:
            require(done.returncode == 2, (done.returncode, done.stdout[-1500:], done.stderr))
            require(len(told) == 1 and "Traceback" not in done.stderr, done.stderr)
            require("disk is full" in told[0] or "No space left" in told[0], told)
        require(all(run["status"] == "complete" for run in full) or done.returncode == 2, full)
        after = self.finish()
        name = str(self.disk)
        return f"{kib:5} KiB: exit {done.returncode}, {told[0].replace(name, 'DISK') if told else 'complete'} → {after}"

    def finish(self) -> str:
        """With room again, the store works and the run can be completed."""
        for run in self.runs():
            folder = self.disk / run["folder"]
            status = json.loads((folder / "plan.json").read_text())["run"]["status"]
            require(run["status"] == status, (run, status))
            if status == "interrupted":
                done = self.flopprof("run", "--resume", run["id"])
                require(done.returncode == 0, done.stderr)
        met = "resumed" if self.runs() else "new run"
        if not self.runs():
            done = self.flopprof("run", "tiny.yaml", "--recorder", self.recorder)
            require(done.returncode == 0, done.stderr)
        (run,) = self.runs()
        require((run["status"], run["done"]) == ("complete", 6), run)
        with sqlite3.connect(self.disk / "store" / "flopprof.db") as connection:
            require(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "integrity_check")
        connection.close()
        return f"{met}, complete"
