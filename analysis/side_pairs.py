"""Which things of two sides belong together, and what each side has alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .measured import Measured
from .range_pairs import Rename, pair_paths
from .sides import Side
from .step_pairs import Match, match_ranges, pair_by_key, pair_by_names


def pair_steps(a: Side, b: Side) -> list[Match]:
    """Steps of one key; steps that were selected to differ, on all other names."""
    chosen = a.selection.keys() & b.selection.keys()
    differ = [name for name in chosen if a.selection[name] != b.selection[name]]
    return pair_by_names(a.things, b.things, differ) if differ else pair_by_key(a.things, b.things)


def pair_ranges(a: Side, b: Side, rename: Rename) -> tuple[list[Match], tuple[str, ...]]:
    """Ranges by path, and one line for each two of different names; nothing for runs."""
    paths_a, paths_b = a.paths or {}, b.paths or {}
    pairs = pair_paths(paths_a.values(), paths_b.values(), rename)
    partners = {(path, thing.device): thing for thing in b.things for path in [paths_b[thing.key]]}
    matches: list[Match] = []
    for thing in a.things:
        path = pairs.partners.get(paths_a[thing.key])
        other = None if path is None else partners.get((path, thing.device))
        if other is not None:
            matches.append(match_ranges(thing, other))
    return matches, pairs.pairing


def list_unmatched(
    a: Sequence[Measured], b: Sequence[Measured], matches: Sequence[Match]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The labels of what is in no match, for each side."""
    paired = {id(thing) for match in matches for thing in (match.a, match.b)}
    left, right = (tuple(thing.label for thing in side if id(thing) not in paired) for side in (a, b))
    return left, right


def name_half(place: str, name: str, matches: Sequence[Match], half: Literal["a", "b"]) -> str:
    """The selection that this side is, ``RUN:axis=0``, where it is one for all pairs."""
    values = {getattr(match, half).names[name] for match in matches}
    if len(values) > 1:
        return f"{place} by {name}"
    return f"{place}{',' if ':' in place else ':'}{name}={values.pop()}"
