"""Which evidence a run gathers beside time: what was asked for, as far as it can be had here."""

from __future__ import annotations

from collections.abc import Callable

from ...analysis.words import SAMPLED, EvidenceChoice, Recorder
from ...scenarios.plan.expansion import Plan
from ..recorders.gpu_metrics import MetricsMissing, sampling_options
from ..recorders.ncu import CountersMissing, NcuRecorder, open_ncu
from ..recorders.recorder import NsysRecorder, find_usable_nsys

SAMPLES_HZ = 10_000
"""A loop of 50 ms has 500 samples then, and a second of recording some 230,000 rows."""


def choose_counter(
    wanted: EvidenceChoice, plan: Plan, recorder: Recorder, tell: Callable[[str], None]
) -> NcuRecorder | NsysRecorder | None:
    """What counts or samples the run's kernels; None, and a line that says why, where nothing can.

    Raises CountersMissing, MetricsMissing for what was asked for by its name.
    """
    if wanted == "none" or (wanted == "auto" and recorder == "embedded"):
        return None
    if not any(step.device == "cuda" for step in plan.steps):
        if wanted == "auto":
            return None
        raise _missing(wanted, "no step of this run is of a GPU")
    if wanted == "metrics":
        return _demand(wanted, open_sampler())
    counter = open_ncu()
    if wanted == "counters":
        return _demand(wanted, counter)
    if isinstance(counter, NcuRecorder):
        return counter
    sampler = open_sampler()
    if isinstance(sampler, NsysRecorder):
        tell(f"no hardware counters: {counter}; the GPU is sampled instead")
        return sampler
    tell(f"no hardware counters: {counter}; no GPU metrics either: {sampler}")
    return None


def open_sampler() -> NsysRecorder | str:
    """Nsight Systems that samples the GPU while the range of the sampled pass is open, or why it cannot."""
    nsys, problem = find_usable_nsys()
    if nsys is None or problem is not None:
        return problem or "nsys is not there"
    sampling = sampling_options(nsys.path, SAMPLES_HZ)
    if isinstance(sampling, str):
        return sampling
    window = ("--capture-range=nvtx", f"--nvtx-capture={SAMPLED}@flopprof", "--capture-range-end=stop")
    return NsysRecorder(nsys=nsys, options=(*sampling, *window))


def _demand(wanted: EvidenceChoice, found: NcuRecorder | NsysRecorder | str) -> NcuRecorder | NsysRecorder:
    if isinstance(found, str):
        raise _missing(wanted, found)
    return found


def _missing(wanted: EvidenceChoice, problem: str) -> CountersMissing | MetricsMissing:
    return MetricsMissing(problem) if wanted == "metrics" else CountersMissing(problem)
