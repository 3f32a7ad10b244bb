"""Which evidence a run gathers beside time: what was asked for, as far as it can be had here."""

from __future__ import annotations

from collections.abc import Callable

from ...analysis.words import EvidenceChoice, Recorder
from ...scenarios.plan.expansion import Plan
from ..recorders.ncu import CountersMissing, NcuRecorder, open_ncu


def choose_counter(
    wanted: EvidenceChoice, plan: Plan, recorder: Recorder, tell: Callable[[str], None]
) -> NcuRecorder | None:
    """What counts the run's kernels; None, and a line that says why, where nothing can. Raises CountersMissing."""
    if wanted == "none" or (wanted == "auto" and recorder == "embedded"):
        return None
    if not any(step.device == "cuda" for step in plan.steps):
        if wanted == "counters":
            raise CountersMissing("no step of this run is of a GPU")
        return None
    found = open_ncu()
    if isinstance(found, NcuRecorder):
        return found
    if wanted == "counters":
        raise CountersMissing(found)
    tell(f"no hardware counters: {found}")
    return None
