"""A trace: what a recorder saw, as frames with declared columns, and what is wrong with it.

Read once with `read_trace`; nothing changes it afterwards. Everything that follows (attribution, breakdown,
tables) is computed from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..arithmetic.arrays import Codes, Ints, ints
from ..export.devices import Device, GpuInfo
from ..export.metadata import Metadata
from ..samples.gpu_samples import GpuSamples
from ..words import QualityNote


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A recorded run; the frames' columns are those of frames.COLUMNS."""

    path: Path
    metadata: Metadata
    activities: pd.DataFrame
    by_start: Ints
    """Rows of `activities` in the order of time."""
    copies: pd.DataFrame
    launches: pd.DataFrame
    calls: pd.DataFrame
    event_waits: pd.DataFrame
    graph_nodes: pd.DataFrame
    ranges: pd.DataFrame
    marks: pd.DataFrame
    threads: pd.DataFrame
    names: tuple[str, ...]
    """Texts by their codes, in alphabetical order."""
    processes: tuple[int, ...]
    """Process keys by their codes: global ids without the thread."""
    devices: tuple[Device, ...]
    gpus: dict[int, GpuInfo]
    has_calls: bool
    """Whether the export has a table of API calls; without one, idle time cannot be split."""
    duration_ns: int
    """Length of the recording: what the export says, else the latest time in it."""
    quality: tuple[QualityNote, ...]
    samples: tuple[GpuSamples, ...] = ()
    """Samples of the devices, by device; none where none were taken."""

    def name(self, code: int) -> str:
        """The text of a code."""
        return self.names[code] if code >= 0 else ""

    def copy_kinds(self, rows: Ints) -> Codes:
        """The kind of copy of some rows of `activities` that are copies."""
        return ints(self.copies, "copy_kind")[np.searchsorted(ints(self.copies, "activity"), rows)]

    def extent(self) -> tuple[int, int]:
        """First and last instant at which anything was recorded: calls, ranges, device work."""
        frames = [f for f in (self.activities, self.calls, self.ranges) if len(f)]
        if not frames:
            return 0, 0
        return min(int(ints(f, "start_ns").min()) for f in frames), max(
            int(ints(f, "end_ns").max()) for f in frames
        )
