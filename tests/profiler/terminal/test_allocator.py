"""The command keeps the memory it has freed, and works as before where that cannot be asked for."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest
from flopprof.profiler.terminal.allocator import BLAS_THREADS, keep_freed_memory

COUNT_FAULTS = """
import resource, sys
from flopprof.profiler.terminal.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
import numpy as np
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(1 << 23)
before = faults()
for _ in range(20):
    np.ones(1 << 23)
print(faults() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts page faults of glibc")
def test_freed_arrays_are_used_again():
    counts = {
        how: int(
            subprocess.run([sys.executable, "-c", COUNT_FAULTS, how], capture_output=True, check=True).stdout
        )
        for how in ("kept", "returned")
    }
    assert counts["kept"] < 100 < counts["returned"]


LIST_THREADS = """
import os
from flopprof.profiler.terminal.allocator import load_numpy
before = dict(os.environ, NUMPY_MADVISE_HUGEPAGE="0")
load_numpy()
import numpy
print(len(os.listdir("/proc/self/task")), os.environ == before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="lists its threads as Linux does")
@pytest.mark.parametrize("chosen", [{}, {BLAS_THREADS: "1"}])
def test_numpy_starts_no_threads_and_the_environment_stays(chosen: dict[str, str]):
    environment = {name: value for name, value in os.environ.items() if name != BLAS_THREADS} | chosen
    command = [sys.executable, "-c", LIST_THREADS]
    said = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    assert said.stdout == "1 True\n"


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    def no_library(_: object) -> object:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    monkeypatch.setenv("NUMPY_MADVISE_HUGEPAGE", "1")
    keep_freed_memory()
