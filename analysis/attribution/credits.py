"""Which ranges are credited with which sites: every range open there, outwards from the innermost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..arithmetic.arrays import Codes, Ints
from ..arithmetic.nesting import Nest, measure_depths


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """Pairs of a site and a range that was open there; a range appears in one Credit of a kind only."""

    kind: int
    site: Codes
    range: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Where going outwards from range to range begins, for each site."""

    nest: Nest
    kind: int
    site: Codes
    place: Codes
    along_paths: bool = False
    """Whether these are ranges of one thread each: what contains a range is then what its path says."""

    def innermost(self) -> Credit:
        """Each site with its innermost range only."""
        inside = self.place >= 0
        if inside.all():
            return Credit(kind=self.kind, site=self.site, range=self.nest.row[self.place])
        return Credit(kind=self.kind, site=self.site[inside], range=self.nest.row[self.place[inside]])


def walk_chain(chain: Chain, time: Ints) -> Iterator[Credit]:
    """Go outwards from the innermost ranges; by depth, so that a range's pairs come together."""
    inside = np.flatnonzero(chain.place >= 0)
    site, place, nest = chain.site[inside], chain.place[inside].copy(), chain.nest
    if nest.crossing:
        yield from _walk_crossing(chain, site, place, time)
        return
    depth = measure_depths(nest.parent)
    level = depth[place]
    for at in range(int(level.max(initial=-1)), -1, -1):
        here = np.flatnonzero(level == at)
        yield Credit(kind=chain.kind, site=site[here], range=nest.row[place[here]])
        place[here] = nest.parent[place[here]]
        level[here] -= 1


def _walk_crossing(chain: Chain, site: Ints, place: Ints, time: Ints) -> Iterator[Credit]:
    pairs: list[tuple[Ints, Ints]] = []
    while len(site):
        pairs.append((site, chain.nest.row[place]))
        place = chain.nest.below(place, time[site])
        site, place = site[place >= 0], place[place >= 0]
    if pairs:
        yield Credit(
            kind=chain.kind,
            site=np.concatenate([p[0] for p in pairs]),
            range=np.concatenate([p[1] for p in pairs]),
        )
