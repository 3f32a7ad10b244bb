r"""Which range of B is held against which range of A.

Ranges pair by path. What is left among the children of a pair (or among the outermost ranges) pairs one to
one by name without those ``word=value`` tokens whose value is one on each side and another on the other:
``point n=1000 axis=0`` with ``point n=1000 axis=1``; then by name without the numbers that only count
(``program_id=3`` with ``program_id=7``). Renaming A's messages first (``--map OLD=NEW``, OLD a
regular expression in which an = is ``\=``, NEW what ``re.sub`` puts in its place) overrides both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..attribution.counting_words import fold_counting
from ..attribution.steady_instances import RangePath
from ..errors import CompareError
from .range_times import TOKEN, drop_tokens

_MAP = re.compile(r"((?:[^=\\]|\\.)+)=(.*)", re.DOTALL)

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
            if part_a[1] != part_b[1]:
                pairing[f"{part_a[1]} with {part_b[1]}"] = None
    return PathPairs(partners=partners, pairing=tuple(pairing))


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
    renamed, known = {part: (part[0], rename(part[1])) for part in a}, set(b)
    mapped = {part: new for part, new in renamed.items() if new != part and new in known}
    taken = set(mapped.values())
    pairs = {
        part: mapped.get(part, part) for part in a if part in mapped or (part in known and part not in taken)
    }
    taken = set(pairs.values())
    rest_a, rest_b = [part for part in a if part not in pairs], [part for part in b if part not in taken]
    words = _find_differing_words([message for _, message in rest_a], [message for _, message in rest_b])
    drop = partial(drop_tokens, words=words)
    bare_a, bare_b = _index(rest_a, drop), _index(rest_b, drop)
    pairs |= {part: bare_b[bare] for bare, part in bare_a.items() if bare in bare_b}
    taken = set(pairs.values())
    rest_a, rest_b = (
        [part for part in rest_a if part not in pairs],
        [part for part in rest_b if part not in taken],
    )
    counted_a, counted_b = _index(rest_a, fold_counting), _index(rest_b, fold_counting)
    pairs |= {part: counted_b[name] for name, part in counted_a.items() if name in counted_b}
    return {part: pairs[part] for part in a if part in pairs}


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


def _index(parts: Sequence[Part], shorten: Callable[[str], str]) -> dict[Part, Part]:
    """Parts by what their names become; names that are then not unique are left out."""
    found: dict[Part, list[Part]] = {}
    for domain, message in parts:
        found.setdefault((domain, shorten(message)), []).append((domain, message))
    return {short: names[0] for short, names in found.items() if len(names) == 1}
