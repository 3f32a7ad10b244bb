# pyright: strict
"""`flopprof run`, `analyze` and `compare` for a script or a notebook: nothing is printed, objects come back.

What may take long is told line by line to ``announce``, if it is given; ``print`` will do. Every failure that the
user can act on is a FlopprofError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from flopprof.reports.notebook import Comparison, Run, Trace
    from flopprof.scenarios.language.overrides import Setting


def run(
    scenario: str | Path | None = None,
    *,
    overrides: Mapping[str, Setting] | None = None,
    recorder: Literal["auto", "nsys", "embedded"] = "auto",
    out: str | Path | None = None,
    store: str | Path | None = None,
    resume: str | Path | None = None,
    control: bool = True,
    interleave: bool = False,
    evidence: Literal["auto", "metrics", "counters", "none"] = "auto",
    keep_rep: bool = False,
    strict: bool = False,
    announce: Callable[[str], None] | None = None,
) -> Run:
    """Run a scenario, a shipped one or a file, as `flopprof run` does; every option means the same as there.

    ``overrides`` are its ``--set`` options: ``{"n": [1000, 4000], "backends": "numpy", "reps.count": 50}``. What is
    measured runs in processes of its own; failed steps and lost data head what the result shows. Ctrl-C ends the
    run as it ends the command: what was complete is kept, and the exception says how to go on.

    Raises FlopprofError, KeyboardInterrupt; TypeError unless there is a scenario, or a run to ``resume``.
    """
    if (scenario is None and resume is None) or (out is not None and resume is not None):
        raise TypeError("give a scenario, or resume=RUN, which goes on in that run's folder")
    from flopprof.analysis.store.place import find_store
    from flopprof.profiler.capture.watching import Announcing
    from flopprof.profiler.capture.whole_run import RunRequest, run_scenario
    from flopprof.profiler.errors import Interrupted
    from flopprof.reports.notebook import Run
    from flopprof.scenarios.language.overrides import write_overrides

    request = RunRequest(
        scenario=None if scenario is None else str(scenario),
        overrides=write_overrides(overrides or {}),
        recorder=recorder,
        out=None if out is None else Path(out),
        store=find_store(None if store is None else Path(store)),
        resume=None if resume is None else str(resume),
        control=control,
        interleave=interleave,
        evidence=evidence,
        keep_report=keep_rep,
        strict=strict,
    )
    try:
        return Run.of_result(run_scenario(request, Announcing(announce)).result)
    except Interrupted as interrupted:
        raise KeyboardInterrupt(*interrupted.args) from None


def analyze(
    trace: str | Path,
    *,
    range_glob: str | None = None,
    domains: Sequence[str] | None = None,
    window: Literal["host", "device"] = "host",
    graph_ranges: Literal["launch", "capture"] = "launch",
    announce: Callable[[str], None] | None = None,
) -> Trace:
    """Any recording of Nsight Systems, or a run's only trace, as `flopprof analyze` reads it.

    ``range_glob`` makes a window of every instance of the ranges it matches; without it there is one window, the
    whole trace. Only ranges of ``domains`` own work, by default those of all but libraries. Raises FlopprofError.
    """
    from flopprof.reports.notebook import Trace

    return Trace(
        trace,
        range_glob=range_glob,
        domains=domains,
        window=window,
        graph_ranges=graph_ranges,
        announce=announce,
    )


def compare(
    a: str | Path | Run | Trace,
    b: str | Path | Run | Trace | None = None,
    *,
    by: str | None = None,
    maps: Sequence[str] = (),
    domains: Sequence[str] | None = None,
    strict: bool = False,
    store: str | Path | None = None,
) -> Comparison:
    """Two sides, or the steps of one that differ in ``by`` alone, as `flopprof compare` does.

    A side is a run, a trace, either's file or name, or a selection such as ``outer@latest:variant=outer_sum,n=4000``.
    Ratios are B / A. ``maps`` are texts OLD=NEW for ranges of other names; ``strict`` refuses sides that are hard to
    compare. Raises FlopprofError; TypeError unless there are two sides, or one and ``by``.
    """
    from flopprof.reports.notebook import Comparison

    return Comparison(a, b, by=by, maps=maps, domains=domains, strict=strict, store=store)
