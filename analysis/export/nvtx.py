"""NVTX: ranges and marks with their text, domain and payload, as the export holds them.

Domain ids count per process in the order of creation, and a domain created twice has two rows: the first wins.
A range without end, or whose end is the end of the session, was never closed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Codes, Ints
from ..arithmetic.grouped import code_combinations
from ..sqlite.file import SqliteFile
from .frames import CROSS_THREAD, FLOAT_PAYLOAD, INT_PAYLOAD, NO_PAYLOAD, PUSH_POP, START_END, UINT_PAYLOAD
from .identity import process_key
from .possible_times import LONGEST_NS, MOST_NS, fit_sum, is_within_reach, possible_times
from .raw_tables import ColumnMissing, Table, read_table
from .texts import NameCollector

NVTX = "NVTX_EVENTS"

MARK, PUSH_POP_EVENT, START_END_EVENT, DOMAIN_CREATE, DOMAIN_DESTROY = 34, 59, 60, 75, 76

IMPORTED_PUSH_POP, IMPORTED_START_END = 70, 71

RANGES = (PUSH_POP_EVENT, START_END_EVENT, IMPORTED_PUSH_POP, IMPORTED_START_END)

INTEGER_PAYLOADS = {
    "uint64Value": UINT_PAYLOAD,
    "int64Value": INT_PAYLOAD,
    "uint32Value": INT_PAYLOAD,
    "int32Value": INT_PAYLOAD,
}

REAL_PAYLOADS = ("doubleValue", "floatValue")

LOST_WITHIN_NS = 1_000_000
"""nvtx 0.2.12–0.2.17 under Nsight Systems up to 2024.2: a domain is made, destroyed at once, and never used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEvents:
    """Ranges or marks, as they lie in the file; marks have no end."""

    start: Ints
    end: Ints
    end_known: Bools
    global_tid: Ints
    domain: Codes
    """Provisional codes of names, like `name`."""
    name: Codes
    style: NDArray[np.int8]
    payload_kind: NDArray[np.int8]
    payload: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class RawNvtx:
    """What NVTX_EVENTS holds."""

    ranges: RawEvents
    marks: RawEvents
    dropped: int = 0
    foreign: int = 0
    lost_domains: int = 0
    """Domains with the signature of the nvtx/nsys incompatibility."""
    nameless_domains: int = 0
    """Domain ids in use without a row that names them."""
    wordless: int = 0
    """Ranges without a message."""
    unknown: int = 0
    """Events that do not say what they are, and ranges that do not say of which domain."""


def read_nvtx(file: SqliteFile, names: NameCollector, schema: str) -> RawNvtx:
    """All ranges and marks; none when the export has no NVTX_EVENTS."""
    table = read_table(
        file,
        NVTX,
        ["start", "end", "eventType", "globalTid"],
        ["textId", "domainId", "endGlobalTid", "eventId", *INTEGER_PAYLOADS, *REAL_PAYLOADS],
        schema=schema,
    )
    if NVTX in file.tables and not {"text", "textId"} & set(file.tables[NVTX]):
        raise ColumnMissing(file, NVTX, "text or textId", schema)
    kind = table.values("eventType", 0)
    texts = _texts(file, table, names)
    domains = _Domains(table, kind, texts, names)
    is_range = np.isin(kind, RANGES)
    good = is_range & _possible(table)
    marks = (kind == MARK) & table.known("start") & table.known("globalTid")
    payload = _payloads(file, table)
    return RawNvtx(
        ranges=_events(table, _in_order(table, np.flatnonzero(good)), texts, domains, payload),
        marks=_events(table, np.flatnonzero(marks), texts, domains, payload),
        dropped=int(is_range.sum() - good.sum()),
        foreign=sum(c.foreign for name, c in table.columns.items() if name not in REAL_PAYLOADS),
        lost_domains=domains.count_lost(is_range),
        nameless_domains=domains.nameless,
        unknown=int(table.rows - table.known("eventType").sum()) + _count_homeless(table, is_range),
        wordless=int((texts[is_range] == names.add("")).sum()) if table.rows else 0,
    )


def _count_homeless(table: Table, is_range: Bools) -> int:
    """Ranges with a NULL for their domain, which every exporter gives; they are taken for the default domain's."""
    return int((is_range & ~table.known("domainId")).sum()) if table.has("domainId") else 0


def _possible(table: Table) -> Bools:
    """Ranges with possible times; a missing end is one that never came."""
    start = table.values("start", 0)
    open_ended = table.known("start") & ~table.known("end") & is_within_reach(start)
    ends = start[open_ended]
    if len(ends):  # none began longer ago than a range can last
        rows = np.flatnonzero(open_ended)
        length = int(ends.max()) - ends  # a 64-bit difference: both are within reach
        open_ended[rows] = (length >= 0) & (length <= LONGEST_NS)
        rows = np.flatnonzero(open_ended)
        open_ended[rows] = fit_sum(int(ends.max()) - start[rows], MOST_NS)
    return (possible_times(table) | open_ended) & table.known("globalTid")


