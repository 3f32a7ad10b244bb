"""Where device work was asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import Codes, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """Where device work was asked for: one per launching call (and per captured graph node, if so attributed)."""

    call: Codes
    """Row of trace.calls; -1 for a graph node's capture, which is no launch."""
    thread: Codes
    time: Ints
    owner: Codes
    """Row of trace.ranges, -1 for none."""
    kind: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.call)
