"""The documents of runs: `run`, `report`, and what the store says of them."""

from __future__ import annotations

from ...analysis.compare.compare import Pair, SampleKind
from ...analysis.evidence.cpu_use import CpuUse
from ...analysis.runs.records import Machine, RunInfo, SkippedStep
from ...analysis.runs.results import Costs, OpResult, StepResult
from ...analysis.store.history import HistoryPoint, StepSeries
from ...analysis.store.queries import RunLine
from ...reports.data.run_json import OP_KEYS, STEP_KEYS
from .deriving import (
    Fields,
    Schema,
    array_of,
    fields_of,
    map_of,
    object_of,
    of_type,
    or_null,
    pick,
    said,
    typed,
)
from .parts import QUALITY, VERSION, explanation

KEY = said(of_type(str), "Digest of what the step is; steps of several runs join on it.")


def run_document() -> Fields:
    """`flopprof run --json`, `flopprof report --format json`, report.json of a run."""
    return {
        **VERSION,
        "run": of_type(RunInfo),
        "machine": of_type(Machine),
        "ceilings": said(
            of_type(list[str]), "One line for each device: the peaks used and where they come from."
        ),
        "time": object_of(
            {
                "seconds": said(
                    of_type(float | None),
                    "How long the run's processes took; null where one of them was killed.",
                ),
                "pass_seconds": said(
                    map_of(of_type(float)), "Seconds of each pass, its workers' starts included."
                ),
                "measuring_seconds": said(map_of(of_type(float)), "Seconds of it that went into timed reps."),
                "measuring_share": said(of_type(float | None), "Their share of all seconds: 1 is all."),
            },
            "Where the run's own time went.",
        ),
        "quality": QUALITY,
        "steps": array_of(object_of(_step(), "One variant × backend × device × dtype × parameters.")),
        "skipped": array_of(of_type(SkippedStep)),
        "ops": array_of(object_of(_op(), "One call of a step's ops, over its reps.")),
        "verdicts": array_of(object_of(_verdict(), "A step at the largest size against its reference.")),
        "explanations": array_of(explanation()),
    }


def _verdict() -> Fields:
    judged = fields_of(Pair, ("interval", "p", "verdict", "traced_delta_ns", "delta_ns"))
    return {
        "key": KEY,
        "reference": said(of_type(str), "The key of the step that it is held against."),
        "samples": said(of_type(SampleKind), "Which times are told."),
        "ratio": said(of_type(float), "The step's time over the reference's, as told."),
        **judged,
        "interval": said(
            or_null(judged["interval"]), "Of the ratio of medians, at 95 % for all verdicts together."
        ),
    }


def _step() -> Fields:
    own = {**fields_of(StepResult), **fields_of(Costs), "key": KEY, "cpu": _cpu()}
    return pick(own, STEP_KEYS)


def _op() -> Fields:
    own = fields_of(OpResult)
    key = said(of_type(str), "The key of its step.")
    return pick({**own, **fields_of(Costs), "key": key, "window": own["times"], "cpu": _cpu()}, OP_KEYS)


def _cpu() -> Schema:
    cores = said(of_type(float | None), "Cores at work: CPU time over wall time.")
    return or_null(object_of({**fields_of(CpuUse), "cores": cores}, "What the system charged, per rep."))


def runs_document() -> Fields:
    """`flopprof runs --json`."""
    keys = (
        "id",
        "kind",
        "scenario",
        "started_at",
        "status",
        "recorder",
        "hardware",
        "steps",
        "done",
        "failed",
        "tags",
        "folder",
    )
    return {**VERSION, **typed(store=str), "runs": array_of(object_of(pick(fields_of(RunLine), keys)))}


def show_document() -> Fields:
    """`flopprof show RUN --json`."""
    run = {
        **pick(fields_of(RunLine), ("id", "scenario")),
        **typed(about=str, started_at=str, status=str, problem=str | None, recorder=str),
        **typed(recorder_note=str | None, baseline=str | None, command=list[str], folder=str),
        "control": said({"enum": [0, 1]}, "Whether there was an untraced pass."),
        **typed(shards=int, machine=str | None),
        "quality": QUALITY,
        "skipped": array_of(of_type(SkippedStep)),
        **typed(system=str | None, hardware=str | None, python=str | None, versions=dict[str, str] | None),
        **typed(tags=list[str]),
    }
    unread = "Null where the run cannot be read; `flopprof runs` says why."
    return {
        **VERSION,
        "run": said(or_null(object_of(run)), unread),
        "steps": array_of(object_of(_kept_step())),
    }


def _kept_step() -> Fields:
    own = {**fields_of(StepResult), **fields_of(Costs), "key": KEY}
    names = (*("key", "label", "variant", "backend", "device", "dtype", "mode", "params", "shard", "status"),)
    more = ("reason", "flops", "bytes", "reps", "untraced_ns", "traced_ns", "slowdown", "overhead_ns")
    times = typed(kernel_ns=float | None, compute_ns=float | None)
    rates = pick(own, ("tflops", "gbps", "roof_share"))
    return {**pick(own, (*names, *more)), **times, **rates, "limited_by": own["limit"]}


def history_document() -> Fields:
    """`flopprof history SCENARIO --json`."""
    point = object_of(pick(fields_of(HistoryPoint), ("run", "started_at", "ns")))
    own = fields_of(StepSeries)
    change = {
        **typed(run=str, before_ns=float, after_ns=float, ratio=float, p=float | None),
        "is_named": said(of_type(bool), "Whether it is sure (adjusted p under 5 %) and of over 2 %."),
        "changed_with": said(of_type(list[str]), "Versions and settings that changed with it."),
    }
    step = {
        **pick(own, ("key", "label", "hardware", "timed_by")),
        "points": array_of(point),
        "change": said(or_null(object_of(change)), "Where its times change most; null with too few runs."),
    }
    return {
        **VERSION,
        **typed(scenario=str),
        "method": {"const": "pettitt"},
        "steps": array_of(object_of(step)),
    }
