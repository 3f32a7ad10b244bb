"""What a job's steps say, in sentences: who is late, where, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ...analysis.attribution.range_names import in_one_domain, spell_path
from ...analysis.ranks.stragglers import Cause, Run
from ...analysis.ranks.whole_job import JobAnalysis
from ..document.names import clean
from ..document.numbers import count_noun, format_quantity, format_value
from .slowest import Slowest, find_slowest

NO_RANGE = "outside of all ranges"

LAYER_WORDS = {
    "kernel": "in kernels",
    "memcpy": "in copies",
    "memset": "in fills",
    "graph": "in CUDA graphs",
    "launch": "in launch calls",
    "latency": "between launch and start",
    "sync": "in calls that wait for the device",
    "api": "in CUDA calls",
    "host": "on the host, outside of CUDA",
    "unknown": "idle, for a reason that was not recorded",
}


def rank_name(job: JobAnalysis, at: int) -> str:
    """How a rank is called, by its place."""
    return clean(job.done[at].label)


def describe_clocks(job: JobAnalysis) -> str:
    """What made one clock of all ranks' and how well it fits."""
    if len(job.done) < 2:
        return "One rank: its own clock."
    if job.align == "none":
        return (
            "Clocks: not aligned, as asked for; times of different ranks cannot be held against each other."
        )
    fits = "" if job.residual_ns is None else f"; residual {format_quantity(job.residual_ns, 'time')}"
    if job.align == "utc" or not job.collectives:
        return f"Clocks: the wall clocks of the ranks' machines{fits}."
    shared = count_noun(len(job.collectives), "collective")
    return f"Clocks: set by the ends of {shared} that ranks share{fits}, and nothing smaller is claimed."


def summarise(job: JobAnalysis) -> str:
    """The job in one line."""
    failed = sum(row.reason is not None for row in job.rows)
    parts = [count_noun(len(job.done), "rank"), count_noun(len(job.collectives), "matched collective")]
    parts += [f"{count_noun(failed, 'trace')} failed"] if failed else []
    steps = count_noun(len(job.steps), "step")
    if job.choice is None:
        return f"{', '.join(parts)}; no steps."
    window = "the device's clock" if job.choice.window == "device" else "the host's clock"
    named = clean(spell_path(in_one_domain(job.choice.domain, (job.choice.name,))))
    return f"{', '.join(parts)}; {steps} of range {named}, cut on {window}."


def list_verdicts(job: JobAnalysis) -> tuple[str, ...]:
    """A sentence for each run of steps, the first in time first."""
    sentences = [_describe_run(job, run) for run in job.runs]
    if job.rotates:
        sentences.append("Over all steps being late passes from rank to rank.")
    return tuple(sentences)


def _describe_run(job: JobAnalysis, run: Run) -> str:
    steps = f"Step {run.first}" if run.first == run.last else f"Steps {run.first}–{run.last}"
    walls = [median(s.wall_ns.values()) for s in job.steps if run.first <= s.instance <= run.last]
    wall = sum(walls)
    if run.lost_ns is None:
        known = f"who waited for whom is not known; {format_quantity(median(walls), 'time')} a step"
        slowest = find_slowest(job, run)
        return (
            f"{steps}: {known}."
            if slowest is None
            else f"{steps}: {_describe_slowest(job, slowest)}; {known}."
        )
    share = format_value(run.lost_ns / wall if wall else None, "percent")
    cost = f"{format_quantity(run.lost_ns / len(walls), 'time')} a step, {share} of it"
    if run.straggler is None or run.cause is None:
        moves = "; being late passes from rank to rank" if run.rotates else ""
        return f"{steps}: no rank is late for one reason for long{moves}; ranks wait {cost}."
    others = "the other waits" if len(job.done) == 2 else "the others wait"
    return f"{steps}: {rank_name(job, run.straggler)} is late, {describe_cause(run.cause)}; {others} {cost}."


def _describe_slowest(job: JobAnalysis, slowest: Slowest) -> str:
    own, others = (format_quantity(ns, "time") for ns in (slowest.own_ns, slowest.others_ns))
    ratio = format_value(slowest.own_ns / slowest.others_ns if slowest.others_ns else None, "ratio")
    whose = "the other's" if len(job.sums) == 2 else "the others'"
    name = rank_name(job, slowest.rank)
    where = name_where(slowest.path)
    most = (
        f", most of it {where} +{format_quantity(slowest.excess_ns, 'time')}" if slowest.excess_ns > 0 else ""
    )
    return f"a step of {name} takes {ratio} the time of {whose} ({own} against {others}){most}"


def describe_cause(cause: Cause) -> str:
    """Where a straggler's time goes."""
    where = name_where(cause.path)
    since = ", counted from the step before" if cause.steps > 1 else ""
    return f"{where} +{format_quantity(cause.excess_ns, 'time')} {LAYER_WORDS[cause.layer]}{since}"


def name_where(path: Sequence[str]) -> str:
    """The ranges inside a step; what is in none of them is the step's own."""
    return clean(" › ".join(path[1:] or path)) or NO_RANGE
