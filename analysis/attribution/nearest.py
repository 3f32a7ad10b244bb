"""Which ranges were meant by a name that none has: the nearest ones, else those that are there most often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arithmetic.arrays import ints
from ..arithmetic.grouped import code_combinations, find_firsts
from ..trace.trace import Trace
from .range_names import spell_message

MOST_NAMED = 5

MOST_TRIED = 10_000
"""Names that are held against what was asked, those of most ranges: each takes microseconds."""

_LETTERS = str.maketrans("", "", "*?[]")
"""Without what a pattern has beside letters."""


def tell_nearest(trace: Trace, glob: str, domains: Sequence[str] | None = None) -> str:
    """What to ask for instead of a name; empty where a trace has no ranges.

    A colon in what was asked, or a domain that was asked for, and names are told with their domains.
    """
    names = _list_names(trace, with_domains=":" in glob or domains is not None)
    if not names:
        return ""
    near = _find_near(names[:MOST_TRIED], glob.translate(_LETTERS).casefold())
    if near:
        return f"the nearest {'is' if len(near) == 1 else 'are'} {', '.join(map(repr, near))}"
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"it has {', '.join(map(repr, names[:MOST_NAMED]))}{more}"


def _list_names(trace: Trace, *, with_domains: bool) -> list[str]:
    """Of all ranges, those that are there most often first."""
    domain, name = (ints(trace.ranges, column) for column in ("domain", "name"))
    pair = code_combinations(domain, name) if with_domains else code_combinations(name)
    first = find_firsts(pair)
    order = np.lexsort((name[first], domain[first] if with_domains else name[first], -np.bincount(pair)))
    rows = first[order].tolist()
    spelt = [(trace.name(int(domain[at])), trace.name(int(name[at]))) for at in rows]
    return [spell_message(inside, message) if with_domains else message for inside, message in spelt]


def _find_near(names: Sequence[str], asked: str) -> list[str]:
    """Those that are spelt nearly so, the nearest first; then those that have it in them. Neither heeds case."""
    from difflib import get_close_matches  # which nothing else needs

    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(name.casefold(), []).append(name)
    near = get_close_matches(asked, folded, n=MOST_NAMED)
    near += [one for one in folded if asked and asked in one and one not in near]
    return [name for one in near for name in folded[one]][:MOST_NAMED]
