"""Windows as rows: where the time of each went, and who owned it.

A trace may have a million windows, so they lie in arrays; a row is made when it is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal, Protocol, overload

import numpy as np

from ..arithmetic.arrays import Bools, Codes, Ints
from ..attribution.ownership import ATTRIBUTIONS, BY_NONE, BY_PROCESS, BY_THREAD
from ..attribution.paths import PathName, PathNames
from ..attribution.range_names import RangeName
from ..export.frames import payload_value
from ..words import LAYERS, MEASURE, OWN_DOMAIN
from .kernels import COPY_KINDS
from .rows import WindowTimes
from .windows import times_of_layers

Kind = Literal["host", "device", "measure", "trace"]

NOT_LISTED = ("…",)
"""The path of the owners of a window together, where they are not listed one by one."""

TOGETHER = PathName(path=NOT_LISTED, domains=("",))


def name_way(path: int, *, by_process: bool) -> str:
    """How a path came to its time; -1 is no path."""
    return ATTRIBUTIONS[BY_NONE if path < 0 else BY_PROCESS if by_process else BY_THREAD]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedTime:
    """Time of one layer that a path owns in a window; path () is unattributed, NOT_LISTED all owners together."""

    name: PathName
    layer: str
    ns: int
    attribution: str = "none"
    """Whether the owner is known by the thread, or by the process alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """One window on one device (see known_device); device None is the host."""

    name: PathName
    instance: int
    payload: int | float | None
    device: int | None
    kind: Kind
    start_ns: int
    times: WindowTimes
    memcpy_kinds: dict[str, int]
    owners: tuple[OwnedTime, ...]

    def sum_owners(self) -> dict[RangeName, dict[str, float]]:
        """Nanoseconds of each layer, by the range that owns them, however that is known."""
        times: dict[RangeName, dict[str, float]] = {}
        for owned in self.owners:
            layers = times.setdefault((owned.name.domains, owned.name.path), {})
            layers[owned.layer] = layers.get(owned.layer, 0.0) + owned.ns
        return times


def sum_layers(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Nanoseconds of each layer in all of some parts."""
    total: dict[str, float] = {}
    for layers in parts:
        for name, ns in layers.items():
            total[name] = total.get(name, 0.0) + ns
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Slices of windows by owner: those of window i are ``first[i]:first[i + 1]``, the longest first."""

    first: Ints
    path: Codes
    layer: Ints
    ns: Ints
    by_process: Bools
    """Whether a slice's owner is known by the process alone."""
    listed: Bools
    """Whether a window's owners are listed one by one; its layers have one owner else."""


class Times(Protocol):
    """What the windows of a part are made of."""

    def of(self, at: int, wall_ns: int) -> WindowTimes:
        """The times of one window."""
        ...

    def memcpy_kinds(self, at: int) -> dict[str, int]:
        """Its memcpy layer by kind of copy."""
        ...

    def owners(self, at: int, names: PathNames) -> Iterator[OwnedTime]:
        """Whose its time is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTimes:
    """Of windows on a device."""

    sums: Ints
    """(window, layer) -> ns."""
    copies: dict[int, Ints]
    """Kind of copy -> ns of each window."""
    owned: Owned
    split: bool
    """Whether idle time could be split."""

    def of(self, at: int, wall_ns: int) -> WindowTimes:
        """The ten layers of one window."""
        return times_of_layers(wall_ns, self.sums[at], split=self.split)

    def memcpy_kinds(self, at: int) -> dict[str, int]:
        """The memcpy layer of one window by kind of copy."""
        found: dict[str, int] = {}
        for kind, ns in self.copies.items():
            if ns[at]:
                name = COPY_KINDS.get(kind, COPY_KINDS[0])
                found[name] = found.get(name, 0) + int(ns[at])
        return found

    def owners(self, at: int, names: PathNames) -> Iterator[OwnedTime]:
        """The owners of one window, the longest first."""
        owned = self.owned
        if not owned.listed[at]:
            for layer in np.argsort(-self.sums[at], kind="stable").tolist():
                if self.sums[at, layer]:
                    ns = int(self.sums[at, layer])
                    yield OwnedTime(name=TOGETHER, layer=LAYERS[layer], ns=ns)
            return
        mine = slice(*owned.first[at : at + 2].tolist())
        columns = (owned.path, owned.layer, owned.ns, owned.by_process)
        for path, layer, ns, by_process in zip(*(column[mine].tolist() for column in columns), strict=True):
            way = name_way(path, by_process=by_process)
            yield OwnedTime(name=names[path], layer=LAYERS[layer], ns=ns, attribution=way)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTimes:
    """Of windows on the host."""

    compute: Ints

    def of(self, at: int, wall_ns: int) -> WindowTimes:
        """What ranges cover of one window, and the rest."""
        compute = int(self.compute[at])
        return WindowTimes(wall_ns=wall_ns, compute_ns=compute, host_ns=wall_ns - compute)

    def memcpy_kinds(self, at: int) -> dict[str, int]:  # noqa: ARG002
        """The host copies nothing."""
        return {}

    def owners(self, at: int, names: PathNames) -> Iterator[OwnedTime]:  # noqa: ARG002
        """Whose the host's time is, the ranges themselves say."""
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPart:
    """Windows of one kind on one device; arrays have an entry for each."""

    names: PathNames
    kind: Kind
    device: int | None
    path: Codes
    instance: Ints
    payload_kind: Ints
    payload: Ints
    start: Ints
    wall: Ints
    times: Times

    def __len__(self) -> int:
        return len(self.path)

    def row(self, at: int) -> WindowRow:
        """One window."""
        name, wall = self.names[int(self.path[at])], int(self.wall[at])
        own = self.kind == "host" and (name.domain, name.range) == (OWN_DOMAIN, MEASURE)
        return WindowRow(
            name=name,
            instance=int(self.instance[at]),
            payload=payload_value(int(self.payload_kind[at]), int(self.payload[at])),
            device=self.device,
            kind=MEASURE if own else self.kind,
            start_ns=int(self.start[at]),
            times=self.times.of(at, wall),
            memcpy_kinds=self.times.memcpy_kinds(at),
            owners=tuple(self.times.owners(at, self.names)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Windows(Sequence[WindowRow]):
    """The windows of all parts, one part after the other."""

    parts: tuple[WindowPart, ...] = ()
    _ends: list[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", list(accumulate(len(part) for part in self.parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def names(self) -> list[PathName]:
        """How windows are called, once for each path."""
        return [part.names[path] for part in self.parts for path in np.unique(part.path).tolist()]

    @property
    def on_host(self) -> bool:
        """Whether there are windows of which no device tells working from waiting."""
        return any(len(part) and isinstance(part.times, HostTimes) for part in self.parts)

    @property
    def on_device(self) -> bool:
        """Whether there are windows on a device."""
        return any(len(part) and isinstance(part.times, DeviceTimes) for part in self.parts)

    @overload
    def __getitem__(self, index: int) -> WindowRow: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[WindowRow, ...]: ...

    def __getitem__(self, index: int | slice) -> WindowRow | tuple[WindowRow, ...]:
        places = range(len(self))[index]
        return tuple(map(self._row, places)) if isinstance(places, range) else self._row(places)

    def __iter__(self) -> Iterator[WindowRow]:
        for part in self.parts:
            yield from map(part.row, range(len(part)))

    def _row(self, place: int) -> WindowRow:
        part = bisect_right(self._ends, place)
        return self.parts[part].row(place - (self._ends[part - 1] if part else 0))
