"""One entry of the closed list of what to know before believing a number.

``error``: recorded data is lost or contradicts itself; ``warning``: numbers may be incomplete or misread;
``info``: a property of the recording that explains a number.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..words import Severity

DEVICE = ("kernels", "copies", "ranges", "windows")

RANGES = ("ranges", "range_kernels", "windows.owners")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a code means for its reader."""

    severity: Severity
    affects: tuple[str, ...]
    meaning: str
    lossy: bool = False
    """Recorded data is missing; ``--strict`` exits 3."""


def code(severity: Severity, affects: tuple[str, ...], meaning: str, *, lossy: bool = False) -> Code:
    """An entry, written in one line or few."""
    return Code(severity=severity, affects=affects, meaning=meaning, lossy=lossy)
