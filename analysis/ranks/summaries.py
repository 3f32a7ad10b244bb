"""What travels between the process that has a rank's trace and the one that knows all ranks: sums, never events.

Everything here is picklable, in the trace's own clock, and small: a line per collective, per step and per range of a
step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import Codes, Ints
from ..attribution.range_names import RangeName
from ..words import LAYERS, QualityNote

WAIT = len(LAYERS)
"""The layer after the ten: the device did nothing but wait for other ranks inside a collective."""

STEP_LAYERS = (*LAYERS, "wait")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Collectives:
    """A rank's NCCL kernels by their start; -1 is unknown."""

    start_ns: Ints
    end_ns: Ints
    stream: Codes
    """Places in `streams`."""
    streams: tuple[tuple[int, int], ...]
    """(context, stream), in the order of their first collective."""
    family: Codes
    families: tuple[str, ...]
    kernel: Codes
    kernels: tuple[str, ...]
    communicator: Ints
    size: Ints
    """Ranks of the communicator."""
    bytes: Ints

    def __len__(self) -> int:
        return len(self.start_ns)

    @property
    def duration_ns(self) -> Ints:
        """How long each was on the device, waiting included."""
        return self.end_ns - self.start_ns

    def family_name(self, at: int) -> str:
        """What the collective at a place is."""
        return self.families[int(self.family[at])]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCandidate:
    """Ranges of one name that might be the steps; in the name a # stands for the digits of each."""

    domain: str
    name: str
    depth: int
    instances: int
    wall_ns: int
    outside: int
    """Instances that have over 5 % of their device work outside their own host window."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankSummary:
    """One rank as its own trace tells it: a process on a device."""

    unit: int
    """Which of the ranks in this trace, in the order of their devices and processes."""
    units: int
    told_rank: int | None
    """By NCCL's payload, like `told_size`, the number of ranks of the largest communicator."""
    told_size: int | None
    pid: int | None
    device: int | None
    device_name: str | None
    utc_epoch_ns: int | None
    device_ns: int
    collectives: Collectives
    candidates: tuple[StepCandidate, ...]
    quality: tuple[QualityNote, ...]
    version: tuple[int, int]
    """Size and time of change of the file, by which another file of the same name is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChoice:
    """Which ranges are the steps, and the clock they are cut on."""

    domain: str
    name: str
    glob: str | None
    window: str
    """host or device."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """What a step's lane shows: ranges directly in the step, on the host and where their work lay on the device."""

    step: Codes
    path: Codes
    """Places in StepSums.paths."""
    on_device: NDArray[np.bool_]
    start_ns: Ints
    end_ns: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HostTime:
    """How long the thread of the steps itself was in each range of a step, calls that wait for the device left out.

    The device's idle layers do not tell that: where a rank's device waits in a collective, what its host did is hidden.
    """

    step: Codes
    path: Codes
    """Places in the paths of the steps' sums."""
    ns: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepSums:
    """The steps of one rank, in their order: where the time of each went, by range and layer."""

    names: tuple[str, ...]
    """The message of each step's range."""
    start_ns: Ints
    end_ns: Ints
    layers: NDArray[np.int64]
    """A row per step, a column for each of STEP_LAYERS; a row adds up to the step's length."""
    split: bool
    """Whether idle time has layers."""
    step: Codes
    path: Codes
    layer: Codes
    ns: Ints
    """The same by range, in the order of steps: `path` is a place in `paths`; the rows of a step add up, too."""
    paths: tuple[tuple[str, ...], ...]
    """Messages from the step's own inwards, which is empty for what no range of the step owns.

    Where the ranks of a job have ranges that differ by a domain alone, messages stand behind their domains.
    """
    ranges: tuple[RangeName, ...]
    """The same with the domain of each message."""
    host: HostTime
    of_collective: Codes
    """The step in which each collective was launched, -1 for none."""
    bars: Bars

    def __len__(self) -> int:
        return len(self.start_ns)
