"""Which things of two sides belong together, what each side has alone, and what a table calls a pair.

Steps of two runs join on their key. Steps that were selected to differ, in one run or two, join on everything
else they are called by.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from textwrap import shorten
from typing import Literal, NamedTuple

from ..errors import CompareError
from .kernel_pairs import pair_kernels
from .measured import Measured, MeasuredOp, label_names
from .range_pairs import Rename, pair_paths, parse_maps, rename_in_full
from .range_times import drop_tokens, name_domains, name_gpu
from .sides import Side

_MOST_NAMED, _WIDTH = 3, 60


def pair_steps(a: Side, b: Side) -> list[Match]:
    """Steps of one key; steps that were selected to differ, on all other names."""
    chosen = a.selection.keys() & b.selection.keys()
    differ = [name for name in chosen if a.selection[name] != b.selection[name]]
    return pair_by_names(a.things, b.things, differ) if differ else pair_by_key(a.things, b.things)


def pair_ranges(a: Side, b: Side, rename: Rename) -> tuple[list[Match], tuple[str, ...]]:
    """Ranges by path, and one line for each two of different names; nothing for runs."""
    paths_a, paths_b = a.paths or {}, b.paths or {}
    if not paths_a or not paths_b:
        return pair_whole(a, b), ()
    rename = rename_in_full(rename, a.folded, {message for path in paths_b.values() for _, message in path})
    pairs = pair_paths(paths_a.values(), paths_b.values(), rename)
    devices = pair_devices(a.things, b.things)
    names_a, names_b = _name_gpus(a, b)
    partners = {(path, thing.device): thing for thing in b.things for path in [paths_b[thing.key]]}
    matches: list[Match] = []
    for thing in a.things:
        path = pairs.partners.get(paths_a[thing.key])
        if path is None or thing.device not in devices:
            continue
        other = partners.get((path, devices[thing.device]))
        if other is not None:
            named = match_ranges(names_a.get(thing.key, thing), names_b.get(other.key, other))
            matches.append(named._replace(a=thing, b=other))
    return matches, pairs.pairing


def find_idle_maps(a: Side, b: Side, maps: Sequence[str], matches: Sequence[Match]) -> list[str]:
    """Each ``--map`` without which the same ranges pair: a name in it is not one, or needs no map."""
    pairs = [(id(match.a), id(match.b)) for match in matches]
    without = (pair_ranges(a, b, parse_maps([*maps[:at], *maps[at + 1 :]]))[0] for at in range(len(maps)))
    return [
        text
        for text, found in zip(maps, without, strict=True)
        if [(id(match.a), id(match.b)) for match in found] == pairs
    ]


def name_first(side: Side, alike: Collection[str]) -> str:
    """Its first things, as many as a reader needs to see why nothing pairs: of names both have the domains."""
    paths = side.paths or {}
    labels = list(
        dict.fromkeys(
            name_domains(paths[thing.key], thing).label
            if thing.label in alike and thing.key in paths
            else thing.label
            for thing in side.things
        )
    )
    more = f" and {len(labels) - _MOST_NAMED} more" if len(labels) > _MOST_NAMED else ""
    return ", ".join(shorten(label, _WIDTH, placeholder="…") for label in labels[:_MOST_NAMED]) + more


def _name_gpus(a: Side, b: Side) -> tuple[dict[str, Measured], dict[str, Measured]]:
    """The things of a side that used one GPU, called by it where the other side used another or more."""
    devices = [{thing.device for thing in side.things} for side in (a, b)]
    if devices[0] == devices[1]:
        return {}, {}
    left, right = (
        {thing.key: name_gpu(thing) for thing in side.things} if len(one) == 1 else {}
        for side, one in zip((a, b), devices, strict=True)
    )
    return left, right


def pair_devices(a: Sequence[Measured], b: Sequence[Measured]) -> dict[int | None, int | None]:
    """GPUs by their numbers; in their order those that only one side has, where both have as many or none is common."""
    left, right = ({thing.device: None for thing in side} for side in (a, b))
    common = [device for device in left if device in right]
    pairs: dict[int | None, int | None] = {device: device for device in common}
    rest = [[device for device in side if device not in pairs] for side in (left, right)]
    if not common or len(rest[0]) == len(rest[1]):
        pairs |= dict(zip(*rest, strict=False))
    return pairs


def pair_whole(a: Side, b: Side) -> list[Match]:
    """Kernels of two traces without ranges, as the kernels of one op pair."""
    devices = pair_devices(a.things, b.things)
    called_a, called_b = _name_gpus(a, b)
    matches: list[Match] = []
    for device_a, device_b in devices.items():
        left, right = (
            [thing for thing in side.things if thing.device == device]
            for side, device in ((a, device_a), (b, device_b))
        )
        pairs = pair_kernels([_join_ops(left)], [_join_ops(right)])
        names_a, names_b = ({thing.names["kernel"]: thing for thing in side} for side in (left, right))
        found = {
            pair.a.kernel: names_b[pair.b.kernel]
            for pair in pairs
            if pair.a is not None and pair.b is not None
        }
        for name, thing in names_a.items():
            if name in found:
                other = found[name]
                label = name_whole(called_a.get(thing.key, thing), called_b.get(other.key, other))
                matches.append(Match(thing, other, label))
    return matches


def name_whole(a: Measured, b: Measured) -> str:
    """One name, or both."""
    return a.label if a.label == b.label else f"{a.label} → {b.label}"


def _join_ops(things: Sequence[Measured]) -> MeasuredOp:
    kernels = tuple(row for thing in things for op in thing.ops for row in op.kernels)
    return MeasuredOp(op="", executions=1, kernels=kernels)


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


class Match(NamedTuple):
    """Two measured things to compare, and how a table calls them."""

    a: Measured
    b: Measured
    label: str
    value_a: str = "A"
    value_b: str = "B"


def pair_by_key(a: Sequence[Measured], b: Sequence[Measured]) -> list[Match]:
    """Things of one key, in A's order."""
    partners = {thing.key: thing for thing in b}
    return [Match(thing, partners[thing.key], thing.label) for thing in a if thing.key in partners]


