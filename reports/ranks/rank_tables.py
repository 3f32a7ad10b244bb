"""The tables of a job's report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median

from ...analysis.ranks.rank_rows import RankRow
from ...analysis.ranks.stragglers import Cause, Step
from ...analysis.ranks.summaries import STEP_LAYERS, RankSummary
from ...analysis.ranks.waits import Collective
from ...analysis.ranks.whole_job import JobAnalysis
from ...analysis.words import name_device
from ..document.document import Table
from ..document.names import clean
from ..document.tables import ColumnOf, columns_of_part, drop_empty, fill_row
from .sentences import name_where, rank_name

MAIN_STEPS, MAIN_COLLECTIVES, MAIN_RANKS = 12, 8, 16
"""Rows a short report (the terminal) shows of each table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rank:
    """A rank; of a trace that could not be read only its row."""

    row: RankRow
    at: int | None
    """Its place among those that were read."""


def rank_table(job: JobAnalysis) -> Table:
    """Every rank: how its clock stands, what it waited and transferred; and those that failed, with why."""
    columns: tuple[ColumnOf[_Rank], ...] = (
        ColumnOf(key="rank", title="rank", value=lambda one: _name_rank(job, one)),
        *columns_of_part(_columns_of_read(job), lambda one: one.at),
        ColumnOf(key="trace", title="trace", detail=True, value=lambda one: clean(str(one.row.path))),
        ColumnOf(key="reason", title="why not", prose=True, value=_why_not),
    )
    ranks = [_Rank(row=row, at=at) for at, row in enumerate(job.done)]
    ranks += [_Rank(row=row, at=None) for row in job.rows if row.reason is not None]
    main = _choose_main(job)
    table = Table(
        name="ranks",
        title="Ranks",
        columns=columns,
        rows=tuple(
            fill_row(
                columns,
                one,
                main=one.at is None or one.at in main,
                bar=() if one.at is None else _shares(job, one.at),
            )
            for one in ranks
        ),
        bar_parts=STEP_LAYERS,
        notes=(
            "clock: what was added to the rank's own. step: the median of its steps. transfer, wait: of all its "
            "collectives. late in: steps in which it was the straggler. The bar is where the time of its steps went.",
        ),
    )
    return drop_empty(table, keep=("rank", "device", "wait"))


def _columns_of_read(job: JobAnalysis) -> tuple[ColumnOf[int], ...]:
    """What is known of a rank, by its place."""
    mine: dict[int, list[Collective]] = {}
    for one in job.collectives:
        for at in one.places:
            mine.setdefault(at, []).append(one)
    is_known = any(step.lost_ns is not None for step in job.steps)
    late = Counter(step.straggler for step in job.steps)
    walls = job.steps[0].wall_ns if job.steps else {}
    return (
        ColumnOf(key="gpu", title="GPU", value=lambda at: _name_gpu(_summary(job, at).device)),
        ColumnOf(key="offset", title="clock", kind="time", value=lambda at: job.clocks[at].offset_ns),
        ColumnOf(
            key="residual",
            title="residual",
            kind="time",
            detail=True,
            value=lambda at: job.clocks[at].residual_ns,
        ),
        ColumnOf(
            key="step",
            title="step",
            kind="time",
            value=lambda at: median(step.wall_ns[at] for step in job.steps) if at in walls else None,
        ),
        ColumnOf(
            key="device",
            title="device",
            kind="time",
            term="total",
            value=lambda at: _summary(job, at).device_ns,
        ),
        ColumnOf(
            key="transfer",
            title="transfer",
            kind="time",
            value=lambda at: sum(one.transfer_ns for one in mine[at]) if at in mine else None,
        ),
        ColumnOf(
            key="wait",
            title="wait",
            kind="time",
            value=lambda at: sum(one.wait_ns[at] for one in mine[at]) if at in mine else None,
        ),
        ColumnOf(
            key="collectives",
            title="collectives",
            kind="count",
            detail=True,
            value=lambda at: len(_summary(job, at).collectives),
        ),
        ColumnOf(key="late", title="late in", kind="count", value=lambda at: late[at] if is_known else None),
    )


def _summary(job: JobAnalysis, at: int) -> RankSummary:
    found = job.done[at].summary
    assert found is not None
    return found


def _name_rank(job: JobAnalysis, one: _Rank) -> str:
    return clean(one.row.label) if one.at is None else rank_name(job, one.at)


def _name_gpu(device: int | None) -> str | None:
    return None if device is None else name_device(device)


def _why_not(one: _Rank) -> str | None:
    return clean(one.row.reason or "") if one.at is None else None


def _choose_main(job: JobAnalysis) -> set[int]:
    """The ranks that were late most often, then the first ones."""
    late = [step.straggler for step in job.steps if step.straggler is not None]
    return set(sorted(range(len(job.done)), key=lambda at: (-late.count(at), at))[:MAIN_RANKS])


def _shares(job: JobAnalysis, at: int) -> tuple[float, ...]:
    """Of all time in a rank's steps, the share of each layer."""
    mine = [step.layers[at] for step in job.steps if at in step.layers]
    sums = [sum(layers[layer] or 0 for layers in mine) for layer in STEP_LAYERS]
    total = sum(sums)
    return tuple(value / total for value in sums) if total else ()


