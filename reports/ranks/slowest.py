"""Which rank's steps take longer than the others', where who waited for whom is not known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from ...analysis.ranks.stragglers import LEAST_SHARE, Run
from ...analysis.ranks.whole_job import JobAnalysis


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowest:
    """The rank whose steps take longest, beside the median of the others."""

    rank: int
    """Its place in the list of ranks."""
    own_ns: float
    others_ns: float
    path: tuple[str, ...]
    """The range of a step in which its host exceeds the median of the others most."""
    excess_ns: float


def find_slowest(job: JobAnalysis, run: Run) -> Slowest | None:
    """None where ranks may have waited for each other, or no rank's steps are over 5 % longer than the others'."""
    steps = [step for step in job.steps if run.first <= step.instance <= run.last]
    if (
        len(job.sums) < 2
        or not steps
        or any(row.summary and len(row.summary.collectives) for row in job.done)
    ):
        return None
    walls = {rank: float(median(step.wall_ns[rank] for step in steps)) for rank in job.sums}
    rank = max(walls, key=lambda at: (walls[at], -at))
    others = median(wall for at, wall in walls.items() if at != rank)
    if walls[rank] - others <= LEAST_SHARE * others:
        return None
    begin = steps[0].instance - job.first[min(job.sums)]
    hosts = {at: _mean_host(job, at, range(begin, begin + len(steps))) for at in job.sums}
    excess = {
        path: own - median(host.get(path, 0.0) for at, host in hosts.items() if at != rank)
        for path, own in hosts[rank].items()
    }
    path = max(excess, key=lambda one: (excess[one], one), default=())
    return Slowest(
        rank=rank, own_ns=walls[rank], others_ns=others, path=path, excess_ns=excess.get(path, 0.0)
    )


def _mean_host(job: JobAnalysis, rank: int, steps: Iterable[int]) -> dict[tuple[str, ...], float]:
    """path -> ns a step of the host."""
    sums = job.sums[rank]
    wanted = [job.first[rank] + step for step in steps]
    found: dict[tuple[str, ...], list[int]] = {}
    for step, path, ns in zip(
        *(column.tolist() for column in (sums.host.step, sums.host.path, sums.host.ns)), strict=True
    ):
        if wanted[0] <= step <= wanted[-1]:
            found.setdefault(sums.paths[path], []).append(ns)
    return {path: sum(all_ns) / len(wanted) for path, all_ns in found.items()}
