"""Which ranges a window's time belongs to: every nanosecond has one owner, so the shares sum to the window."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from ...analysis.attribution.range_names import RangeName, find_alike, order_of
from ...analysis.breakdown.analyze import Analysis
from ...analysis.breakdown.window_groups import WindowGroup, group_windows
from ...analysis.breakdown.window_rows import NOT_LISTED
from ...analysis.words import name_device
from ..document.document import Row, Table
from ..document.tables import MOST_ROWS, ColumnOf, drop_empty, fill_row, tell_cut
from .range_columns import range_columns, spell_range
from .window_table import name_of_window

MAIN_OWNERS, MAIN_GROUPS = 15, 12

UNATTRIBUTED, UNLISTED = "(no range)", "(not listed)"

BY_PROCESS = (
    "by: thread, in a range of its own thread; process, of a thread that had no range while this one was open; "
    "both, some of each."
)

SHOWN_LAYERS = ("kernel", "memcpy", "memset", "graph", "launch", "host", "api", "sync", "latency", "unknown")
"""Layers in the order in which a short line may lose them."""

PLACES = {layer: at for at, layer in enumerate(SHOWN_LAYERS)}

BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owned:
    """What an owner has of windows that lie on one device."""

    owner: RangeName
    times: Sequence[int]
    """In the order of the layers shown."""
    way: str
    wall_ns: float
    """Of the windows together."""

    @property
    def ns(self) -> int:
        """Of all layers."""
        return sum(self.times)


def _layer_column(layer: str) -> ColumnOf[_Owned]:
    return ColumnOf(key=layer, title=layer, kind="time", value=lambda owned: owned.times[PLACES[layer]])


def _columns(named: Iterable[ColumnOf[_Owned]], *, shared: bool) -> tuple[ColumnOf[_Owned], ...]:
    """``shared``: some time was credited by process, so the way is worth a column."""

    def way(owned: _Owned) -> str | None:
        return owned.way if shared else None

    return (
        *named,
        ColumnOf(key="time", title="time", kind="time", term="traced", value=lambda owned: owned.ns),
        ColumnOf(key="share", title="share", kind="percent", value=lambda owned: owned.ns / owned.wall_ns),
        ColumnOf(key="attribution", title="by", value=way),
        *(_layer_column(layer) for layer in SHOWN_LAYERS),
    )


def owner_table(analysis: Analysis) -> Table:
    """Windows of one name on one device together: their owners by time, and its layers."""
    groups = [_add_up(group) for group in group_windows(analysis.windows, MOST_ROWS)]
    shared = any(group.shared for group in groups)
    found = [owner for group in groups for owner in group.times]
    named, where = range_columns(
        _name_of, [o for o in found if o[1] != NOT_LISTED], "owner", unnamed=UNATTRIBUTED
    )
    columns = _columns(named, shared=shared)
    alike = find_alike(name_of_window(group.of.first) for group in groups)
    rows: list[Row] = []
    for at, group in enumerate(groups):
        rows += group.rows(columns, MOST_ROWS - len(rows), group.name(alike), main=at < MAIN_GROUPS)
    table = Table(
        name="owners",
        title="Whose time it is",
        columns=columns,
        rows=tuple(rows),
        bar_parts=SHOWN_LAYERS,
        notes=(
            "Device work belongs to the innermost range that launched it, idle time to the range the host was in; "
            "all instances of a window together, the shares sum to it.",
            *([BY_PROCESS] if shared else []),
            *where,
            *tell_cut(len(found), "first"),
        ),
    )
    return drop_empty(table, keep=("owner", "time"), zeros=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """A table's part: the owners of windows of one name on one device."""

    of: WindowGroup
    times: Mapping[RangeName, Sequence[int]]
    ways: Mapping[RangeName, str]
    shared: bool
    """Whether any time was credited by process."""

    def rows(self, columns: Sequence[ColumnOf[_Owned]], most: int, title: str, *, main: bool) -> list[Row]:
        """So many owners at most, the longest first."""
        wall = self.of.wall_ns or 1
        longest = nsmallest(most, self.times, key=self._order)
        owned = [
            _Owned(owner=owner, times=self.times[owner], way=self.ways[owner], wall_ns=wall)
            for owner in longest
        ]
        return [
            fill_row(
                columns,
                one,
                group=title,
                main=main and at < MAIN_OWNERS,
                bar=tuple(time / wall for time in one.times),
            )
            for at, one in enumerate(owned)
        ]

    def _order(self, owner: RangeName) -> tuple[object, ...]:
        return -sum(self.times[owner]), *order_of(owner)

    def name(self, alike: Collection[RangeName]) -> str:
        """What the windows are, and where."""
        first = self.of.first
        name = spell_range(name_of_window(first), alike)
        what = "whole trace" if first.kind == "trace" else f"{self.of.windows} × {name}"
        return what if first.device is None else f"{what}, {name_device(first.device)}"


def _add_up(group: WindowGroup) -> _Group:
    """Owners of one name together, whatever threads they are of."""
    times: dict[RangeName, list[int]] = {}
    ways: dict[RangeName, str] = {}
    for owned in group.owned:
        owner = owned.name.domains, owned.name.path
        times.setdefault(owner, [0] * len(SHOWN_LAYERS))[PLACES[owned.layer]] += owned.ns
        if ways.setdefault(owner, owned.attribution) != owned.attribution:
            ways[owner] = BOTH
    shared = any(owned.attribution == "process" for owned in group.owned)
    return _Group(of=group, times=times, ways=ways, shared=shared)


def _name_of(owned: _Owned) -> RangeName:
    domains, path = owned.owner
    return (domains, (UNLISTED,)) if path == NOT_LISTED else (domains, path)
