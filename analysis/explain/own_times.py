"""How long the host is in ranges, outside of those right inside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..attribution.range_names import RangeName, name_places, name_within
from ..breakdown.analyze import Analysis


def list_own_times(analysis: Analysis) -> list[tuple[str | None, float]]:
    """Ranges with their time on the host outside of the ranges right inside them, those of all threads together."""
    own = {(row.pid, row.tid, row.domains, row.path): float(row.wall_ns) for row in analysis.ranges}
    for row in analysis.ranges:
        around = (row.pid, row.tid, row.domains[:-1], row.path[:-1])
        if around in own:
            own[around] -= row.wall_ns
    times: dict[RangeName, float] = {}
    for (*_, domains, path), ns in own.items():
        times[domains, path] = times.get((domains, path), 0.0) + max(0.0, ns)
    return _add_same(times)


def _add_same(times: Mapping[RangeName, float]) -> list[tuple[str | None, float]]:
    """Ranges of one message and domain, which one piece of code marks, together; and in what they lie."""
    domains: dict[str, set[str]] = {}
    same: dict[tuple[str, str], list[RangeName]] = {}
    for name in times:
        domain, message = (part[-1] for part in name)
        domains.setdefault(message, set()).add(domain)
        same.setdefault((domain, message), []).append(name)
    return [
        (_name_same(names, len(domains[message])), sum(times[name] for name in names))
        for (_, message), names in same.items()
    ]


def _name_same(names: Sequence[RangeName], domains: int) -> str:
    own = name_within(names[0], domains)
    places = [place for place in dict.fromkeys(name_places(names).values()) if place]
    if len(names) == 1 or not places:
        return own
    return f"{own} (in {' and '.join(places) if len(names) == 2 == len(places) else f'{len(names)} ranges'})"
