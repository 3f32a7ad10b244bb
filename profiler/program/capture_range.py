"""The part of a program that is recorded: all of it, between cudaProfilerStart and Stop, or one NVTX range.

A range that comes again is recorded again, as a trace of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import ProfileError

CUDA = "cudaProfilerApi"

NVTX = "nvtx:"

MOST_CAPTURES = 20
"""Times that a range is recorded: each is a report of its own, which takes seconds to make."""


@dataclass(frozen=True, slots=True)
class CaptureRange:
    """``nvtx`` is the range as Nsight Systems names it, `range@domain`; "" with ``cuda`` False is the whole."""

    cuda: bool = False
    nvtx: str = ""

    def __str__(self) -> str:
        return CUDA if self.cuda else f"{NVTX}{self.nvtx}" if self.nvtx else "whole program"

    def options(self) -> list[str]:
        """For `nsys profile`; without --capture-range-end it kills the program at the range's end."""
        end = f"--capture-range-end=repeat:{MOST_CAPTURES}"
        if self.cuda:
            return ["--capture-range=cudaProfilerApi", end]
        if self.nvtx:
            return ["--capture-range=nvtx", f"--nvtx-capture={self.nvtx}", end]
        return []

    def extend(self, environment: Mapping[str, str]) -> dict[str, str]:
        """With the variable that makes Nsight Systems compare the names of unregistered ranges, too."""
        return {**environment, **({"NSYS_NVTX_PROFILER_REGISTER_ONLY": "0"} if self.nvtx else {})}


NO_RANGE = CaptureRange()


def parse_capture_range(text: str | None) -> CaptureRange:
    """``cudaProfilerApi``, ``nvtx:NAME`` (any domain) or ``nvtx:NAME@DOMAIN``. Raises ProfileError.

    >>> parse_capture_range("nvtx:train").options()[1]
    '--nvtx-capture=train@*'
    """
    if text is None:
        return NO_RANGE
    if text == CUDA:
        return CaptureRange(cuda=True)
    name = text.removeprefix(NVTX)
    if not text.startswith(NVTX) or not name:
        raise ProfileError(f"--capture-range {text!r} is neither {CUDA} nor nvtx:NAME")
    return CaptureRange(nvtx=name if "@" in name else f"{name}@*")
