"""What is asked of one trace, refused before it is read where one option says nothing without another."""

from __future__ import annotations

from pathlib import Path

from ..errors import TraceError
from ..words import WindowClock


def refuse_clock_alone(trace: Path, range_glob: str | None, window: WindowClock) -> None:
    """Raise TraceError for windows on the device's clock without ranges that they are of."""
    if window == "device" and range_glob is None:
        raise TraceError(
            trace, "--window device cuts the windows of ranges, and none are named: add --range GLOB"
        )
