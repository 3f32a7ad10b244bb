"""A job as all its ranks tell it: clocks, collectives, steps, stragglers.

    traces -read_ranks-> RankSummary of each -match, align-> collectives with waits -sum_steps-> StepSums of each
           -judge-> steps with straggler and cause -> runs of steps

The two middle arrows run where the traces are (engine); all between them is small and computed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..attribution.range_names import spell_message
from ..attribution.steady_instances import asks_for_all, tell_skipped
from ..engine.tasks import Engine, Listener, run_tasks
from ..trace.quality import note, sort_notes
from ..words import Align, QualityNote
from .clocks import Clock, align_clocks, take_epochs
from .matching import match_collectives
from .naming import parse_pattern
from .one_rank import read_ranks, sum_steps
from .rank_rows import RankRow, name_ranks, order_rows
from .step_ranges import choose_steps
from .step_sums import tell_apart
from .stragglers import Run, Step, group_steps, is_rotating, judge_steps
from .summaries import RankSummary, StepChoice, StepSums
from .waits import Collective, list_collectives, waits_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RanksRequest:
    """What is asked of a job."""

    rank_pattern: str | None = None
    align: Align = "collectives"
    range_glob: str | None = None
    skip: int = 0
    size: int | None = None
    """How many ranks there must be, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAnalysis:
    """What `flopprof ranks` shows. Ranks are known by their places in `done`."""

    rows: tuple[RankRow, ...]
    """Every trace, also those that failed."""
    done: tuple[RankRow, ...]
    clocks: tuple[Clock, ...]
    collectives: tuple[Collective, ...]
    choice: StepChoice | None
    sums: dict[int, StepSums]
    first: dict[int, int]
    """The step of each rank that is the first of `steps`."""
    steps: tuple[Step, ...]
    runs: tuple[Run, ...]
    rotates: bool | None
    quality: tuple[QualityNote, ...]
    align: Align

    @property
    def residual_ns(self) -> int | None:
        """How well the clocks of all ranks fit, at worst."""
        known = [clock.residual_ns for clock in self.clocks[1:] if clock.residual_ns is not None]
        return max(known, default=None)

    def moved(self, before: Path, after: Path) -> JobAnalysis:
        """The same of traces that lie in another folder."""
        rows, done = (
            tuple(replace(row, path=after / row.path.relative_to(before)) for row in some)
            for some in (self.rows, self.done)
        )
        return replace(self, rows=rows, done=done)

    def notes_of_all(self) -> tuple[QualityNote, ...]:
        """What is to be known of the job and of its single traces, each said once for all ranks."""
        of_traces = (one for row in self.done if row.summary for one in row.summary.quality)
        return sort_notes([*self.quality, *of_traces])


def analyse_job(
    paths: Sequence[Path], engine: Engine, request: RanksRequest, listen: Listener | None = None
) -> JobAnalysis:
    """Analyse the traces of a job's ranks. Raises RanksError; a trace that fails is a row that says why."""
    pattern = parse_pattern(request.rank_pattern)
    arguments = [(path.absolute(), request.range_glob) for path in paths]
    outcomes = run_tasks(engine, read_ranks, arguments, listen)
    rows, notes = name_ranks(paths, outcomes, pattern, request.size)
    return _Job(rows, notes, engine, request, listen, len(paths)).analyse()


