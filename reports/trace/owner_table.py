"""Which ranges a window's time belongs to: every nanosecond has one owner, so the shares sum to the window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ...analysis.breakdown.analyze import Analysis
from ...analysis.breakdown.window_rows import WindowRow
from ...analysis.words import name_device
from ..document.document import Row, Table
from ..document.names import clean, join_path
from ..document.tables import ColumnOf, drop_empty, fill_row

MAIN_OWNERS = 15

UNATTRIBUTED = "(no range)"

BY_PROCESS = (
    "by: thread, in a range of its own thread; process, of a thread that had no range while this one was open; "
    "both, some of each."
)

SHOWN_LAYERS = ("kernel", "memcpy", "memset", "graph", "launch", "host", "api", "sync", "latency", "unknown")
"""Layers in the order in which a short line may lose them."""

Owner = tuple[str, tuple[str, ...]]

Window = tuple[tuple[str, ...], int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owned:
    """What an owner has of windows that lie on one device."""

    owner: Owner
    layers: dict[str, int]
    ways: set[str]
    wall_ns: float
    """Of the windows together."""

    @property
    def ns(self) -> int:
        """Of all layers."""
        return sum(self.layers.values())


def _layer_column(layer: str) -> ColumnOf[_Owned]:
    return ColumnOf(key=layer, title=layer, kind="time", value=lambda owned: owned.layers[layer])


def _columns(*, shared: bool) -> tuple[ColumnOf[_Owned], ...]:
    """``shared``: some time was credited by process, so the way is worth a column."""

    def way(owned: _Owned) -> str | None:
        return _name_ways(owned.ways) if shared else None

    return (
        ColumnOf(key="owner", title="owner", value=lambda owned: _name(owned.owner)),
        ColumnOf(key="time", title="time", kind="time", value=lambda owned: owned.ns),
        ColumnOf(key="share", title="share", kind="percent", value=lambda owned: owned.ns / owned.wall_ns),
        ColumnOf(key="attribution", title="by", value=way),
        *(_layer_column(layer) for layer in SHOWN_LAYERS),
    )


def owner_table(analysis: Analysis) -> Table:
    """Windows of one name on one device together: their owners by time, and its layers."""
    shared = any(owned.attribution == "process" for window in analysis.windows for owned in window.owners)
    columns = _columns(shared=shared)
    table = Table(
        name="owners",
        title="Whose time it is",
        columns=columns,
        rows=tuple(row for windows in _group(analysis.windows) for row in _owner_rows(windows, columns)),
        bar_parts=SHOWN_LAYERS,
        notes=(
            "Device work belongs to the innermost range that launched it, idle time to the range the host was in; "
            "all instances of a window together, the shares sum to it.",
            *([BY_PROCESS] if shared else []),
        ),
    )
    return drop_empty(table, keep=("owner", "time"), zeros=True)


def _group(windows: tuple[WindowRow, ...]) -> list[list[WindowRow]]:
    groups: dict[Window, list[WindowRow]] = defaultdict(list)
    for window in windows:
        if window.owners:
            groups[window.name.path, window.device].append(window)
    return list(groups.values())


def _owner_rows(windows: list[WindowRow], columns: Sequence[ColumnOf[_Owned]]) -> list[Row]:
    times: dict[Owner, dict[str, int]] = defaultdict(lambda: dict.fromkeys(SHOWN_LAYERS, 0))
    ways: dict[Owner, set[str]] = defaultdict(set)
    for window in windows:
        for owned in window.owners:
            times[owned.domain, owned.path][owned.layer] += owned.ns
            ways[owned.domain, owned.path].add(owned.attribution)
    wall = sum(window.times.wall_ns for window in windows) or 1
    owned = [
        _Owned(owner=owner, layers=layers, ways=ways[owner], wall_ns=wall) for owner, layers in times.items()
    ]
    return [
        fill_row(
            columns,
            one,
            group=_title(windows),
            main=at < MAIN_OWNERS,
            bar=tuple(one.layers[layer] / wall for layer in SHOWN_LAYERS),
        )
        for at, one in enumerate(sorted(owned, key=lambda one: (-one.ns, one.owner)))
    ]


def _name_ways(ways: set[str]) -> str:
    return "both" if len(ways) > 1 else next(iter(ways))


def _name(owner: Owner) -> str:
    domain, path = owner
    return clean(join_path(domain, path)) or UNATTRIBUTED


def _title(windows: list[WindowRow]) -> str:
    first = windows[0]
    what = (
        "whole trace" if first.kind == "trace" else f"{len(windows)} × {clean(' › '.join(first.name.path))}"
    )
    return what if first.device is None else f"{what}, {name_device(first.device)}"
