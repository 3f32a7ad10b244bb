"""Which ranges a window's time belongs to: every nanosecond has one owner, so the shares sum to the window."""

from __future__ import annotations

from collections import defaultdict

from ...analysis.breakdown.analyze import Analysis
from ...analysis.breakdown.window_rows import WindowRow
from ...analysis.words import name_device
from ..document.document import Column, Row, Table
from ..document.names import clean, join_path
from ..document.tables import drop_empty

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


def owner_table(analysis: Analysis) -> Table:
    """Windows of one name on one device together: their owners by time, and its layers."""
    columns = (
        Column(key="owner", title="owner"),
        Column(key="time", title="time", kind="time"),
        Column(key="share", title="share", kind="percent"),
        Column(key="attribution", title="by"),
        *(Column(key=layer, title=layer, kind="time") for layer in SHOWN_LAYERS),
    )
    shared = any(owned.attribution == "process" for window in analysis.windows for owned in window.owners)
    table = Table(
        name="owners",
        title="Whose time it is",
        columns=columns,
        rows=tuple(
            row for windows in _group(analysis.windows) for row in _owner_rows(windows, shared=shared)
        ),
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


def _owner_rows(windows: list[WindowRow], *, shared: bool) -> list[Row]:
    times: dict[Owner, dict[str, int]] = defaultdict(lambda: dict.fromkeys(SHOWN_LAYERS, 0))
    ways: dict[Owner, set[str]] = defaultdict(set)
    for window in windows:
        for owned in window.owners:
            times[owned.domain, owned.path][owned.layer] += owned.ns
            ways[owned.domain, owned.path].add(owned.attribution)
    wall = sum(window.times.wall_ns for window in windows) or 1
    ordered = sorted(times.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    return [
        Row(
            cells=(
                *(_name(owner), sum(layers.values()), sum(layers.values()) / wall),
                _name_ways(ways[owner]) if shared else None,
                *layers.values(),
            ),
            group=_title(windows),
            main=at < MAIN_OWNERS,
            bar=tuple(ns / wall for ns in layers.values()),
        )
        for at, (owner, layers) in enumerate(ordered)
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