class _Job:
    def __init__(
        self,
        rows: Sequence[RankRow],
        notes: Sequence[QualityNote],
        engine: Engine,
        request: RanksRequest,
        listen: Listener | None,
        told: int,
    ) -> None:
        self._rows, self._notes, self._engine, self._request = list(rows), list(notes), engine, request
        self._listen, self._told = listen, told
        self._done = [row for row in self._rows if row.summary is not None]
        self._names = [row.label for row in self._done]
        self._summaries: list[RankSummary] = [row.summary for row in self._done if row.summary is not None]

    def analyse(self) -> JobAnalysis:
        own = [summary.collectives for summary in self._summaries]
        epochs, notes = take_epochs([one.utc_epoch_ns for one in self._summaries], self._request.align)
        matching = match_collectives(own, epochs, self._names)
        clocks, clock_notes = align_clocks(own, epochs, matching, self._request.align, self._names)
        self._notes += [*notes, *matching.quality, *clock_notes]
        self._notes += [] if any(len(one) for one in own) else [note("missing_collectives")]
        collectives = list_collectives(own, clocks, matching)
        choice = self._choose()
        sums = self._sum_steps(choice, collectives)
        apart = len(matching.connected(len(own))) > 1
        first, count = self._line_up(choice, sums, collectives)
        known = self._know(sums, first, count, collectives, apart=apart)
        steps = judge_steps(sums, first, count, known, clocks) if sums else []
        return JobAnalysis(
            rows=tuple(order_rows(self._rows)),
            done=tuple(self._done),
            clocks=tuple(clocks),
            collectives=collectives,
            choice=choice,
            sums=sums,
            first=first,
            steps=tuple(steps),
            runs=group_steps(steps),
            rotates=is_rotating(steps),
            quality=sort_notes(self._notes),
            align=self._request.align,
        )

    def _choose(self) -> StepChoice | None:
        choice, others = choose_steps(self._summaries, self._request.range_glob)
        if choice is None and self._summaries:
            self._notes.append(note("steps_not_found", detail=self._request.range_glob or ""))
        if choice is not None and choice.glob is not None and others:
            names = ", ".join(f"{spell_message(domain, name)} ({count})" for domain, name, count in others)
            self._notes.append(
                note("steps_chosen", detail=f"{spell_message(choice.domain, choice.name)}; also {names}")
            )
        return choice

    def _sum_steps(self, choice: StepChoice | None, collectives: Sequence[Collective]) -> dict[int, StepSums]:
        """The steps of all ranks that have some; a rank whose trace cannot be read again becomes one that failed."""
        if choice is None:
            return {}
        arguments = [
            (row.path.absolute(), one.unit, choice, waits_of(at, one.collectives, collectives), one.version)
            for at, (row, one) in enumerate(zip(self._done, self._summaries, strict=True))
        ]
        outcomes = run_tasks(self._engine, sum_steps, arguments, self._listen_later)
        for row, outcome in zip(self._done, outcomes, strict=True):
            if outcome.reason is not None:
                self._rows[self._rows.index(row)] = row.failed(outcome.reason)
                self._notes.append(note("rank_failed", detail=row.label))
        return tell_apart(
            {at: one.value for at, one in enumerate(outcomes) if one.value is not None and len(one.value)}
        )

    def _listen_later(self, task: int, done: bool) -> None:
        """The second reading of a rank is told as one more task."""
        if self._listen is not None:
            self._listen(self._told + task, done)

    def _line_up(
        self, choice: StepChoice | None, sums: dict[int, StepSums], collectives: Sequence[Collective]
    ) -> tuple[dict[int, int], int]:
        """Which step of each rank is the first that all have, by the collectives in them, and how many all have."""
        if choice is None or not sums:
            if self._request.skip > 0:
                self._notes.append(note("skipped_none", detail=f"--skip {self._request.skip} was asked"))
            return {}, 0
        shift = {rank: self._shift(sums, collectives, rank) for rank in sums}
        begin = max(0, *(-by for by in shift.values()))
        count = min(len(one) - begin - shift[rank] for rank, one in sums.items())
        skipped = self._skip(begin, count, spell_message(choice.domain, choice.name))
        first = {rank: begin + skipped + by for rank, by in shift.items()}
        if len({len(one) for one in sums.values()}) > 1 or any(shift.values()) or len(sums) < len(self._done):
            numbers = ", ".join(
                f"{name} has {len(sums[at]) if at in sums else 0}"
                + (f", beginning with its {shift[at]}" if shift.get(at) else "")
                for at, name in enumerate(self._names)
            )
            self._notes.append(note("steps_differ", detail=numbers))
        return first, max(count - skipped, 0)

    def _skip(self, begin: int, count: int, name: str) -> int:
        """How many of the steps that all ranks have ``--skip`` leaves out; the first rank has ``begin`` before them."""
        asked, of = self._request.skip, begin + count
        if count > 0 and asks_for_all(asked, of):
            self._notes.append(note("skipped_all", detail=tell_skipped(name, of, asked)))
        return max(0, min(asked - begin, count - 1))

    def _shift(self, sums: dict[int, StepSums], collectives: Sequence[Collective], rank: int) -> int:
        """By how much a rank's numbers of steps are ahead of the first rank's, as most of their collectives say."""
        counted: dict[int, int] = {}
        for pair in _pairs(sums, collectives, min(sums), rank):
            counted[pair[1] - pair[0]] = counted.get(pair[1] - pair[0], 0) + 1
        return max(counted, key=lambda by: (counted[by], -abs(by), by)) if counted else 0

    def _know(
        self,
        sums: dict[int, StepSums],
        first: dict[int, int],
        count: int,
        collectives: Sequence[Collective],
        *,
        apart: bool,
    ) -> list[bool]:
        """Of which steps every rank's collectives were matched, with those of the same step of the others."""
        if len(sums) < max(len(self._done), 2) or apart or not collectives:
            return [False] * count
        known, mixed = [True] * count, set[int]()
        for rank, one in sums.items():
            waits = waits_of(rank, self._summaries[rank].collectives, collectives)
            for step in set(one.of_collective[waits < 0].tolist()):
                _unset(known, step - first[rank])
            for mine, theirs in _pairs(sums, collectives, min(sums), rank):
                if theirs - mine != first[rank] - first[min(sums)]:
                    mixed |= {at for at in (mine - first[min(sums)], theirs - first[rank]) if 0 <= at < count}
        for step in mixed:
            known[step] = False
        if mixed:
            self._notes.append(note("steps_apart", len(mixed)))
        return known


def _pairs(
    sums: dict[int, StepSums], collectives: Sequence[Collective], one: int, other: int
) -> list[tuple[int, int]]:
    """The steps of two ranks in which the collectives lie that they have in common."""
    if one == other:
        return []
    found = [
        (int(sums[one].of_collective[c.places[one]]), int(sums[other].of_collective[c.places[other]]))
        for c in collectives
        if one in c.places and other in c.places
    ]
    return [(a, b) for a, b in found if a >= 0 and b >= 0]


def _unset(known: list[bool], step: int) -> None:
    if 0 <= step < len(known):
        known[step] = False
