"""The JSON of a job of many ranks, the contract other programs build on; every key always present.

Objects by rank have the ranks' numbers as keys. Times are ns: of collectives as their kernels took, of steps as they
lie on a rank's own timeline. ``wait_ns`` of a step is what its device waited and did nothing else,
``collective_wait_ns`` all waiting of its collectives, whatever ran beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ...analysis.plain import to_plain
from ...analysis.ranks.rank_rows import RankRow
from ...analysis.ranks.stragglers import Cause, Run, Step
from ...analysis.ranks.waits import Collective
from ...analysis.ranks.whole_job import JobAnalysis
from ...analysis.words import FORMAT

T = TypeVar("T")


def job_to_json(job: JobAnalysis) -> dict[str, Any]:
    """The object of ``ranks --json``: plain dicts, lists, numbers and strings."""
    return _Job(job).write()


class _Job:
    """A job with the numbers of its ranks by their places, and what each rank's collectives add up to."""

    def __init__(self, job: JobAnalysis) -> None:
        self._job = job
        self._rank = [-1 if row.rank is None else row.rank for row in job.done]
        self._step = [_step_of(job, one) for one in job.collectives]
        self._of_step: dict[int | None, list[Collective]] = {}
        for step, one in zip(self._step, job.collectives, strict=True):
            self._of_step.setdefault(step, []).append(one)

    def write(self) -> dict[str, Any]:
        job = self._job
        return {
            "flopprof": FORMAT,
            "align": job.align,
            "residual_ns": job.residual_ns,
            "step_range": None
            if job.choice is None
            else {"domain": job.choice.domain, "range": job.choice.name, "window": job.choice.window},
            "quality": to_plain(job.quality),
            "ranks": [self._row(row) for row in job.rows],
            "collectives": [self._collective(at, one) for at, one in enumerate(job.collectives)],
            "steps": [self._one_step(step) for step in job.steps],
            "summary": [self._run(run) for run in job.runs],
            "rotates": job.rotates,
        }

    def _row(self, row: RankRow) -> dict[str, Any]:
        at = self._job.done.index(row) if row in self._job.done else None
        summary, clock = row.summary, None if at is None else self._job.clocks[at]
        mine = [one for one in self._job.collectives if at in one.places]
        own = None if summary is None else summary.collectives
        sums = None if at is None else self._job.sums.get(at)
        return {
            "rank": row.rank,
            "trace": str(row.path),
            "offset_ns": None if clock is None else clock.offset_ns,
            "residual_ns": None if clock is None else clock.residual_ns,
            "status": "done" if row.reason is None else "failed",
            "reason": row.reason,
            "device": None if summary is None else summary.device,
            "device_name": None if summary is None else summary.device_name,
            "pid": None if summary is None else summary.pid,
            "device_ns": None if summary is None else summary.device_ns,
            "collective_ns": None if own is None else int(own.duration_ns.sum()),
            "wait_ns": sum(one.wait_ns[at] for one in mine) if mine and at is not None else None,
            "transfer_ns": sum(one.transfer_ns for one in mine) if mine else None,
            "collectives": None if own is None else len(own),
            "matched": None if own is None else len(mine),
            "steps": None if summary is None else (0 if sums is None else len(sums)),
            "quality": [] if summary is None else to_plain(summary.quality),
        }

    def _collective(self, at: int, one: Collective) -> dict[str, Any]:
        return {
            "index": at,
            "kernel": one.kernel,
            "family": one.family,
            "communicator": one.communicator,
            "step": self._step[at],
            "bytes": one.bytes,
            "bus_gbps": one.bus_gbps,
            "start_ns": one.start_ns,
            "transfer_ns": one.transfer_ns,
            "last": self._rank[one.last],
            "wait_ns": self._by_rank(one.wait_ns),
        }

    def _one_step(self, step: Step) -> dict[str, Any]:
        choice = self._job.choice
        mine = self._of_step.get(step.instance, [])
        known = all(wait is not None for wait in step.wait_ns.values())
        return {
            "range": step.range,
            "domain": "" if choice is None else choice.domain,
            "instance": step.instance,
            "wall_ns": self._by_rank(step.wall_ns),
            "wait_ns": self._by_rank(step.wait_ns),
            "collective_wait_ns": self._by_rank(
                {
                    rank: sum(one.wait_ns.get(rank, 0) for one in mine) if known else None
                    for rank in step.wall_ns
                }
            ),
            "layers": self._by_rank(step.layers),
            "straggler": None if step.straggler is None else self._rank[step.straggler],
            "lost_ns": step.lost_ns,
            "cause": None if step.cause is None else self._cause(step.cause),
        }

    def _cause(self, cause: Cause) -> dict[str, Any]:
        return {
            "rank": self._rank[cause.rank],
            "range": cause.range,
            "path": list(cause.path),
            "layer": cause.layer,
            "excess_ns": cause.excess_ns,
            "steps": cause.steps,
        }

    def _run(self, run: Run) -> dict[str, Any]:
        straggler = None if run.straggler is None else self._rank[run.straggler]
        return {
            "first": run.first,
            "last": run.last,
            "straggler": straggler,
            "cause": None if run.cause is None else self._cause(run.cause),
            "lost_ns": run.lost_ns,
            "rotates": run.rotates,
        }

    def _by_rank(self, values: Mapping[int, T]) -> dict[str, T]:
        return {str(self._rank[rank]): values[rank] for rank in sorted(values, key=lambda at: self._rank[at])}


def _step_of(job: JobAnalysis, one: Collective) -> int | None:
    """The step in which a collective was launched, by the first rank's count; None outside of steps."""
    for rank in sorted(set(one.places) & set(job.sums)):
        step = int(job.sums[rank].of_collective[one.places[rank]])
        return None if step < 0 else step - job.first[rank] + job.first[min(job.sums)]
    return None
