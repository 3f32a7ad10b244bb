"""How ranges are called: one spelling wherever a domain is told, ``DOMAIN:message``, which is how ``--range`` takes it.

A domain stands before the message that is in it, where the range around that is in another one; flopprof's own and the
default domain go without saying. Where two ranges would be called the same all of their domains are told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from ..words import is_foreign

RangeName = tuple[tuple[str, ...], tuple[str, ...]]
"""Domains and messages, both from the outermost range inwards, for ranges may lie in those of another domain."""

NO_RANGE: RangeName = ((), ())

INSIDE = " › "


def in_one_domain(domain: str, path: Sequence[str]) -> RangeName:
    """The name of a range that lies in ranges of its own domain."""
    return (domain,) * len(path), tuple(path)


def order_of(name: RangeName) -> tuple[object, ...]:
    """By the innermost domain, then by messages."""
    domains, path = name
    return domains[-1:], path, domains


def spell_message(domain: str, message: str) -> str:
    """A message behind its domain; the default one, "", has no name."""
    return f"{domain}:{message}" if domain else message


def spell_messages(name: RangeName, *, every: bool = False) -> list[str]:
    """Each message with its domain where that is told; ``every``: wherever it is not the default one.

    >>> name = (("flopprof", "train", "train"), ("step", "forward", "data"))
    >>> spell_messages(name), spell_messages(name, every=True)
    (['step', 'train:forward', 'data'], ['flopprof:step', 'train:forward', 'train:data'])
    """
    domains, path = name
    if every:
        return list(map(spell_message, domains, path))
    return [
        spell_message(domain, message) if is_foreign(domain) and domain != outer else message
        for domain, message, outer in zip(domains, path, ("", *domains), strict=False)
    ]


def spell_path(name: RangeName, *, every: bool = False) -> str:
    """A range by its messages from the outermost.

    >>> spell_path((("flopprof", "flopprof"), ("step", "forward"))), spell_path((("CCCL",), ("Sum",)))
    ('step › forward', 'CCCL:Sum')
    """
    return INSIDE.join(spell_messages(name, every=every))


def name_apart(names: Iterable[RangeName]) -> dict[RangeName, str]:
    """Each by its message alone; those of one message with their domains, or by what they lie in where that differs.

    >>> names = [in_one_domain("", path) for path in (("fit", "load"), ("test", "load"), ("save",))]
    >>> list(name_apart([*names, in_one_domain("io", ("save",))]).values())
    ['load (in fit)', 'load (in test)', 'save', 'io:save']
    """
    same: dict[str, list[RangeName]] = {}
    for name in dict.fromkeys(names):
        same.setdefault(name[1][-1], []).append(name)
    return {name: text for group in same.values() for name, text in _name_group(group).items()}


def _name_group(group: Sequence[RangeName]) -> dict[RangeName, str]:
    """Of ranges of one message."""
    if len(group) == 1:
        return {group[0]: group[0][1][-1]}
    domains = Counter(domains[-1] for domains, _ in group)
    places = name_places(group)
    found: dict[RangeName, str] = {}
    for name in group:
        own = name_within(name, len(domains))
        apart = places[name] and domains[name[0][-1]] > 1
        found[name] = f"{own} (in {places[name]})" if apart else own
    return found


def name_within(name: RangeName, domains: int) -> str:
    """The innermost message, among ranges of so many domains with its own."""
    of, path = name
    return spell_message(of[-1], path[-1]) if domains > 1 else path[-1]


def name_places(group: Sequence[RangeName]) -> dict[RangeName, str]:
    """What each of some ranges lies in, without what all of them do; empty for an outermost one.

    >>> paths = [("run", "fit", "load"), ("run", "test", "load"), ("load",)]
    >>> list(name_places([in_one_domain("", path) for path in paths[:2]]).values())
    ['fit', 'test']
    >>> list(name_places([in_one_domain("", path) for path in paths]).values())
    ['run › fit', 'run › test', '']
    """
    alike = find_alike(group, lambda name: name[1])
    around = {
        name: spell_messages(name, every=True)[:-1] if name in alike else list(name[1][:-1]) for name in group
    }
    least = min((len(messages) for messages in around.values()), default=0)
    levels = takewhile(lambda level: len(set(level)) == 1, zip(*around.values(), strict=False))
    shared = max(0, min(sum(1 for _ in levels), least - 1))
    return {name: INSIDE.join(messages[shared:]) for name, messages in around.items()}


def find_alike(
    names: Iterable[RangeName], spell: Callable[[RangeName], object] = spell_path
) -> frozenset[RangeName]:
    """Of ranges that are shown together those that differ from another by domains alone, and are spelt alike.

    >>> sorted(find_alike([(("",), ("step",)), (("flopprof",), ("step",)), (("train",), ("step",))]))
    [(('',), ('step',)), (('flopprof',), ('step',))]
    """
    first: dict[tuple[str, ...], tuple[str, ...]] = {}
    several: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for domains, path in names:
        if first.setdefault(path, domains) != domains:
            several.setdefault(path, {first[path]}).add(domains)
    alike: set[RangeName] = set()
    for path, of_path in several.items():
        spelt = {(domains, path): spell((domains, path)) for domains in of_path}
        times = Counter(spelt.values())
        alike |= {name for name, said in spelt.items() if times[said] > 1}
    return frozenset(alike)
