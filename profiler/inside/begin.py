"""A Python program that records itself: its ranges from its first line, its device from when it first uses one.

Begun at the interpreter's start by the ``sitecustomize.py`` that `flopprof profile` puts on PYTHONPATH, which loads
this file as a package named LOADED_AS. What was recorded is written at the interpreter's end, into a folder of this
process.
"""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from .giving_way import GivingWay
from .kept_ranges import KeptRanges
from .nvtx_bridges import AfterImport, bridges
from .torch_activity import TorchActivity

FOLDER = "FLOPPROF_INSIDE"
"""The variable that names the folder for what processes record of themselves."""

BEGAN, ENDED = "began", "ended"
"""Empty files: that it has begun, and that all it recorded is written."""


class SelfRecording:
    """One process's own recording."""

    def __init__(self, folder: Path) -> None:
        self._pid, self._folder = os.getpid(), folder
        self.ranges, self._activity = KeptRanges(), TorchActivity(folder)
        self._recording = GivingWay(self._activity)

    def begin(self) -> None:
        """Wait for the libraries that use devices, and for the process's end."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / BEGAN).touch()
        changes = {**bridges(self.ranges), "torch": self._await_torch, "cupy": self._await_cupy}
        sys.meta_path.insert(0, AfterImport(changes))
        atexit.register(self.finish)

    def _await_torch(self, torch: ModuleType) -> None:
        """Begin when torch makes its CUDA context, which it calls these for."""
        self._recording.watch(torch.autograd.profiler)
        torch.cuda._lazy_call(self._recording.begin)

    def _await_cupy(self, cupy: Any) -> None:
        """Begin now, as CuPy does not tell of its context, and after it has loaded its own cuBLAS, not torch's."""
        try:
            if cupy.cuda.runtime.getDeviceCount():
                ones = cupy.ones((2, 2), dtype="float32")
                _ = ones @ ones
                self._recording.begin()
        except Exception as error:  # the program is to run as if nothing recorded it
            self._activity.problem = f"{type(error).__name__} when CuPy was imported"

    def finish(self) -> None:
        """Write what was recorded; a child that was forked is not the process that recorded."""
        if os.getpid() != self._pid:
            return
        self._recording.end()
        self.ranges.save(self._folder)
        (self._folder / ENDED).touch()


def begin() -> SelfRecording | None:
    """Record this process, if its environment says where to."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return None
    recording = SelfRecording(Path(folder) / str(os.getpid()))
    recording.begin()
    return recording
