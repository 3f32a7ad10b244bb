"""Running `flopprof profile` as a user does, and looking for what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from running.patience import PATIENCE_SECONDS

FLOPPROF = (sys.executable, "-m", "flopprof.profiler")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiled:
    """What one `flopprof profile` came to."""

    code: int
    stdout: str
    stderr: str
    out: Path

    @property
    def files(self) -> set[str]:
        """But for python.json, which a program that ends before it is looked at has not."""
        found = {file.name for file in self.out.iterdir()} if self.out.exists() else set[str]()
        return found - {"python.json"}

    @property
    def own_lines(self) -> list[str]:
        """What flopprof itself complained of, before its report."""
        return [
            line for line in self.stderr.split("Recorder: ")[0].splitlines() if line.startswith("flopprof: ")
        ]


def start_profile(
    out: Path,
    command: Sequence[str],
    *options: str,
    stdin: int = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*FLOPPROF, "profile", f"--out={out}", *options, "--", *command],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        cwd=cwd,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[bytes], out: Path, given: bytes | None = None) -> Profiled:
    stdout, stderr = process.communicate(given, timeout=PATIENCE_SECONDS)
    return Profiled(
        code=process.returncode,
        stdout=stdout.decode("utf-8", "surrogateescape"),
        stderr=stderr.decode("utf-8", "surrogateescape"),
        out=out,
    )


def profile(
    out: Path,
    command: Sequence[str],
    *options: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Profiled:
    return finish(start_profile(out, command, *options, env=env, cwd=cwd), out)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def strays(place: Path) -> list[str]:
    """Command lines of living processes that name ``place``: the program, the recorder and its agents do."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(place) in line and process.pid != os.getpid():
            found.append(line)
    return found