def step_table(job: JobAnalysis) -> Table:
    """Every step: its length, who was late, why, and what the others lost; the costliest are the main ones."""
    costly = sorted(job.steps, key=lambda step: (-(step.lost_ns or 0), step.instance))[:MAIN_STEPS]
    main = {step.instance for step in costly}
    columns: tuple[ColumnOf[Step], ...] = (
        ColumnOf(key="step", title="step", kind="count", value=lambda step: step.instance),
        ColumnOf(key="range", title="range", detail=True, value=lambda step: clean(step.range)),
        ColumnOf(key="wall", title="wall", kind="time", term="host time", value=_wall_ns),
        ColumnOf(key="lost", title="lost", kind="time", value=lambda step: step.lost_ns),
        ColumnOf(key="share", title="share", kind="percent", value=_lost_share),
        ColumnOf(key="straggler", title="late", value=lambda step: _name_straggler(job, step)),
        *columns_of_part(_columns_of_cause(), lambda step: step.cause),
    )
    table = Table(
        name="steps",
        title="Steps",
        columns=columns,
        rows=tuple(
            fill_row(columns, step, main=step.instance in main, bar=(min(_lost_share(step) or 0.0, 1.0),))
            for step in job.steps
        ),
        bar_parts=("time",),
        notes=(
            "wall: median of the ranks. lost: what the other ranks' devices waited and did nothing else, on average. "
            "late: the rank that waited least, where that is over 5 % of the step and ten residuals.",
        ),
    )
    return drop_empty(table, keep=("step", "wall", "lost"))


def _columns_of_cause() -> tuple[ColumnOf[Cause], ...]:
    return (
        ColumnOf(
            key="where",
            title="where",
            value=lambda cause: name_where(cause.path),
        ),
        ColumnOf(key="layer", title="layer", value=lambda cause: cause.layer),
        ColumnOf(key="excess", title="excess", kind="time", value=lambda cause: cause.excess_ns),
    )


def _wall_ns(step: Step) -> float:
    return median(step.wall_ns.values())


def _lost_share(step: Step) -> float | None:
    wall = _wall_ns(step)
    return None if step.lost_ns is None or not wall else step.lost_ns / wall


def _name_straggler(job: JobAnalysis, step: Step) -> str | None:
    return None if step.straggler is None else rank_name(job, step.straggler)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alike:
    """The collectives of one family, communicator and size."""

    family: str
    communicator: str | None
    bytes: int | None
    ones: list[Collective]

    @property
    def waited_ns(self) -> float:
        """The mean over ranks of what they waited, added."""
        return sum(sum(one.wait_ns.values()) / len(one.wait_ns) for one in self.ones)

    @property
    def bus_gbps(self) -> float | None:
        """The median of those that have a rate."""
        known = [one.bus_gbps for one in self.ones if one.bus_gbps is not None]
        return median(known) if known else None


def collective_table(job: JobAnalysis) -> Table:
    """Collectives of one family, communicator and size together."""
    columns: tuple[ColumnOf[_Alike], ...] = (
        ColumnOf(key="collective", title="collective", value=lambda alike: clean(alike.family)),
        ColumnOf(
            key="communicator", title="communicator", detail=True, value=lambda alike: alike.communicator
        ),
        ColumnOf(key="bytes", title="message", kind="bytes", term="payload", value=lambda alike: alike.bytes),
        ColumnOf(key="count", title="count", kind="count", value=lambda alike: len(alike.ones)),
        ColumnOf(
            key="transfer",
            title="transfer",
            kind="time",
            value=lambda alike: sum(one.transfer_ns for one in alike.ones),
        ),
        ColumnOf(
            key="median",
            title="median",
            kind="time",
            value=lambda alike: median(one.transfer_ns for one in alike.ones),
        ),
        ColumnOf(key="bus", title="bus", kind="gbps", value=lambda alike: alike.bus_gbps),
        ColumnOf(key="wait", title="wait", kind="time", value=lambda alike: alike.waited_ns),
        ColumnOf(
            key="worst",
            title="worst",
            kind="time",
            value=lambda alike: max(max(one.wait_ns.values()) for one in alike.ones),
        ),
        ColumnOf(key="last", title="mostly last", value=lambda alike: _name_mostly_last(job, alike)),
    )
    table = Table(
        name="collectives",
        title="Collectives: transfer and waiting",
        columns=columns,
        rows=tuple(
            fill_row(columns, alike, main=at < MAIN_COLLECTIVES)
            for at, alike in enumerate(_group_collectives(job))
        ),
        notes=(
            "transfer: the shortest duration over ranks, added and as a median. wait: the mean over ranks of what "
            "they waited, added; worst: the longest wait of one rank in one collective.",
        ),
    )
    return drop_empty(table, keep=("collective", "count", "transfer", "wait"))


def _group_collectives(job: JobAnalysis) -> list[_Alike]:
    """Those with most waiting first."""
    groups: dict[tuple[str, str | None, int | None], list[Collective]] = {}
    for one in job.collectives:
        groups.setdefault((one.family, one.communicator, one.bytes), []).append(one)
    alike = [
        _Alike(family=family, communicator=communicator, bytes=size, ones=ones)
        for (family, communicator, size), ones in groups.items()
    ]
    return sorted(alike, key=lambda one: -one.waited_ns)


def _name_mostly_last(job: JobAnalysis, alike: _Alike) -> str:
    last = [one.last for one in alike.ones]
    mostly = max(sorted(set(last)), key=last.count)
    return f"{rank_name(job, mostly)} ({100 * last.count(mostly) / len(last):.0f} %)"
