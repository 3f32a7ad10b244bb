"""A set of ranks as a side of a comparison: its median rank and its worst rank, range by range, and its steps.

A rank's time in a range is what its device's timeline gives the range and those in it, step by step, without what it
waited for other ranks: a rank that waits is a victim, not slow. The *median rank* of a range is the one with the
lower median of the ranks' medians over steps, the *worst rank* the one with the greatest; they may be other ranks in
other ranges. ``job / step`` is the step as all ranks lived it, and in it ``waiting`` what they waited on average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from ..engine.tasks import Engine, Listener
from ..errors import CompareError
from ..ranks.naming import find_traces
from ..ranks.summaries import WAIT, StepSums
from ..ranks.whole_job import JobAnalysis, RanksRequest, analyse_job
from ..words import BUSY_LAYERS, LAYERS, PARTS, QualityNote
from .comparability import Circumstances, list_losses
from .measured import Measured, MeasuredOp
from .range_times import RangePath, label_path, read_tokens, tell_domains
from .sides import Side, SideName, select_things

MEDIAN, WORST, JOB = "median rank", "worst rank", "job"

_Times = NDArray[np.int64]
"""A row for each step, a column for each of the ten layers."""


def read_rank_side(name: SideName, engine: Engine, listen: Listener | None = None) -> Side:
    """Analyse the ranks in a folder and take their median and worst ones. Raises CompareError, RanksError."""
    job = analyse_job(find_traces([name.path]), engine, RanksRequest(), listen)
    if not job.steps:
        reason = next(
            (row.reason for row in job.rows if row.reason), "no range repeats that could be the step"
        )
        raise CompareError(f"{name.text}: has no steps that its ranks share ({reason})")
    things = dict(_measure(job))
    side = Side(
        name=name.text,
        things=tuple(things.values()),
        circumstances=_describe(job),
        selection={},
        paths={thing.key: path for path, thing in things.items()},
    )
    return select_things(side, name.selection)


def _measure(job: JobAnalysis) -> list[tuple[RangePath, Measured]]:
    """The step as a whole, then every range of it on the median and on the worst rank."""
    domain = "" if job.choice is None else job.choice.domain
    tables = {rank: _times_of(sums, job.first[rank], len(job.steps)) for rank, sums in job.sums.items()}
    ranges = list(dict.fromkeys(path for table in tables.values() for path in table))
    found = _measure_job(job, domain)
    for role in (MEDIAN, WORST):
        for path in ranges:
            times = _pick({rank: table[path] for rank, table in tables.items() if path in table}, role)
            found.append(_measured((("", role), *path), times, split=_splits(job)))
    return list(tell_domains(found))


def _spell(role: str, domain: str, path: Sequence[str]) -> RangePath:
    return (("", role), *((domain, message) for message in path))


def _times_of(sums: StepSums, first: int, count: int) -> dict[RangePath, _Times]:
    """What each range and those in it took in each step, by layer; ranges that are in no step are left out."""
    found: dict[RangePath, _Times] = {}
    inside = (sums.layer != WAIT) & (sums.step >= first) & (sums.step < first + count)
    step, path, layer, ns = (c[inside] for c in (sums.step, sums.path, sums.layer, sums.ns))
    for code in np.unique(path).tolist():
        mine = path == code
        cells = np.zeros((count, len(LAYERS)), np.int64)
        np.add.at(cells, (step[mine] - first, layer[mine].astype(np.int64)), ns[mine])
        own = tuple(zip(*sums.ranges[code], strict=True))
        for end in range(1, len(own) + 1):
            found[own[:end]] = found.get(own[:end], 0) + cells
    return dict(sorted(found.items(), key=lambda one: ([message for _, message in one[0]], one[0])))


def _pick(of_ranks: Mapping[int, _Times], role: str) -> _Times:
    """The times of the median or the worst rank."""
    middle = {rank: float(np.median(times.sum(axis=1))) for rank, times in of_ranks.items()}
    order = sorted(middle, key=lambda rank: (middle[rank], rank))
    return of_ranks[order[(len(order) - 1) // 2] if role == MEDIAN else order[-1]]


def _measure_job(job: JobAnalysis, domain: str) -> list[tuple[RangePath, Measured]]:
    """The median of the ranks' walls of each step, and what ranks waited in it on average; neither has layers."""
    walls = [float(median(step.wall_ns.values())) for step in job.steps]
    name = job.choice.name if job.choice is not None else job.steps[0].range
    paths = _spell(JOB, domain, (name,)), _spell(JOB, domain, (name, "waiting"))
    waits = [[wait for wait in step.wait_ns.values() if wait is not None] for step in job.steps]
    found = [(paths[0], _thing(paths[0], walls, dict.fromkeys(PARTS)))]
    if all(waits):
        samples = [sum(step) / len(step) for step in waits]
        found.append((paths[1], _thing(paths[1], samples, dict.fromkeys(PARTS))))
    return found


def _measured(path: RangePath, times: _Times, *, split: bool) -> tuple[RangePath, Measured]:
    mean: dict[str, float] = dict(zip(LAYERS, times.mean(axis=0).tolist(), strict=True))
    layers = {part: mean.get(part) if split or part in BUSY_LAYERS else None for part in PARTS}
    return path, _thing(path, times.sum(axis=1).astype(float).tolist(), layers)


def _thing(path: RangePath, samples: Sequence[float], layers: Mapping[str, float | None]) -> Measured:
    return Measured(
        key=label_path(path),
        label=label_path(path),
        names={"range": path[-1][1], "rank": path[0][1], **read_tokens(path)},
        reps=len(samples),
        traced_samples_ns=tuple(samples),
        wall_ns=sum(samples) / len(samples),
        layers=layers,
        ops=(MeasuredOp(op=path[-1][1], executions=len(samples)),),
    )


def _splits(job: JobAnalysis) -> bool:
    return all(sums.split for sums in job.sums.values())


def _describe(job: JobAnalysis) -> Circumstances:
    """How many ranks there are, on which GPUs, and what was lost."""
    gpus = dict.fromkeys(row.summary.device_name or "unknown" for row in job.done if row.summary is not None)
    facts = {
        ("machine", "the number of ranks"): str(len(job.done)),
        ("gpu", "the GPU"): ", ".join(gpus),
    }
    notes: list[QualityNote] = [
        *job.quality,
        *(one for row in job.done if row.summary for one in row.summary.quality),
    ]
    return Circumstances(facts=facts, losses=tuple(dict.fromkeys(list_losses(notes))))
