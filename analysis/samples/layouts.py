"""The samples of an export, in whichever layout it has them."""

from __future__ import annotations

from ..sqlite.file import SqliteFile
from .generic_events import EVENTS, read_events
from .gpu_metrics import NAMES, VALUES, read_values
from .gpu_samples import GpuSamples


def read_gpu_samples(file: SqliteFile, schema: str) -> tuple[GpuSamples, ...]:
    """The samples of every device, by device; empty where none were taken."""
    found = iter(())
    if VALUES in file.tables and NAMES in file.tables:
        found = read_values(file, schema)
    elif EVENTS in file.tables:
        found = read_events(file)
    return tuple(sorted(found, key=lambda samples: samples.device))