def _in_order(table: Table, rows: Ints) -> Ints:
    """Rows as they were recorded: by their ids where an export has them (2026), else as they lie in the file."""
    return rows[np.argsort(table.values("eventId", 0)[rows], kind="stable")] if table.has("eventId") else rows


def _texts(file: SqliteFile, table: Table, names: NameCollector) -> Codes:
    """Codes of messages: a registered string by its id, else the row's own text, else the empty text."""
    known = table.known("textId") & (table.values("textId", 0) != 0)
    codes = names.add_ids(table.values("textId", 0), known, "text")
    if "text" in file.tables.get(NVTX, ()) and not known.all():
        own = names.add_column(file.text_column(NVTX, "text"))
        codes = np.where(known, codes, own)
    return np.where(codes >= 0, codes, np.int32(names.add(""))) if len(codes) else codes


class _Domains:
    """The name of each (process, domain id)."""

    def __init__(self, table: Table, kind: Ints, texts: Codes, names: NameCollector) -> None:
        self._names = names
        self._process = process_key(table.values("globalTid", 0))
        self._id = table.values("domainId", 0)
        self._start = table.values("start", 0)
        self._created: dict[tuple[int, int], tuple[int, int]] = {}
        self._destroyed: dict[tuple[int, int], int] = {}
        self.nameless = 0
        named = (kind == DOMAIN_CREATE) & (texts != names.add("")) if table.rows else kind == DOMAIN_CREATE
        for row in np.flatnonzero(named).tolist():
            self._created.setdefault(self._key(row), (int(texts[row]), int(self._start[row])))
        for row in np.flatnonzero(kind == DOMAIN_DESTROY).tolist():
            self._destroyed.setdefault(self._key(row), int(self._start[row]))

    def _key(self, row: int) -> tuple[int, int]:
        return int(self._process[row]), int(self._id[row])

    def codes(self, rows: Ints) -> Codes:
        """Codes of the names of rows' domains; "" is the default domain."""
        if not len(rows):
            return np.zeros(0, np.int32)
        code, examples = self._distinct(rows)
        return np.array([self._name(self._key(row)) for row in examples], np.int32)[code]

    def _distinct(self, rows: Ints) -> tuple[Ints, list[int]]:
        """A code for each row's process and id, and one row of each code."""
        code = code_combinations(self._process[rows], self._id[rows])
        example = np.zeros(int(code.max(initial=-1)) + 1, np.int64)
        example[code] = rows
        return code, example.tolist()

    def _name(self, key: tuple[int, int]) -> int:
        if key[1] == 0:
            return self._names.add("")
        if key in self._created:
            return self._created[key][0]
        self.nameless += 1
        others = {name for (_, domain), (name, _) in self._created.items() if domain == key[1]}
        # A forked child has no row of its own; its parent's names are the same unless several disagree.
        return others.pop() if len(others) == 1 else self._names.add(f"domain#{key[1]}")

    def count_lost(self, is_range: Bools) -> int:
        """Domains destroyed right after they were made and never used for a range.

        The default one is never made, and destroyed at the end if all is well: it is lost in a process without ranges.
        """
        used = {self._key(row) for row in self._distinct(np.flatnonzero(is_range))[1]}
        at_work = {process for process, _ in used}
        unused = sum(domain == 0 and process not in at_work for process, domain in self._destroyed)
        return unused + sum(
            key not in used and key in self._destroyed and 0 <= self._destroyed[key] - made <= LOST_WITHIN_NS
            for key, (_, made) in self._created.items()
        )


def _payloads(file: SqliteFile, table: Table) -> tuple[NDArray[np.int8], Ints]:
    kind = np.full(table.rows, NO_PAYLOAD, np.int8)
    value = np.zeros(table.rows, np.int64)
    for column, payload_kind in INTEGER_PAYLOADS.items():
        known = table.known(column)
        if known.any():
            kind[known] = payload_kind
            value[known] = table.values(column, 0)[known]
    for column in REAL_PAYLOADS:
        if table.known(column).any() or (table.has(column) and table.columns[column].foreign):
            reals = file.reals(NVTX, column)
            known = ~np.isnan(reals) & (kind == NO_PAYLOAD)
            kind[known] = FLOAT_PAYLOAD
            value[known] = reals[known].view(np.int64)
    return kind, value


def _events(
    table: Table, rows: Ints, texts: Codes, domains: _Domains, payload: tuple[NDArray[np.int8], Ints]
) -> RawEvents:
    return RawEvents(
        start=table.values("start", 0)[rows],
        end=table.values("end", 0)[rows],
        end_known=table.known("end")[rows],
        global_tid=table.values("globalTid", 0)[rows],
        domain=domains.codes(rows),
        name=texts[rows],
        style=_styles(table)[rows],
        payload_kind=payload[0][rows],
        payload=payload[1][rows],
    )


def _styles(table: Table) -> NDArray[np.int8]:
    start_end = np.isin(table.values("eventType", 0), (START_END_EVENT, IMPORTED_START_END))
    other = table.values("endGlobalTid", 0)
    crosses = (
        start_end & table.known("endGlobalTid") & (other != 0) & (other != table.values("globalTid", NONE))
    )
    return np.select([crosses, start_end], [CROSS_THREAD, START_END], PUSH_POP).astype(np.int8)
