"""How a table names a range: its own name first, then where it lies, so that the first letters tell them apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ...analysis.words import is_foreign, join_path
from ..document.names import clean
from ..document.tables import ColumnOf

Item = TypeVar("Item")

RangeName = tuple[str, tuple[str, ...]]
"""(domain, path)."""


def name_range(name: RangeName) -> str:
    """The innermost message.

    >>> name_range(("train", ("step", "forward")))
    'forward'
    """
    return clean(name[1][-1]) if name[1] else ""


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

    def place(item: Item) -> str | None:
        domain, path = name_of(item)
        return name_place(("" if one_domain else domain, path), shared) or None

    columns: tuple[ColumnOf[Item], ColumnOf[Item]] = (
        ColumnOf(key=title, title=title, value=lambda item: name_range(name_of(item)) or unnamed),
        ColumnOf(key="place", title="in", value=place),
    )
    where = clean(join_path(next((d for d, p in found if p), "") if one_domain else "", shared))
    note = (f"All of them lie in {where}.",) if shared else ()
    return columns, note
