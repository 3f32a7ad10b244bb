"""The list of ranks: which trace is which rank, what failed and why, and what is missing or there twice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..engine.tasks import Outcome
from ..trace.quality import note
from ..words import QualityNote
from .naming import natural_key, rank_by_name, rank_by_pattern
from .summaries import RankSummary

MOST_NAMED = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankRow:
    """One trace, or one of the ranks in it; `reason` says why it failed."""

    path: Path
    rank: int | None
    summary: RankSummary | None = None
    reason: str | None = None

    @property
    def label(self) -> str:
        """How sentences call it."""
        return self.path.name if self.rank is None else f"rank {self.rank}"

    def failed(self, reason: str) -> RankRow:
        """The same, with nothing known of it but why."""
        return replace(self, summary=None, reason=reason)


def name_ranks(
    paths: Sequence[Path],
    outcomes: Sequence[Outcome[tuple[RankSummary, ...]]],
    pattern: re.Pattern[str] | None,
    size: int | None = None,
) -> tuple[list[RankRow], list[QualityNote]]:
    """Every rank that could be read, by its number, and the failed ones; what is odd about the list.

    `size` is the number of ranks, where that is known beforehand.
    """
    rows: list[RankRow] = []
    for path, outcome in zip(paths, outcomes, strict=True):
        named = rank_by_pattern(path, pattern) if pattern else None
        by_name = rank_by_name(path, paths) if pattern is None else None
        if outcome.value is None:
            rows.append(RankRow(path=path, rank=by_name if named is None else named, reason=outcome.reason))
        for one in outcome.value or ():
            rows.append(_name_one(path, one, named, by_name, by_pattern=pattern is not None))
    failed = [row for row in order_rows(rows) if row.reason is not None]
    rows, notes = _keep_one_of_each(order_rows(rows))
    notes += [note("rank_failed", len(failed), _list_names(failed))] if failed else []
    units = sum(row.summary.units > 1 for row in rows if row.summary is not None)
    notes += [note("ranks_in_one_trace", units)] if units else []
    return rows, [*notes, *_judge_numbers(rows, size or 0)]


def _name_one(
    path: Path, one: RankSummary, named: int | None, by_name: int | None, *, by_pattern: bool
) -> RankRow:
    """By the user's pattern, else as NCCL said, else by the name; ranks in one trace count by their GPU."""
    if by_pattern and named is None:
        return RankRow(path=path, rank=None, reason="--rank finds no number in its name")
    if one.units > 1 and one.told_rank is None:
        return RankRow(path=path, rank=one.unit, summary=one)
    rank = named if named is not None and one.units == 1 else one.told_rank
    rank = by_name if rank is None else rank
    if rank is None:
        reason = (
            r"its name holds no number, so which rank it is of is not known; say it by --rank 'name(\d+)'"
        )
        return RankRow(path=path, rank=None, reason=reason)
    return RankRow(path=path, rank=rank, summary=one)


def order_rows(rows: Sequence[RankRow]) -> list[RankRow]:
    """By rank, those without one last; then by name as people count."""
    return sorted(
        rows,
        key=lambda row: (row.rank is None, row.rank or 0, natural_key(str(row.path)), row.summary is None),
    )


def _keep_one_of_each(rows: Sequence[RankRow]) -> tuple[list[RankRow], list[QualityNote]]:
    """The second of two traces of one rank is not taken, and says so."""
    first: dict[int, RankRow] = {}
    kept: list[RankRow] = []
    twice: list[int] = []
    for row in rows:
        if row.summary is None or row.rank is None or row.rank not in first:
            if row.summary is not None and row.rank is not None:
                first[row.rank] = row
            kept.append(row)
            continue
        kept.append(
            row.failed(f"is of rank {row.rank}, as is {first[row.rank].path}; give one trace of each rank")
        )
        twice.append(row.rank)
    return kept, [note("rank_twice", len(twice), _list_ranks(twice))] if twice else []


def _judge_numbers(rows: Sequence[RankRow], least: int) -> list[QualityNote]:
    ranks = [row.rank for row in rows if row.rank is not None]
    done = [row for row in rows if row.summary is not None]
    sizes = sorted({row.summary.told_size for row in done if row.summary and row.summary.told_size})
    notes = []
    if len(sizes) > 1:
        told = "; ".join(
            f"{size} ranks say {_list_names([r for r in done if r.summary and r.summary.told_size == size])}"
            for size in sizes
        )
        notes.append(note("job_sizes_differ", len(sizes), told))
    size = max(least, max(ranks, default=-1) + 1, sizes[0] if len(sizes) == 1 else 0)
    missing = sorted(set(range(min(size, _MOST_RANKS))) - set(ranks))
    if missing:
        notes.append(note("rank_missing", len(missing), _list_ranks(missing)))
    return notes


_MOST_RANKS = 1 << 20


def _list_ranks(ranks: Sequence[int]) -> str:
    shown = ", ".join(str(rank) for rank in ranks[:MOST_NAMED])
    return f"{shown} and {len(ranks) - MOST_NAMED} more" if len(ranks) > MOST_NAMED else shown


def _list_names(rows: Sequence[RankRow]) -> str:
    shown = ", ".join(row.label for row in rows[:MOST_NAMED])
    return f"{shown} and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else shown
