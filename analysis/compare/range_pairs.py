r"""Which range of B is held against which range of A.

Ranges pair by path. What is left among the children of a pair (or among the outermost ranges) pairs one to
one by name without those ``word=value`` tokens whose value is one on each side and another on the other:
``point n=1000 axis=0`` with ``point n=1000 axis=1``; then by name without the numbers that only count
(``program_id=3`` with ``program_id=7``). Where a compiler numbered its kernels anew, so that each side has names
that the other lacks (``triton_poi_fused_add_4``), those alike but for the number pair in their order, if both
sides have as many. Renaming A's messages first (``--map OLD=NEW``, OLD a
regular expression in which an = is ``\=``, NEW what ``re.sub`` puts in its place) overrides all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..attribution.counting_words import fold_counting, list_candidates
from ..attribution.range_names import spell_message
from ..attribution.steady_instances import RangePath
from ..errors import CompareError
from ..words import is_foreign
from .range_times import TOKEN, drop_tokens

_MAP = re.compile(r"((?:[^=\\]|\\.)+)=(.*)", re.DOTALL)

_GENERATED = re.compile(r"(triton_\w+?|nvfuser_\w+?|\w*fusion)(?:[_.$]\d+)+(?![\w.$])")

Rename = Callable[[str], str]

Part = tuple[str, str]
"""Domain and message of one range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPairs:
    """Paths of A with their paths of B, and what was paired although its name differs."""

    partners: Mapping[RangePath, RangePath]
    pairing: tuple[str, ...]


def parse_maps(texts: Sequence[str]) -> Rename:
    """What ``--map OLD=NEW`` does to a message; the first that matches counts. Raises CompareError."""
    rules: list[tuple[re.Pattern[str], str]] = []
    for text in texts:
        parts = _MAP.fullmatch(text)
        if parts is None:
            raise CompareError(
                f"--map {text}: expected OLD=NEW, OLD a regular expression over range names (an = in it is \\=)"
            )
        old, new = parts.groups()
        try:
            pattern = re.compile(old)
            pattern.sub(new, "")
            rules.append((pattern, new))
        except (re.error, IndexError) as error:
            raise CompareError(
                f"--map {text}: {error}; OLD is a regular expression, NEW its replacement"
            ) from None
    return lambda message: _rename(message, rules)


def rename_in_full(rename: Rename, full_names: Mapping[str, Sequence[str]], known: Collection[str]) -> Rename:
    """The same for names whose counter was folded: what fits the names in full gives the other side's folded one."""

    def rename_folded(message: str) -> str:
        new = rename(message)
        for full in full_names.get(message, ()) if new == message else ():
            if (renamed := rename(full)) != full:
                short = fold_counting(renamed)
                shorter = [candidate.folded for candidate in list_candidates(short)]
                return next((name for name in (renamed, short, *shorter) if name in known), short)
        return new

    return rename_folded


def pair_paths(a: Iterable[RangePath], b: Iterable[RangePath], rename: Rename = str) -> PathPairs:
    """Pair the paths of two traces from the outermost ranges inwards."""
    partners: dict[RangePath, RangePath] = {}
    pairing: dict[str, None] = {}
    inner_a, inner_b = _list_children(a), _list_children(b)
    open_pairs: list[tuple[RangePath, RangePath]] = [((), ())]
    while open_pairs:
        around_a, around_b = open_pairs.pop(0)
        found = _pair_siblings(inner_a.get(around_a, []), inner_b.get(around_b, []), rename)
        for part_a, part_b in found.items():
            path_a, path_b = (*around_a, part_a), (*around_b, part_b)
            partners[path_a] = path_b
            open_pairs.append((path_a, path_b))
            if part_a[1] != part_b[1] or is_foreign(part_a[0]) != is_foreign(part_b[0]):
                pairing[_tell(part_a, part_b)] = None
    return PathPairs(partners=partners, pairing=tuple(pairing))


def _tell(a: Part, b: Part) -> str:
    names = (a[1], b[1]) if a[1] != b[1] else (spell_part(a), spell_part(b))
    return " with ".join(names)


def spell_part(part: Part) -> str:
    """A range as ``--range`` and ``--map`` take it: behind its domain, if that is told at all."""
    domain, message = part
    return spell_message(domain, message) if is_foreign(domain) else message


def _rename(message: str, rules: Sequence[tuple[re.Pattern[str], str]]) -> str:
    for pattern, new in rules:
        if pattern.search(message):
            return pattern.sub(new, message)
    return message


def _list_children(paths: Iterable[RangePath]) -> dict[RangePath, list[Part]]:
    children: dict[RangePath, list[Part]] = {}
    for part in dict.fromkeys(path[:depth] for path in paths for depth in range(1, len(path) + 1)):
        children.setdefault(part[:-1], []).append(part[-1])
    return children


