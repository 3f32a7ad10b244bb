"""Which notes mean lost data."""

from __future__ import annotations

from collections.abc import Iterable

from ..words import QualityNote
from .closed_list import CODES


def loses_data(notes: Iterable[QualityNote]) -> bool:
    """Whether any note means lost data: what ``--strict`` refuses."""
    return any(is_lossy(one) for one in notes)


def loses_device_work(notes: Iterable[QualityNote]) -> bool:
    """Whether any note says that kernels, copies or fills of the device are missing."""
    return any(is_lossy(one) and "kernels" in one.affects for one in notes)


def is_lossy(one: QualityNote) -> bool:
    """Whether a note means lost data; a code that is not on the list counts by its severity."""
    return CODES[one.code].lossy if one.code in CODES else one.severity == "error"