def pair_by_names(a: Sequence[Measured], b: Sequence[Measured], differ: Sequence[str]) -> list[Match]:
    """Every two things that are equal in all names but those that are meant to differ."""
    return [match_things(one, other, differ) for one in a for other in b if agree(one, other, differ)]


def pair_by(things: Sequence[Measured], name: str, baseline: str | None, place: str) -> list[Match]:
    """Things of one side that are equal in all but NAME.

    The first value is A to each other one; of variants, the baseline. Raises CompareError, which names the
    place, for a name nothing has, and where nothing pairs.
    """
    names = dict.fromkeys(known for thing in things for known in thing.names)
    if name not in names:
        raise CompareError(
            f"{place}: nothing is called by {name!r}, so there is no comparing by it; try {', '.join(names)}"
        )
    firsts: list[Measured] = []
    matches: list[Match] = []
    for thing in sorted(things, key=lambda thing: thing.names.get(name) != baseline):
        partners = [first for first in firsts if agree(first, thing, [name])]
        partners = [first for first in partners if first.names[name] != thing.names.get(name)]
        matches += [match_things(first, thing, [name]) for first in partners]
        if name in thing.names and not partners:
            firsts.append(thing)
    if not matches:
        raise CompareError(f"{place}: no two things differ in {name} alone")
    return matches


def match_things(a: Measured, b: Measured, differ: Sequence[str]) -> Match:
    """The match, labelled by what both are called and told apart by what was meant to differ."""
    value_a, value_b = (
        label_names({name: thing.names[name] for name in differ if name in thing.names}, whole=True)
        for thing in (a, b)
    )
    shared = {**a.names, **b.names}
    return Match(
        a,
        b,
        label_names({name: shared[name] for name in shared if name not in _loosen(differ)}),
        value_a,
        value_b,
    )


def match_ranges(a: Measured, b: Measured) -> Match:
    """The match, labelled without the ``word=value`` tokens that tell the two ranges apart."""
    differ = [
        word for word in a.names.keys() & b.names.keys() if word != "range" and a.names[word] != b.names[word]
    ]
    labels = {drop_tokens(thing.label, differ) for thing in (a, b)}
    if not differ or len(labels) > 1:
        return Match(a, b, a.label if a.label == b.label else f"{a.label} → {b.label}")
    values = (label_names({word: thing.names[word] for word in sorted(differ)}) for thing in (a, b))
    return Match(a, b, labels.pop(), *values)


def agree(a: Measured, b: Measured, differ: Collection[str]) -> bool:
    """Whether two things are equal in all names but those that are meant to differ.

    Variants may know different parameters; in another mode the same must be computed.
    """
    if not all(name in a.names and name in b.names for name in differ):
        return False
    if "variant" not in differ and a.names.keys() != b.names.keys():
        return False
    if "variant" not in differ and "mode" in differ and a.computes != b.computes:
        return False
    fixed = (a.names.keys() & b.names.keys()) - _loosen(differ)
    return all(a.names[name] == b.names[name] for name in fixed)


def _loosen(differ: Collection[str]) -> set[str]:
    """A variant brings its mode along, and another mode is always another variant."""
    return {*differ, "variant", "mode"} if {"variant", "mode"} & set(differ) else set(differ)
