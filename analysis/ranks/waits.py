"""What each collective of a job was made of: its transfer, and how long every rank waited for the last to arrive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..arithmetic.arrays import NONE, Ints
from .clocks import Clock
from .matching import Matched, Matching, name_communicator
from .summaries import Collectives

BUS_SHARES: dict[str, Callable[[int], float]] = {
    "AllReduce": lambda size: 2 * (size - 1) / size,
    "AllGather": lambda size: size - 1,
    "ReduceScatter": lambda size: size - 1,
    "Broadcast": lambda _: 1,
    "Reduce": lambda _: 1,
}
"""Bytes that pass each rank's link for one byte of NCCL's message size, as nccl-tests counts bus bandwidth; the message
of an AllGather or ReduceScatter is one rank's share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collective:
    """One collective of the job, ranks by their places in the list of ranks."""

    kernel: str
    family: str
    communicator: str | None
    bytes: int | None
    bus_gbps: float | None
    start_ns: int
    """When the first rank arrived, on the common clock."""
    transfer_ns: int
    last: int
    wait_ns: dict[int, int]
    places: dict[int, int]
    """Which of a rank's own collectives it is."""


def list_collectives(
    ranks: Sequence[Collectives], clocks: Sequence[Clock], matching: Matching
) -> tuple[Collective, ...]:
    """All matched collectives in the order in which their lowest rank began them."""
    found = [
        (_order(ranks, clocks, group, row), _describe(ranks, clocks, group, row))
        for group in matching.groups
        for row in range(len(group.places))
    ]
    return tuple(collective for _, collective in sorted(found, key=lambda pair: pair[0]))


def _order(
    ranks: Sequence[Collectives], clocks: Sequence[Clock], group: Matched, row: int
) -> tuple[int, int, int]:
    rank, place = group.ranks[0], int(group.places[row, 0])
    return clocks[rank].place(int(ranks[rank].start_ns[place])), rank, place


def _describe(ranks: Sequence[Collectives], clocks: Sequence[Clock], group: Matched, row: int) -> Collective:
    places = dict(zip(group.ranks, group.places[row].tolist(), strict=True))
    lengths = {rank: int(ranks[rank].duration_ns[place]) for rank, place in places.items()}
    transfer = min(lengths.values())
    first, at = group.ranks[0], places[group.ranks[0]]
    of = ranks[first]
    message = max(int(ranks[rank].bytes[place]) for rank, place in places.items())
    family, size = of.family_name(at), max(int(of.size[at]), len(places))
    communicator = int(of.communicator[at])
    return Collective(
        kernel=of.kernels[int(of.kernel[at])],
        family=family,
        communicator=None if communicator == NONE else name_communicator(communicator),
        bytes=None if message < 0 else message,
        bus_gbps=_bus_bandwidth(family, size, message, transfer),
        start_ns=min(clocks[r].place(int(ranks[r].start_ns[place])) for r, place in places.items()),
        transfer_ns=transfer,
        last=min(lengths, key=lambda rank: (lengths[rank], rank)),
        wait_ns={rank: length - transfer for rank, length in lengths.items()},
        places=places,
    )


def _bus_bandwidth(family: str, size: int, message: int, transfer_ns: int) -> float | None:
    """GB/s, which are bytes per ns; None where the size or the family's share is not known."""
    if family not in BUS_SHARES or message < 0 or transfer_ns <= 0 or size < 2:
        return None
    return round(BUS_SHARES[family](size) * message / transfer_ns, 3)


def waits_of(rank: int, own: Collectives, collectives: Sequence[Collective]) -> Ints:
    """How long each of a rank's own collectives waited; -1 for one that was not matched."""
    waits = np.full(len(own), NONE, np.int64)
    for one in collectives:
        if rank in one.places:
            waits[one.places[rank]] = one.wait_ns[rank]
    return waits
