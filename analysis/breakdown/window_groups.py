"""Windows of one name on one device taken together: how many they are, and whose their time is.

Summed where the windows lie in arrays; a trace may have a million, of which no row is made for this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..arithmetic.arrays import NONE, Ints
from ..arithmetic.grouped import code_combinations, find_firsts, sum_by_group
from ..attribution.range_names import RangeName
from ..words import LAYERS
from .window_rows import TOGETHER, DeviceTimes, Owned, OwnedTime, WindowPart, WindowRow, Windows, name_way


@dataclass(slots=True, kw_only=True)
class WindowGroup:
    """Windows of one name on one device."""

    first: WindowRow
    windows: int = 0
    wall_ns: int = 0
    owned: list[OwnedTime] = field(default_factory=list)
    """An owner has a row for each layer and each way by which it is known, and for each of its threads."""


def group_windows(windows: Windows, most: int) -> list[WindowGroup]:
    """The first so many groups of windows that anything owns; those of a group may come anywhere."""
    groups: dict[tuple[RangeName, int | None], WindowGroup] = {}
    for part in windows.parts:
        if not isinstance(part.times, DeviceTimes):
            continue
        owned = _find_owned(part.times)
        paths, first, of_window = np.unique(part.path[owned], return_index=True, return_inverse=True)
        windows_of = np.bincount(of_window, minlength=len(paths)).tolist()
        wall = sum_by_group(of_window, len(paths), part.wall[owned]).tolist()
        group = np.full(len(part), NONE)
        group[owned] = of_window
        times = _sum_times(part, part.times, group, len(paths))
        for at in np.argsort(first).tolist():
            name = part.names[int(paths[at])]
            place = (name.domains, name.path), part.device
            if place not in groups:
                if len(groups) == most:
                    continue
                groups[place] = WindowGroup(first=part.row(int(owned[first[at]])))
            groups[place].windows += windows_of[at]
            groups[place].wall_ns += wall[at]
            groups[place].owned += times[at]
    return list(groups.values())


def _find_owned(times: DeviceTimes) -> Ints:
    """The windows that anything owns, in order."""
    return np.flatnonzero(
        np.where(times.owned.listed, np.diff(times.owned.first) > 0, times.sums.any(axis=1))
    )


def _sum_times(part: WindowPart, times: DeviceTimes, group: Ints, groups: int) -> list[list[OwnedTime]]:
    """What owners have of the windows of each group; those whose owners are not listed have one together."""
    found: list[list[OwnedTime]] = [[] for _ in range(groups)]
    for of, path, layer, by_process, ns in _sum_listed(times.owned, group):
        way = name_way(path, by_process=by_process)
        found[of].append(OwnedTime(name=part.names[path], layer=LAYERS[layer], ns=ns, attribution=way))
    unlisted = np.flatnonzero(~times.owned.listed & (group >= 0))
    for layer, ns in enumerate(times.sums[unlisted].T if len(unlisted) else ()):
        for of, total in enumerate(sum_by_group(group[unlisted], groups, ns).tolist()):
            if total:
                found[of].append(OwnedTime(name=TOGETHER, layer=LAYERS[layer], ns=total))
    return found


def _sum_listed(owned: Owned, group: Ints) -> Iterator[tuple[int, int, int, bool, int]]:
    """(group, path, layer, by process, ns), each combination once."""
    of = np.repeat(group, np.diff(owned.first))
    code = code_combinations(of, owned.path, owned.layer, owned.by_process.view(np.int8))
    first = find_firsts(code)
    sums = sum_by_group(code, len(first), owned.ns)
    columns = (of[first], owned.path[first], owned.layer[first], owned.by_process[first], sums)
    return zip(*(column.tolist() for column in columns), strict=True)