def _pair_siblings(a: Sequence[Part], b: Sequence[Part], rename: Rename) -> dict[Part, Part]:
    pairs = _pair_mapped(a, b, rename)
    _add(pairs, a, b, _pair_generated)
    _add(pairs, a, b, _pair_same)
    _add(pairs, a, b, _pair_without_tokens)
    for shorten in (fold_counting, _fold_numbering):
        _add(pairs, a, b, partial(_pair_shortened, shorten=shorten))
    for shorten in (str, fold_counting, _fold_numbering):
        _add(pairs, a, b, partial(_pair_across_domains, shorten=shorten))
    return {part: pairs[part] for part in a if part in pairs}


def _pair_mapped(a: Sequence[Part], b: Sequence[Part], rename: Rename) -> dict[Part, Part]:
    found = {part: _find_mapped(part, b, rename) for part in a}
    return {part: new for part, new in found.items() if new is not None}


def _find_mapped(part: Part, b: Sequence[Part], rename: Rename) -> Part | None:
    """The range that a map gives: in its domain, spelt with another, or the one of that name."""
    domain, message = part
    name = rename(message)
    if name == message:
        full = spell_part(part)
        name = rename(full)
        return next((other for other in b if spell_part(other) == name != full), None)
    if (domain, name) in b:
        return domain, name
    named = [other for other in b if name in (other[1], spell_part(other))]
    return named[0] if len(named) == 1 else None


def _add(
    pairs: dict[Part, Part],
    a: Sequence[Part],
    b: Sequence[Part],
    pair: Callable[[list[Part], list[Part]], dict[Part, Part]],
) -> None:
    """One more way to pair what has no partner yet."""
    taken = set(pairs.values())
    pairs |= pair([part for part in a if part not in pairs], [part for part in b if part not in taken])


def _pair_generated(a: list[Part], b: list[Part]) -> dict[Part, Part]:
    """Kernels that a compiler numbered anew, in their order; where one side has all names of the other, by name."""
    pairs: dict[Part, Part] = {}
    left, right = (_group(side, _fold_generated) for side in (a, b))
    for name, ours in left.items():
        theirs = right.get(name, [])
        renumbered = not (set(ours) <= set(theirs) or set(theirs) <= set(ours))
        if renumbered and len(ours) == len(theirs):
            pairs |= dict(zip(ours, theirs, strict=True))
    return pairs


def _pair_same(a: list[Part], b: list[Part]) -> dict[Part, Part]:
    known = set(b)
    return {part: part for part in a if part in known}


def _fold_generated(message: str) -> str:
    return _GENERATED.sub(r"\1", message)


def _fold_numbering(message: str) -> str:
    """Without what counts and what may number: only one of each side has such a name."""
    short = fold_counting(message)
    return next((candidate.folded for candidate in list_candidates(short) if candidate.may_number), short)


def _pair_without_tokens(a: list[Part], b: list[Part]) -> dict[Part, Part]:
    words = _find_differing_words([message for _, message in a], [message for _, message in b])
    return _pair_shortened(a, b, partial(drop_tokens, words=words))


def _pair_shortened(a: list[Part], b: list[Part], shorten: Callable[[str], str]) -> dict[Part, Part]:
    """One with one by what their names become; names that are then not unique pair with nothing."""
    ours, theirs = _group(a, shorten), _group(b, shorten)
    return {
        parts[0]: theirs[name][0]
        for name, parts in ours.items()
        if len(parts) == len(theirs.get(name, [])) == 1
    }


def _pair_across_domains(a: list[Part], b: list[Part], shorten: Callable[[str], str]) -> dict[Part, Part]:
    """One with one by what their names become, where one of the two says no domain."""
    ours, theirs = (_group_names(side, shorten) for side in (a, b))
    found = [(parts, theirs.get(name, [])) for name, parts in ours.items()]
    alone = [(one[0], other[0]) for one, other in found if len(one) == len(other) == 1]
    return {one: other for one, other in alone if not (is_foreign(one[0]) and is_foreign(other[0]))}


def _find_differing_words(a: Sequence[str], b: Sequence[str]) -> set[str]:
    """Words whose value is one throughout each side, and not the same one."""
    values_a, values_b = _collect_values(a), _collect_values(b)
    return {
        word
        for word in values_a.keys() & values_b.keys()
        if len(values_a[word]) == len(values_b[word]) == 1 and values_a[word] != values_b[word]
    }


def _collect_values(messages: Iterable[str]) -> dict[str, set[str]]:
    values: dict[str, set[str]] = {}
    for message in messages:
        for word, value in TOKEN.findall(message):
            values.setdefault(word, set()).add(value)
    return values


def _group(parts: Sequence[Part], shorten: Callable[[str], str]) -> dict[Part, list[Part]]:
    """Parts by what their names become."""
    found: dict[Part, list[Part]] = {}
    for domain, message in parts:
        found.setdefault((domain, shorten(message)), []).append((domain, message))
    return found


def _group_names(parts: Sequence[Part], shorten: Callable[[str], str]) -> dict[str, list[Part]]:
    """Parts by what their names become, whatever their domains."""
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(shorten(part[1]), []).append(part)
    return found
