"""How a table names a range: its own name first, then where it lies, so that the first letters tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from ...analysis.words import is_foreign, join_path
from ..document.names import clean
from ..document.tables import ColumnOf

Item = TypeVar("Item")

RangeName = tuple[str, tuple[str, ...]]
"""(domain, path)."""


def name_range(name: RangeName, alike: Collection[RangeName] = ()) -> str:
    """The innermost message; of one that is spelt as another is, behind its domain, as ``--range`` takes it.

    >>> name = ("train", ("step", "forward"))
    >>> name_range(name), name_range(name, {name})
    ('forward', 'train:forward')
    """
    domain, path = name
    if not path:
        return ""
    return clean(f"{domain}:{path[-1]}" if domain and name in alike else path[-1])


def spell_range(name: RangeName, alike: Collection[RangeName] = ()) -> str:
    """The whole path in one cell or sentence.

    >>> name = ("flopprof", ("step", "forward"))
    >>> spell_range(name), spell_range(name, {name})
    ('step › forward', 'step › flopprof:forward')
    """
    domain, path = name
    if name in alike:
        return clean(join_path("", (*path[:-1], name_range(name, alike))))
    return clean(join_path(domain, path))


def find_alike(
    names: Iterable[RangeName], spell: Callable[[RangeName], object] = spell_range
) -> frozenset[RangeName]:
    """Of ranges that are shown together those that differ from another by their domain alone, and are spelt alike.

    >>> sorted(find_alike([("", ("step",)), ("flopprof", ("step",)), ("train", ("step",))]))
    [('', ('step',)), ('flopprof', ('step',))]
    """
    first: dict[tuple[str, ...], str] = {}
    several: dict[tuple[str, ...], set[str]] = {}
    for domain, path in names:
        if first.setdefault(path, domain) != domain:
            several.setdefault(path, {first[path]}).add(domain)
    alike: set[RangeName] = set()
    for path, domains in several.items():
        spelt = {(domain, path): spell((domain, path)) for domain in domains}
        times = Counter(spelt.values())
        alike |= {name for name, said in spelt.items() if times[said] > 1}
    return frozenset(alike)


def name_place(name: RangeName, shared: Sequence[str]) -> str:
    """The ranges around it without those that all of a table lie in; of an outermost one its domain.

    >>> name_place(("train", ("step", "forward")), ()), name_place(("train", ("step", "forward")), ("step",))
    ('train: step', 'train:')
    """
    domain, path = name
    around = path[len(shared) : -1]
    return clean(join_path(domain, around) if around else f"{domain}:" if is_foreign(domain) else "")


def find_shared(names: Iterable[RangeName]) -> tuple[str, ...]:
    """The outermost messages that are around every one.

    >>> find_shared([("", ("step", "forward")), ("", ("step", "backward"))])
    ('step',)
    """
    around = [path[:-1] for _, path in names if path]
    if not around:
        return ()
    shortest = min(around, key=len)
    same = 0
    while same < len(shortest) and all(path[same] == shortest[same] for path in around):
        same += 1
    return shortest[:same]


def range_columns(
    name_of: Callable[[Item], RangeName], names: Iterable[RangeName], title: str, *, unnamed: str = ""
) -> tuple[tuple[ColumnOf[Item], ColumnOf[Item]], tuple[str, ...]]:
    """Two columns, and the note that names what is left out of the second."""
    found = list(names)
    shared = find_shared(found)
    one_domain = len({domain for domain, path in found if path}) < 2
    alike = find_alike(found, lambda name: name_place(name, shared))

    def place(item: Item) -> str | None:
        domain, path = name_of(item)
        return name_place(("" if one_domain else domain, path), shared) or None

    def own(item: Item) -> str:
        return name_range(name_of(item), alike) or unnamed

    columns: tuple[ColumnOf[Item], ColumnOf[Item]] = (
        ColumnOf(key=title, title=title, value=own),
        ColumnOf(key="place", title="in", value=place),
    )
    where = clean(join_path(next((d for d, p in found if p), "") if one_domain else "", shared))
    note = (f"All of them lie in {where}.",) if shared else ()
    return columns, note
