"""Sentences on ranges whose FLOPs a program could not count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...analysis.breakdown.rows import RangeRow
from ...analysis.words import LEFT_OUT
from ..document.names import clean

NAMED = 3
"""Ranges that are named for each reason."""


def tell_uncounted(rows: Sequence[RangeRow], *, limit: int) -> Iterator[str]:
    """Why ranges have no FLOPs, the reason met first first: what is inside a range is inside those around it."""
    ranges: dict[str, list[str]] = {}
    for row in rows:
        for reason in row.no_flops:
            ranges.setdefault(reason, []).append(row.path[-1])
    for reason, names in list(ranges.items())[:limit]:
        yield f"no FLOPs: {clean(reason)} ({_list_names(list(dict.fromkeys(names)))})."
    if len(ranges) > limit:
        yield f"no FLOPs: {len(ranges) - limit} more reasons, see --json."
    if any(row.flops is None and row.elements is not None and not row.no_flops for row in rows):
        least = f"{100 * LEFT_OUT:.0f} %"
        yield f"no FLOPs: where more than {least} would be left out, as ranges compute element by element."


def _list_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(clean(name) for name in names[:NAMED]) + more
