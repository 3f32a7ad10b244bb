"""The document of a job of many ranks."""

from __future__ import annotations

from ...analysis.ranks.stragglers import Cause, Run, Step
from ...analysis.ranks.summaries import STEP_LAYERS
from ...analysis.ranks.waits import Collective
from ...analysis.words import Align
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
from .parts import DONE_OR_FAILED, QUALITY, VERSION


def ranks_document() -> Fields:
    """`flopprof ranks --json`; objects by rank have the ranks' numbers as keys."""
    return {
        **VERSION,
        "align": said(of_type(Align), "How clocks were set."),
        "residual_ns": said(of_type(int | None), "How far the clocks may still be apart."),
        "step_range": said(or_null(object_of(typed(domain=str, range=str, window=str))), "What a step is."),
        "quality": QUALITY,
        "ranks": array_of(object_of(_rank(), "A rank by itself, or why its trace could not be read.")),
        "collectives": array_of(object_of(_collective(), "One collective of all its ranks.")),
        "steps": array_of(object_of(_step(), "One step of all ranks.")),
        "summary": array_of(object_of(_run(), "Steps in a row with one straggler and one cause.")),
        "rotates": said(of_type(bool), "Whether the straggler changes from step to step."),
    }


def _rank() -> Fields:
    return {
        "rank": said(of_type(int | None), "Its number."),
        "trace": said(of_type(str), "The trace's path."),
        "offset_ns": said(of_type(int | None), "What its clock is set forward by."),
        "residual_ns": said(of_type(int | None), "How far that may be wrong."),
        "status": DONE_OR_FAILED,
        **typed(reason=str | None, device=int | None, device_name=str | None, pid=int | None),
        **typed(device_ns=int | None, collective_ns=int | None, wait_ns=int | None, transfer_ns=int | None),
        "collectives": said(of_type(int | None), "How many it took part in."),
        "matched": said(of_type(int | None), "How many of them were found in the other ranks, too."),
        "steps": said(of_type(int | None), "How many."),
        "quality": QUALITY,
    }


def _by_rank(values: Schema, about: str) -> Schema:
    return said(map_of(values), f"{about}, by rank.")


def _collective() -> Fields:
    return {
        "index": of_type(int),
        **fields_of(Collective, ("kernel", "family", "communicator")),
        "step": said(of_type(int | None), "The instance of the step in which it was launched."),
        **fields_of(Collective, ("bytes", "bus_gbps", "start_ns", "transfer_ns")),
        "last": said(of_type(int), "The rank that came last."),
        "wait_ns": _by_rank(of_type(int), "What a rank waited for the last one"),
    }


def _step() -> Fields:
    layers = {f"{layer}": of_type(int | None) for layer in STEP_LAYERS}
    return {
        **fields_of(Step, ("range",)),
        "domain": of_type(str),
        "instance": of_type(int),
        "wall_ns": _by_rank(of_type(int), "Its length"),
        "wait_ns": _by_rank(of_type(int | None), "What the device waited and did nothing else"),
        "collective_wait_ns": _by_rank(of_type(int | None), "All waiting of its collectives"),
        "layers": _by_rank(
            object_of({name: said(layer, "Nanoseconds.") for name, layer in layers.items()}),
            "Where its time went",
        ),
        "straggler": said(of_type(int | None), "The rank that the others waited for."),
        "lost_ns": said(of_type(int | None), "What that cost."),
        "cause": or_null(_cause()),
    }


def _cause() -> Schema:
    own = {**fields_of(Cause), **typed(range=str), "rank": said(of_type(int), "The rank's number.")}
    return object_of(
        pick(own, ("rank", "range", "path", "layer", "excess_ns", "steps")), "What made a rank late."
    )


def _run() -> Fields:
    own = fields_of(Run)
    return {
        **own,
        "first": said(of_type(int), "The instance it begins with."),
        "last": said(of_type(int), "The instance it ends with."),
        "straggler": said(of_type(int | None), "The rank's number."),
        "cause": or_null(_cause()),
    }
