"""The tables of a job's report."""

from __future__ import annotations

from statistics import median

from ...analysis.ranks.stragglers import Step
from ...analysis.ranks.summaries import STEP_LAYERS
from ...analysis.ranks.waits import Collective
from ...analysis.ranks.whole_job import JobAnalysis
from ...analysis.words import name_device
from ..document.document import Column, Row, Table
from ..document.names import clean
from ..document.tables import drop_empty
from .sentences import NO_RANGE, rank_name

MAIN_STEPS, MAIN_COLLECTIVES, MAIN_RANKS = 12, 8, 16
"""Rows a short report (the terminal) shows of each table."""


def rank_table(job: JobAnalysis) -> Table:
    """Every rank: how its clock stands, what it waited and transferred; and those that failed, with why."""
    columns = (
        Column(key="rank", title="rank"),
        Column(key="gpu", title="GPU"),
        Column(key="offset", title="clock", kind="time"),
        Column(key="residual", title="residual", kind="time", detail=True),
        Column(key="device", title="device", kind="time", term="total"),
        Column(key="transfer", title="transfer", kind="time"),
        Column(key="wait", title="wait", kind="time"),
        Column(key="collectives", title="collectives", kind="count", detail=True),
        Column(key="late", title="late in", kind="count"),
        Column(key="trace", title="trace", detail=True),
        Column(key="reason", title="why not", prose=True),
    )
    rows = [_rank_row(job, at) for at in range(len(job.done))]
    rows += [
        Row(cells=(clean(row.label), *[None] * 8, clean(str(row.path)), clean(row.reason or "")))
        for row in job.rows
        if row.reason is not None
    ]
    main = _choose_main(job)
    table = Table(
        name="ranks",
        title="Ranks",
        columns=columns,
        rows=tuple(
            Row(cells=row.cells, main=at in main or row.cells[-1] is not None, bar=row.bar)
            for at, row in enumerate(rows)
        ),
        bar_parts=STEP_LAYERS,
        notes=(
            "clock: what was added to the rank's own. transfer, wait: of all its collectives. late in: steps in "
            "which it was the straggler. The bar is where the time of its steps went.",
        ),
    )
    return drop_empty(table, keep=("rank", "device", "wait"))


def _choose_main(job: JobAnalysis) -> set[int]:
    """The ranks that were late most often, then the first ones."""
    late = [step.straggler for step in job.steps if step.straggler is not None]
    return set(sorted(range(len(job.done)), key=lambda at: (-late.count(at), at))[:MAIN_RANKS])


def _rank_row(job: JobAnalysis, at: int) -> Row:
    row, clock = job.done[at], job.clocks[at]
    assert row.summary is not None
    mine = [one for one in job.collectives if at in one.places]
    late = sum(step.straggler == at for step in job.steps)
    device = row.summary.device
    return Row(
        cells=(
            rank_name(job, at),
            None if device is None else name_device(device),
            clock.offset_ns,
            clock.residual_ns,
            row.summary.device_ns,
            sum(one.transfer_ns for one in mine) if mine else None,
            sum(one.wait_ns[at] for one in mine) if mine else None,
            len(row.summary.collectives),
            late if any(step.lost_ns is not None for step in job.steps) else None,
            clean(str(row.path)),
            None,
        ),
        bar=_shares(job, at),
    )


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
    columns = (
        Column(key="step", title="step", kind="count"),
        Column(key="range", title="range", detail=True),
        Column(key="wall", title="wall", kind="time", term="host time"),
        Column(key="lost", title="lost", kind="time"),
        Column(key="share", title="share", kind="percent"),
        Column(key="straggler", title="late"),
        Column(key="where", title="where"),
        Column(key="layer", title="layer"),
        Column(key="excess", title="excess", kind="time"),
    )
    table = Table(
        name="steps",
        title="Steps",
        columns=columns,
        rows=tuple(_step_row(job, step, main=step.instance in main) for step in job.steps),
        bar_parts=("time",),
        notes=(
            "wall: median of the ranks. lost: what the other ranks' devices waited and did nothing else, on average. "
            "late: the rank that waited least, where that is over 5 % of the step and ten residuals.",
        ),
    )
    return drop_empty(table, keep=("step", "wall", "lost"))


def _step_row(job: JobAnalysis, step: Step, *, main: bool) -> Row:
    wall = median(step.wall_ns.values())
    cause = step.cause
    share = None if step.lost_ns is None or not wall else step.lost_ns / wall
    return Row(
        cells=(
            step.instance,
            clean(step.range),
            wall,
            step.lost_ns,
            share,
            None if step.straggler is None else rank_name(job, step.straggler),
            None if cause is None else clean(" › ".join(cause.path[1:] or cause.path)) or NO_RANGE,
            None if cause is None else cause.layer,
            None if cause is None else cause.excess_ns,
        ),
        main=main,
        bar=(min(share or 0.0, 1.0),),
    )


def collective_table(job: JobAnalysis) -> Table:
    """Collectives of one family, communicator and size together."""
    groups: dict[tuple[str, str | None, int | None], list[Collective]] = {}
    for one in job.collectives:
        groups.setdefault((one.family, one.communicator, one.bytes), []).append(one)
    order = sorted(groups.items(), key=lambda item: -sum(_waited(one) for one in item[1]))
    columns = (
        Column(key="collective", title="collective"),
        Column(key="communicator", title="communicator", detail=True),
        Column(key="bytes", title="message", kind="bytes", term="payload"),
        Column(key="count", title="count", kind="count"),
        Column(key="transfer", title="transfer", kind="time"),
        Column(key="median", title="median", kind="time"),
        Column(key="bus", title="bus", kind="gbps"),
        Column(key="wait", title="wait", kind="time"),
        Column(key="worst", title="worst", kind="time"),
        Column(key="last", title="mostly last"),
    )
    table = Table(
        name="collectives",
        title="Collectives: transfer and waiting",
        columns=columns,
        rows=tuple(
            _collective_row(job, key, ones, main=at < MAIN_COLLECTIVES)
            for at, (key, ones) in enumerate(order)
        ),
        notes=(
            "transfer: the shortest duration over ranks, added and as a median. wait: the mean over ranks of what "
            "they waited, added; worst: the longest wait of one rank in one collective.",
        ),
    )
    return drop_empty(table, keep=("collective", "count", "transfer", "wait"))


def _waited(one: Collective) -> float:
    return sum(one.wait_ns.values()) / len(one.wait_ns)


def _collective_row(
    job: JobAnalysis, key: tuple[str, str | None, int | None], ones: list[Collective], *, main: bool
) -> Row:
    last = [one.last for one in ones]
    mostly = max(sorted(set(last)), key=last.count)
    bus = [one.bus_gbps for one in ones if one.bus_gbps is not None]
    share = last.count(mostly) / len(last)
    return Row(
        cells=(
            clean(key[0]),
            key[1],
            key[2],
            len(ones),
            sum(one.transfer_ns for one in ones),
            median(one.transfer_ns for one in ones),
            median(bus) if bus else None,
            sum(_waited(one) for one in ones),
            max(max(one.wait_ns.values()) for one in ones),
            f"{rank_name(job, mostly)} ({share:.0%})",
        ),
        main=main,
    )
