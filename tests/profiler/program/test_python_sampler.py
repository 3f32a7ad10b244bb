"""The sampler inside a program: what it sees, and that the program does not notice."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flopprof.analysis.programs.samples import PythonSamples
from flopprof.profiler.program import python_sampler
from flopprof.profiler.program.python_samples import Sampling

WAITS_FOR_SAMPLES = """
import os, pathlib, sys, time
seen = pathlib.Path(os.environ["FLOPPROF_SAMPLES"])
def wait(name):
    while not (seen / f"{name}.json").exists(): spin()
def spin():
    end = time.monotonic() + 0.05
    while time.monotonic() < end: pass
"""


def run_sampled(
    folder: Path, code: str, **more: str
) -> tuple[subprocess.CompletedProcess[str], PythonSamples | None]:
    sampling = Sampling(folder=folder / "python", hz=200.0)
    environment = sampling.extend({**os.environ, **more})
    script = folder / "work.py"
    script.write_text(WAITS_FOR_SAMPLES + code)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done, sampling.collect()


def test_it_names_the_function_that_had_the_time(tmp_path: Path) -> None:
    done, samples = run_sampled(tmp_path, "wait(os.getpid())\nsys.exit(7)")
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    assert samples is not None and samples.main_thread is not None
    most, stack = max(samples.stacks(samples.main_thread), key=lambda pair: pair[1].ns)
    assert [(f.name, f.file, f.own) for f in most][:2] == [
        ("<module>", "work.py", True),
        ("wait", "work.py", True),
    ]
    assert stack.cpu_ns is None or stack.cpu_ns > 0
    assert not any("sitecustomize.py" in f.file for f in samples.functions)


def test_a_forked_child_is_sampled_too_and_nothing_is_warned_of(tmp_path: Path) -> None:
    code = """
pid = os.fork()
if pid == 0:
    wait(os.getpid())
    os._exit(0)
os.waitpid(pid, 0)
"""
    done, samples = run_sampled(tmp_path, code)
    assert (done.returncode, done.stderr) == (0, "")
    assert samples is not None
    assert len({thread.pid for thread in samples.threads}) == 2


def test_the_programs_own_sitecustomize_still_runs(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text("import builtins\nbuiltins.marked = 'yes'\n")
    before = os.pathsep.join([str(tmp_path / "own"), os.environ.get("PYTHONPATH", "")])
    code = "import sitecustomize\nprint(marked, sitecustomize.__file__)"
    done, _ = run_sampled(tmp_path, code, PYTHONPATH=before)
    assert done.stdout.split() == ["yes", str(tmp_path / "own" / "sitecustomize.py")]


@pytest.mark.parametrize("code", ["", "os._exit(0)", "raise SystemExit(3)"])
def test_a_program_that_ends_at_once_ends_as_ever(tmp_path: Path, code: str) -> None:
    done, _ = run_sampled(tmp_path, code)
    assert (done.returncode, done.stderr) == (3 if "3" in code else 0, "")


def test_computing_that_was_once_unknown_stays_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = python_sampler.Sampler(str(tmp_path), 100.0, starter="")
    thread, frame = threading.current_thread(), sys._getframe()
    readings = iter([1_000, None, 9_000, 10_000])
    monkeypatch.setattr(python_sampler, "_cpu_ns", lambda _: next(readings))
    for _ in range(4):
        sampler._count(thread, frame, 5)
    ((_, stacks),) = sampler._stacks.items()
    assert list(stacks.values()) == [[4, 20, -1]]
