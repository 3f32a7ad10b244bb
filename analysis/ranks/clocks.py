"""One clock for all ranks: the wall clock at which each trace began, then the ends of collectives they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arithmetic.arrays import Ints
from ..trace.quality import note
from ..words import Align, QualityNote
from .matching import Matched, Matching
from .summaries import Collectives

FAR_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What is added to a rank's own times: the epoch of its trace, then the offset; and how well that fits."""

    epoch_ns: int
    offset_ns: int | None
    """None where nothing tells how this rank's clock stands to the first one's."""
    residual_ns: int | None
    """The median distance that is left between ends of matched collectives here and on the rank aligned with."""

    def place(self, time_ns: int) -> int:
        """A time of the rank's on the common clock."""
        return time_ns + self.epoch_ns + (self.offset_ns or 0)


def take_epochs(epochs: Sequence[int | None], align: Align) -> tuple[list[int], list[QualityNote]]:
    """When each trace began; 0 for all where one does not say, or wall clocks are not asked for."""
    unknown = sum(epoch is None for epoch in epochs)
    if align == "none":
        return [0] * len(epochs), []
    if unknown:
        return [0] * len(epochs), [note("clock_unknown", unknown)]
    return [int(epoch or 0) for epoch in epochs], []


def align_clocks(
    ranks: Sequence[Collectives],
    epochs: Sequence[int],
    matching: Matching,
    align: Align,
    names: Sequence[str],
) -> tuple[list[Clock], list[QualityNote]]:
    """The clock of every rank, the first one's being the one that all are set to."""
    if align != "collectives":
        return [_leave(ranks, epochs, matching, rank, align) for rank in range(len(ranks))], []
    offsets: dict[int, tuple[int, int | None]] = {0: (0, 0 if len(ranks) > 1 else None)} if ranks else {}
    waiting = list(range(1, len(ranks)))
    while (nearest := _nearest(matching, offsets, waiting)) is not None:
        known, rank = nearest
        apart = _ends_apart(ranks, epochs, matching, known, rank)
        middle = round(float(np.median(apart)))
        residual = round(float(np.median(np.abs(apart - middle))))
        offsets[rank] = (offsets[known][0] - middle, residual)
        waiting.remove(rank)
    clocks = [
        Clock(epoch_ns=epoch, offset_ns=offset, residual_ns=residual)
        for epoch, (offset, residual) in (
            (epochs[rank], offsets.get(rank, (None, None))) for rank in range(len(ranks))
        )
    ]
    having = sum(len(one) > 0 for one in ranks)
    return clocks, _judge(clocks, matching, names, having)


def _nearest(
    matching: Matching, known: dict[int, tuple[int, int | None]], waiting: Sequence[int]
) -> tuple[int, int] | None:
    """The pair of an aligned rank and one that is not with most collectives in common; the lowest of equals."""
    common: dict[tuple[int, int], int] = {}
    for group in matching.groups:
        for one in group.ranks:
            for other in group.ranks:
                if one in known and other in waiting and len(group.places):
                    common[one, other] = common.get((one, other), 0) + len(group.places)
    return min(common, key=lambda pair: (-common[pair], pair)) if common else None


def _ends_apart(
    ranks: Sequence[Collectives], epochs: Sequence[int], matching: Matching, one: int, other: int
) -> Ints:
    """How much later each collective of two ranks ended on the second one, by their clocks."""
    parts = [
        _ends(ranks, group, other) - _ends(ranks, group, one)
        for group in matching.groups
        if one in group.ranks and other in group.ranks
    ]
    return np.concatenate([np.zeros(0, np.int64), *parts]) + (epochs[other] - epochs[one])


def _ends(ranks: Sequence[Collectives], group: Matched, rank: int) -> Ints:
    return ranks[rank].end_ns[group.places[:, group.ranks.index(rank)]]


def _leave(
    ranks: Sequence[Collectives], epochs: Sequence[int], matching: Matching, rank: int, align: Align
) -> Clock:
    """A clock as it is, with how far from the first rank's its collectives end."""
    apart = _ends_apart(ranks, epochs, matching, 0, rank)
    known = align == "utc" and len(apart) > 0 and len(ranks) > 1
    return Clock(
        epoch_ns=epochs[rank],
        offset_ns=0,
        residual_ns=round(float(np.median(np.abs(apart)))) if known else None,
    )


def _judge(
    clocks: Sequence[Clock], matching: Matching, names: Sequence[str], having: int
) -> list[QualityNote]:
    """What is odd; `having` ranks have collectives at all."""
    if len(clocks) < 2:
        return []
    lost = [at for at, clock in enumerate(clocks) if clock.offset_ns is None]
    far = [at for at, clock in enumerate(clocks) if abs(clock.offset_ns or 0) > FAR_NS and clock.epoch_ns]
    notes = [
        note(
            "clock_offset",
            1,
            f"{names[at]} is {describe_offset(-(clocks[at].offset_ns or 0))} than {names[0]}",
        )
        for at in far
    ]
    if lost and not any(len(group.places) for group in matching.groups):
        notes.append(note("clocks_not_aligned"))
    parts = matching.connected(len(clocks))
    if len(parts) > 1 and having > 1:
        told = "; ".join(", ".join(names[rank] for rank in part) for part in parts)
        notes.append(note("ranks_apart", len(parts), told))
    return notes


def describe_offset(ns: int) -> str:
    """How far a clock is from another one.

    >>> describe_offset(7_200_000_000_000), describe_offset(-1_500_000_000)
    ('2.00 h later', '1.50 s earlier')
    """
    seconds = abs(ns) / 1e9
    scale, unit = next(
        (s, u) for s, u in ((86400, "days"), (3600, "h"), (60, "min"), (1, "s")) if seconds >= s or s == 1
    )
    return f"{seconds / scale:.2f} {unit} {'later' if ns > 0 else 'earlier'}"
