"""How a table names a range: its own name first, then where it lies, so that the first letters tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from ...analysis.attribution.range_names import (
    INSIDE,
    NO_RANGE,
    RangeName,
    find_alike,
    spell_messages,
    spell_path,
)
from ..document.names import clean
from ..document.tables import ColumnOf

Item = TypeVar("Item")


def name_range(name: RangeName, alike: Collection[RangeName] = ()) -> str:
    """The innermost message; of one that is spelt as another is, behind its domain.

    >>> name = (("train", "train"), ("step", "forward"))
    >>> name_range(name), name_range(name, {name})
    ('forward', 'train:forward')
    """
    _, path = name
    if not path:
        return ""
    return clean(spell_messages(name, every=True)[-1] if name in alike else path[-1])


def spell_range(name: RangeName, alike: Collection[RangeName] = ()) -> str:
    """The whole path in one cell or sentence.

    >>> name = (("flopprof", "train"), ("step", "forward"))
    >>> spell_range(name), spell_range(name, {name})
    ('step › train:forward', 'flopprof:step › train:forward')
    """
    return clean(spell_path(name, every=name in alike))


def name_place(name: RangeName, shared: RangeName, alike: Collection[RangeName] = ()) -> str:
    """The ranges around it without those that all of a table lie in.

    >>> name = (("train", "train", "train"), ("epoch", "step", "forward"))
    >>> name_place(name, NO_RANGE), name_place(name, (("train",), ("epoch",)), {name})
    ('train:epoch › step', 'train:step')
    """
    around = spell_messages(name, every=name in alike)[len(shared[1]) : -1]
    return clean(INSIDE.join(around))


def find_shared(names: Iterable[RangeName]) -> RangeName:
    """The outermost ranges that are around every one.

    >>> find_shared([(("", ""), ("step", "forward")), (("", ""), ("step", "backward"))])
    (('',), ('step',))
    """
    around = [(domains[:-1], path[:-1]) for domains, path in names if path]
    if not around:
        return NO_RANGE
    domains, path = min(around, key=lambda one: len(one[1]))
    same = 0
    while same < len(path) and all(
        other[same] == path[same] and of[same] == domains[same] for of, other in around
    ):
        same += 1
    return domains[:same], path[:same]


def range_columns(
    name_of: Callable[[Item], RangeName], names: Iterable[RangeName], title: str, *, unnamed: str = ""
) -> tuple[tuple[ColumnOf[Item], ColumnOf[Item]], tuple[str, ...]]:
    """Two columns, and the note that names what is left out of the second."""
    found = list(names)
    shared = find_shared(found)
    one_domain = len({domain for domains in {domains for domains, _ in found} for domain in domains}) < 2
    alike = find_alike(found)

    def spell(item: Item) -> list[str]:
        name = name_of(item)
        return list(name[1]) if one_domain else spell_messages(name, every=name in alike)

    def place(item: Item) -> str | None:
        return clean(INSIDE.join(spell(item)[len(shared[1]) : -1])) or None

    def own(item: Item) -> str:
        return clean((spell(item) or [""])[-1]) or unnamed

    columns: tuple[ColumnOf[Item], ColumnOf[Item]] = (
        ColumnOf(key=title, title=title, value=own),
        ColumnOf(key="place", title="in", value=place),
    )
    note = (f"All of them lie in {spell_range(shared)}.",) if shared[1] else ()
    return columns, note
