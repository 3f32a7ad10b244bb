"""The texts a trace uses: every kernel, call, range and domain name once, as codes in alphabetical order."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Bools, Codes, Ints
from ..errors import TraceError
from ..sqlite.columns import TextColumn
from ..sqlite.file import SqliteFile


class NameCollector:
    """Gathers texts while tables are read; codes are provisional until `sort`."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._codes: dict[str, int] = {}
        self.missing = 0
        """Rows whose id has no text."""

    def add(self, text: str) -> int:
        """The code of one text."""
        return self._codes.setdefault(text, len(self._codes))

    def add_ids(self, ids: Ints, known: Bools, kind: str, times: Ints | None = None) -> Codes:
        """Codes of StringIds' texts, -1 where not known; an id without text reads ``kind#id``.

        `times` is for how many rows each id stands, by default for one.
        """
        places, unique = pd.factorize(ids)
        used = np.zeros(len(unique), np.bool_)
        used[places if known.all() else places[known]] = True
        wanted = [int(i) for i in unique[used]]
        if wanted and "StringIds" not in self._file.tables:
            raise TraceError(
                self._file.path, "has no table StringIds, so nothing in it has a name; export it again"
            )
        texts = self._file.texts(wanted)
        absent = np.array([int(i) not in texts for i in unique], np.bool_)
        if len(texts) < len(wanted):
            self.missing += int(np.where(absent[places] & known, 1 if times is None else times, 0).sum())
        code_of = {i: self.add(texts.get(i, f"{kind}#{i}")) for i in wanted}
        table = np.array([code_of.get(int(i), NONE) for i in unique], np.int32)
        codes = table[places] if len(table) else np.zeros(0, np.int32)
        return codes if known.all() else np.where(known, codes, np.int32(NONE))

    def add_column(self, column: TextColumn) -> Codes:
        """Codes of a text column, -1 for NULL."""
        table = np.array([self.add(text) for text in column.texts] + [NONE], np.int32)
        return table[column.codes]

    def adopt(self, other: NameCollector) -> Codes:
        """Take over what another one gathered: for each of its codes the one here (its last entry keeps -1)."""
        self.missing += other.missing
        return np.array([*map(self.add, other._codes), NONE], np.int32)

    def sort(self) -> tuple[tuple[str, ...], Codes]:
        """All texts in order, and the final code of each provisional one (its last entry keeps -1)."""
        texts = sorted(self._codes)
        final = np.full(len(texts) + 1, NONE, np.int32)
        for code, text in enumerate(texts):
            final[self._codes[text]] = code
        return tuple(texts), final
