"""Which collectives of different ranks are one, and until where that is certain.

Collectives match by their communicator where the traces tell it, else by stream, and there by their order: the first
on one rank is the first on another. Two things can show that this is wrong, and matching stops at the first place
where they do: ranks differ in kind or number, or what should be one collective does not end at about the same time
on two ranks, as each collective must in which no rank can be done before the last has arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Ints
from ..trace.quality import note
from ..words import QualityNote
from .families import SYNCHRONISING
from .summaries import Collectives

LOOSE_NS = 100_000
"""Ends of one collective on two ranks lie closer, once their clocks agree; measured: 14 µs on one host."""

REMEMBERED = 31
"""How many earlier collectives say how far two clocks are apart: few enough to follow one that drifts."""

AHEAD, TOO_MANY = 5, 2
"""One end that is off may happen; of so many that follow each other, so many that are off are a break."""

NOISY_SHARE = 0.25
"""Of the next REMEMBERED ends; more that are off are noise, not a few late ones."""

LEAST_SHARE = 0.1
"""Ranks whose collectives part before this share of them have none in common."""

Key = tuple[int, int]
"""(communicator, stream) where the communicator is known, else (-1, stream)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matched:
    """Collectives that some ranks have in common, in their order."""

    key: Key
    ranks: tuple[int, ...]
    """Places in the list of ranks."""
    places: NDArray[np.int64]
    """A row for each collective, a column for each rank: places in that rank's collectives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """All that could be matched, and why not more."""

    groups: tuple[Matched, ...]
    quality: tuple[QualityNote, ...]

    def connected(self, count: int) -> list[list[int]]:
        """Ranks by what connects them: those of one list have collectives with each other, at least in a chain."""
        at = list(range(count))
        for group in self.groups:
            if len(group.places):
                joined = {at[rank] for rank in group.ranks}
                at = [min(joined) if one in joined else one for one in at]
        return [[rank for rank in range(count) if at[rank] == one] for one in dict.fromkeys(at)]


def match_collectives(ranks: Sequence[Collectives], epochs: Sequence[int], names: Sequence[str]) -> Matching:
    """Match the collectives of ranks; `epochs` place their clocks, `names` call them in notes."""
    matcher = _Matcher(ranks, epochs, names)
    groups = [group for key in matcher.list_keys() for group in matcher.match(key)]
    return Matching(groups=tuple(groups), quality=tuple(matcher.notes))


class _Matcher:
    def __init__(self, ranks: Sequence[Collectives], epochs: Sequence[int], names: Sequence[str]) -> None:
        self._ranks, self._epochs, self._names = ranks, epochs, names
        self.notes: list[QualityNote] = []
        known = all((one.communicator != NONE).any() for one in ranks)
        if not known and any(len(one) for one in ranks):
            self.notes.append(note("communicators_unknown"))
        self._of_key = [_by_key(one, known) for one in _name_streams(ranks, known)]

    def list_keys(self) -> list[Key]:
        """All keys, in the order of the first rank that has them."""
        return list(dict.fromkeys(key for of_key in self._of_key for key in of_key))

    def match(self, key: Key) -> list[Matched]:
        """The collectives of one key; several lists where ranks have nothing to do with each other."""
        sharing = [at for at, of_key in enumerate(self._of_key) if key in of_key]
        if key[0] == NONE and len(sharing) < len(self._of_key):
            lacking = [at for at in range(len(self._of_key)) if at not in sharing]
            detail = f"{self._where(key, sharing[0])}: {self._name(sharing)} used it, {self._name(lacking)} did not"
            self.notes.append(note("collectives_differ", detail=detail))
        clusters = self._cluster(key, sharing)
        if len(clusters) > 1:
            told = " / ".join(self._name(cluster) for cluster in clusters)
            self.notes.append(note("collectives_apart", detail=f"{self._where(key, sharing[0])}: {told}"))
        alone = sum(len(self._of_key[one[0]][key]) for one in clusters if len(one) == 1)
        if alone:
            self.notes.append(note("collectives_alone", alone))
        return [self._match_cluster(key, one) for one in clusters if len(one) > 1]

    def _cluster(self, key: Key, sharing: Sequence[int]) -> list[list[int]]:
        """Ranks whose collectives of a key end together at first.

        What need not end together, as sends and receives, tells nothing: with more than two ranks it is left alone,
        unless the communicator is known.
        """
        if (
            key[0] == NONE
            and len(sharing) > 2
            and not self._look_at(sharing[0], self._of_key[sharing[0]][key])[0].any()
        ):
            return [[rank] for rank in sharing]
        clusters: list[list[int]] = []
        for rank in sharing:
            for cluster in clusters:
                least = min(len(self._of_key[one][key]) for one in (cluster[0], rank))
                if self._find_break(key, cluster[0], rank, least) > LEAST_SHARE * least:
                    cluster.append(rank)
                    break
            else:
                clusters.append([rank])
        return clusters

    def _match_cluster(self, key: Key, ranks: Sequence[int]) -> Matched:
        places = [self._of_key[rank][key] for rank in ranks]
        counts = [len(one) for one in places]
        same = self._same_kind(ranks, places, min(counts))
        if same < max(counts):
            self.notes.append(
                note("collectives_differ", max(counts) - same, self._tell(key, ranks, counts, same))
            )
        breaks = [self._find_break(key, ranks[0], rank, same) for rank in ranks[1:]]
        end = min([same, *breaks])
        if end < same:
            worst = ranks[1 + breaks.index(end)]
            where = f"{self._where(key, ranks[0])}, from its {_ordinal(end + 1)} on: {self._name([ranks[0], worst])}"
            self.notes.append(note("collectives_apart", same - end, where))
        return Matched(key=key, ranks=tuple(ranks), places=np.stack([one[:end] for one in places], axis=1))

    def _same_kind(self, ranks: Sequence[int], places: Sequence[Ints], count: int) -> int:
        """How many from the first on are of one family on all ranks."""
        first, *others = [
            np.array(self._ranks[rank].families)[self._ranks[rank].family[one[:count]]]
            if count
            else np.array([])
            for rank, one in zip(ranks, places, strict=True)
        ]
        differ = np.zeros(count, np.bool_)
        for other in others:
            differ |= first != other
        return int(differ.argmax()) if differ.any() else count

    def _find_break(self, key: Key, one: int, other: int, count: int) -> int:
        """The first collective of `count` from which on two ranks' ends part; `count` for never."""
        places = [self._of_key[rank][key][:count] for rank in (one, other)]
        must, ends, lengths = zip(
            *(self._look_at(*pair) for pair in zip((one, other), places, strict=True)), strict=True
        )
        must = np.flatnonzero(must[0] & must[1])
        apart = ends[1][must] - ends[0][must] + (self._epochs[other] - self._epochs[one])
        found = find_break(apart, np.maximum(LOOSE_NS, np.minimum(*lengths)[must] // 2))
        return int(must[found]) if found < len(must) else count

    def _look_at(self, rank: int, places: Ints) -> tuple[Bools, Ints, Ints]:
        """Which collectives must end everywhere at once; all ends and lengths."""
        of = self._ranks[rank]
        synchronising = np.array([family in SYNCHRONISING for family in of.families] or [False], np.bool_)
        return synchronising[of.family[places]], of.end_ns[places], of.duration_ns[places]

    def _tell(self, key: Key, ranks: Sequence[int], counts: Sequence[int], same: int) -> str:
        numbers = ", ".join(
            f"{self._names[rank]} has {count}" for rank, count in zip(ranks, counts, strict=True)
        )
        return f"{self._where(key, ranks[0])}, from its {_ordinal(same + 1)} on: {numbers}"

    def _where(self, key: Key, rank: int) -> str:
        if key[0] != NONE:
            return f"communicator {name_communicator(key[0])}"
        of = self._ranks[rank]
        return f"stream {of.streams[int(of.stream[self._of_key[rank][key][0]])][1]}"

    def _name(self, ranks: Sequence[int]) -> str:
        return ", ".join(self._names[rank] for rank in ranks)


def find_break(apart: Ints, tolerance: Ints) -> int:
    """The first place from which on two clocks' difference is no longer what it was; the length for never.

    A few ends that are off, as of a program's first collectives, are no break: the difference must stay another one,
    or become noise.
    """
    if not len(apart):
        return 0
    moved = pd.Series((apart - apart[0]).astype(np.float64))
    before = moved.rolling(REMEMBERED, min_periods=1).median().shift(1)
    before[:AHEAD] = moved[:REMEMBERED].median()
    after = moved[::-1].rolling(REMEMBERED, min_periods=1).median()[::-1]
    off = ((moved - before).abs() > tolerance).to_numpy()
    left = len(off) - np.arange(len(off))
    many = _count_ahead(off, AHEAD) >= np.minimum(TOO_MANY, left)
    moves = ((after - before).abs() > tolerance).to_numpy()
    noisy = _count_ahead(off, REMEMBERED) >= NOISY_SHARE * np.minimum(REMEMBERED, left)
    broken = np.flatnonzero(off & many & (moves | noisy))
    return int(broken[0]) if len(broken) else len(apart)


def _count_ahead(off: Bools, width: int) -> Ints:
    """From each place on, how many of the next `width` are off."""
    total = np.append(0, np.cumsum(off))
    return total[np.minimum(np.arange(len(off)) + width, len(off))] - total[:-1]


def _name_streams(ranks: Sequence[Collectives], known: bool) -> list[tuple[Collectives, Ints]]:
    """Each rank with a number for the stream of each collective that means the same on all ranks.

    That is the stream's own number where all ranks have the same ones, else its place in the order in which streams
    were first used.
    """
    numbers = [[stream for _, stream in one.streams] for one in ranks]
    same = not known and all(
        sorted(one) == sorted(numbers[0]) and len(set(one)) == len(one) for one in numbers
    )
    return [
        (one, np.array(own if same else range(len(own)), np.int64)[one.stream] if own else one.stream)
        for one, own in zip(ranks, numbers, strict=True)
    ]


def _by_key(rank: tuple[Collectives, Ints], known: bool) -> dict[Key, Ints]:
    """Places of a rank's collectives by key, in the order of their start; streams count within a communicator."""
    of, stream = rank
    communicator = of.communicator if known else np.full(len(of), NONE, np.int64)
    found: dict[Key, list[int]] = {}
    within: dict[int, dict[int, int]] = {}
    for place, (one, number) in enumerate(zip(communicator.tolist(), stream.tolist(), strict=True)):
        if one != NONE:
            streams = within.setdefault(one, {})
            number = streams.setdefault(number, len(streams))
        found.setdefault((one, number), []).append(place)
    return {key: np.array(places, np.int64) for key, places in found.items()}


def name_communicator(communicator: int) -> str:
    """A communicator's id as NCCL's own messages write it."""
    return f"0x{communicator & (1 << 64) - 1:x}"


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 <= number % 100 <= 20 else endings.get(number % 10, 'th')}"
