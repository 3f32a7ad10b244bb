"""Tables of an HDF5 file of Nsight Systems: each a dataset of records, which it writes in a third of SQLite's time.

Only integers are read, part by part, as a table of millions of samples is. Needs the extra ``flopprof[hdf5]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import TraceError
from ..sqlite.columns import IntColumn
from ..sqlite.file import SqliteFile
from ..sqlite.folded import Folded, Values
from ..sqlite.scan import TakePart

if TYPE_CHECKING:
    import h5py

AT_ONCE = 1 << 18
"""Records that are read in one go."""

DAMAGED = (OSError, RuntimeError, KeyError, ValueError, TypeError)
"""What h5py raises of objects that contradict themselves."""

T = TypeVar("T")


class HdfFile(SqliteFile):
    """An HDF5 file whose tables answer `parts` as those of a SQLite file do, and nothing else."""

    def __init__(self, path: Path) -> None:
        """Open `path`, or raise TraceError: no HDF5, cut short, or with anything but records of integers."""
        import h5py

        self.path = path
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise TraceError(path, f"is no HDF5 file that can be read ({_first_line(error)})") from None
        try:
            self._data = {str(name): _as_records(path, name, one) for name, one in self._file.items()}
        except DAMAGED as error:
            self.close()
            raise TraceError(path, f"is damaged ({_first_line(error)})") from None
        except BaseException:
            self.close()
            raise
        self.tables = {name: tuple(data.dtype.names or ()) for name, data in self._data.items()}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._file.close()

    def parts(self, table: str, columns: Sequence[str], folded: Sequence[str], take: TakePart[T]) -> list[T]:
        """What `take` makes of such columns part by part, in the order of the records."""
        data, found = self._data[table], list[T]()
        for first in range(0, len(data), AT_ONCE):
            try:
                records = data[first : first + AT_ONCE]
            except DAMAGED as error:
                raise TraceError(self.path, f"{table} cannot be read ({_first_line(error)})") from None
            plain = {name: IntColumn(values=_as_integers(records[name])) for name in columns}
            found.append(take(plain, _fold(records, folded)))
        return found


def _as_records(path: Path, name: str, data: Any) -> h5py.Dataset:
    shape, record = getattr(data, "shape", None), getattr(data, "dtype", None)
    kinds = {record[column].kind for column in record.names or ()} if record is not None else set[str]()
    if not kinds or not kinds <= set("iu") or shape is None or len(shape) != 1:
        raise TraceError(path, f"{name} is no table of integers")
    return data


def _as_integers(values: NDArray[Any]) -> NDArray[np.int64]:
    """As SQLite would hold them, which has no unsigned ones."""
    return np.ascontiguousarray(values).astype(np.int64, copy=False)


def _fold(records: NDArray[Any], columns: Sequence[str]) -> Folded:
    """Every combination of the values that each column has, whether any record has it or not."""
    codes, combinations = np.zeros(len(records), np.int64), list[Values]([()])
    for column in columns:
        code, values = pd.factorize(_as_integers(records[column]))
        codes = codes * len(values) + code
        combinations = [(*one, int(value)) for one in combinations for value in values.tolist()]
    return Folded(columns=tuple(columns), codes=codes, combinations=tuple(combinations))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
