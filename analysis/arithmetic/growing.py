"""A column that is made part by part, in one piece of memory: parts that are joined at the end are there twice."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

_T = TypeVar("_T", bound=np.generic)


class Growing(Generic[_T]):
    """Values, and room for more, of which what is not used is no memory yet."""

    def __init__(self, dtype: DTypeLike, room: int) -> None:
        self._values: NDArray[_T] = np.empty(room, dtype)
        self._used = 0

    def extend(self, values: NDArray[_T]) -> None:
        """Append a part."""
        end = self._used + len(values)
        if end > len(self._values):
            self._values.resize(end + end // 2, refcheck=False)  # nobody else has seen it
        self._values[self._used : end] = values
        self._used = end

    def finish(self) -> NDArray[_T]:
        """All of it; nothing can be appended then."""
        self._values.resize(self._used, refcheck=False)
        return self._values
