"""Which ranges a window's time belongs to: every nanosecond has one owner, so the shares sum to the window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ...analysis.breakdown.analyze import Analysis
from ...analysis.breakdown.window_rows import NOT_LISTED, WindowRow
from ...analysis.words import name_device
from ..document.document import Column, Row, Table
from ..document.names import clean, join_path
from ..document.tables import MOST_ROWS, cut_rows, drop_empty

MAIN_OWNERS, MAIN_GROUPS = 15, 12

UNATTRIBUTED, UNLISTED = "(no range)", "(not listed)"

SHOWN_LAYERS = ("kernel", "memcpy", "memset", "graph", "launch", "host", "api", "sync", "latency", "unknown")
"""Layers in the order in which a short line may lose them."""

Owner = tuple[str, tuple[str, ...]]

Window = tuple[tuple[str, ...], int | None]


def owner_table(analysis: Analysis) -> Table:
    """Windows of one name on one device together: their owners by time, and its layers."""
    columns = (
        Column(key="owner", title="owner"),
        Column(key="time", title="time", kind="time"),
        Column(key="share", title="share", kind="percent"),
        *(Column(key=layer, title=layer, kind="time") for layer in SHOWN_LAYERS),
    )
    groups = _group(analysis.windows)
    rows, cut = cut_rows(
        [row for at, group in enumerate(groups) for row in group.rows(at < MAIN_GROUPS)], "first"
    )
    table = Table(
        name="owners",
        title="Whose time it is",
        columns=columns,
        rows=tuple(rows),
        bar_parts=SHOWN_LAYERS,
        notes=(
            "Device work belongs to the innermost range that launched it, idle time to the range the host was in; "
            "all instances of a window together, the shares sum to it.",
            *cut,
        ),
    )
    return drop_empty(table, keep=("owner", "time"), zeros=True)


@dataclass(slots=True)
class _Group:
    """Windows of one name on one device, taken together."""

    first: WindowRow
    windows: int = 0
    wall: int = 0
    times: dict[Owner, dict[str, int]] = field(default_factory=dict)

    def add(self, window: WindowRow) -> None:
        """Another window."""
        self.windows += 1
        self.wall += int(window.times.wall_ns)
        for owned in window.owners:
            layers = self.times.setdefault((owned.domain, owned.path), dict.fromkeys(SHOWN_LAYERS, 0))
            layers[owned.layer] += owned.ns

    def rows(self, main: bool) -> list[Row]:
        """The owners, the longest first."""
        wall = self.wall or 1
        ordered = sorted(self.times.items(), key=lambda item: (-sum(item[1].values()), item[0]))
        return [
            Row(
                cells=(_name(owner), sum(layers.values()), sum(layers.values()) / wall, *layers.values()),
                group=self.title,
                main=main and at < MAIN_OWNERS,
                bar=tuple(ns / wall for ns in layers.values()),
            )
            for at, (owner, layers) in enumerate(ordered)
        ]

    @property
    def title(self) -> str:
        """What the windows are, and where."""
        first = self.first
        name = clean(" › ".join(first.name.path))
        what = "whole trace" if first.kind == "trace" else f"{self.windows} × {name}"
        return what if first.device is None else f"{what}, {name_device(first.device)}"


def _group(windows: Iterable[WindowRow]) -> list[_Group]:
    """The first so many groups, whose windows may come anywhere."""
    groups: dict[Window, _Group] = {}
    for window in windows:
        place = window.name.path, window.device
        if window.owners and (place in groups or len(groups) < MOST_ROWS):
            groups.setdefault(place, _Group(window)).add(window)
    return list(groups.values())


def _name(owner: Owner) -> str:
    domain, path = owner
    if path == NOT_LISTED:
        return UNLISTED
    return clean(join_path(domain, path)) or UNATTRIBUTED
