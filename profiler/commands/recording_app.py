"""The commands that record or measure something on this machine: run, profile, calibrate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...analysis.words import EvidenceChoice, RecorderChoice
from ..terminal.completion import complete_run, complete_scenario
from ..terminal.one_line_errors import FAILED_OR_LOST
from ..terminal.output import print_text
from .runs_app import StoreOption
from .shared_options import ColorOption, JsonOption, OpenOption, QuietOption


def run(
    scenario: Annotated[
        str | None,
        typer.Argument(
            help="A scenario file, or the name of a shipped one.", autocompletion=complete_scenario
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUES", help="Override a sweep or a key, such as n=1000,2000."),
    ] = None,
    recorder: Annotated[RecorderChoice, typer.Option(help="What makes the trace.")] = "auto",
    out: Annotated[Path | None, typer.Option(help="The folder of this run; new or empty.")] = None,
    store: StoreOption = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Go on with a run: what is done stays, the rest is run.",
            autocompletion=complete_run,
        ),
    ] = None,
    no_control: Annotated[
        bool, typer.Option("--no-control", help="Skip the untraced pass: half the time, no headline times.")
    ] = False,
    interleave: Annotated[
        bool, typer.Option("--interleave", help="Time the variants of a size in turn (ABBA): drift cancels.")
    ] = False,
    evidence: Annotated[
        EvidenceChoice,
        typer.Option(
            help="What a GPU's kernels move and execute, in a pass of its own: counters (ncu) or samples."
        ),
    ] = "auto",
    keep_rep: Annotated[
        bool, typer.Option("--keep-rep", help="Keep the raw .nsys-rep. It holds your environment variables.")
    ] = False,
    strict: Annotated[
        bool, typer.Option(help="Refuse skipped combinations; exit 3 when data was lost.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be run and about how long it takes; run nothing."),
    ] = False,
    open_it: OpenOption = False,
    quiet: QuietOption = False,
    color: ColorOption = "auto",
    json: JsonOption = False,
) -> None:
    """Run a scenario under Nsight Systems and report where its time went, against FLOPs.

    Example: flopprof run scenarios/outer.yaml --set n=1000,4000
    """
    if (scenario is None and resume is None) or (out is not None and resume is not None):
        raise typer.BadParameter("give a SCENARIO, or --resume RUN, which goes on in that run's folder")
    from ...analysis.store.place import find_store
    from ...reports.render.wrapping import wrap
    from ...reports.run.publish import render
    from ..capture.whole_run import RunRequest, describe_dry_run
    from ..terminal.outcome import open_page
    from ..terminal.screen import look_at_screen
    from .run import run_on_terminal

    request = RunRequest(
        scenario=scenario,
        overrides=tuple(overrides or ()),
        recorder=recorder,
        out=out,
        store=find_store(store),
        resume=resume,
        control=not no_control,
        interleave=interleave,
        evidence=evidence,
        keep_report=keep_rep,
        strict=strict,
    )
    if dry_run:
        if scenario is None or json:
            raise typer.BadParameter("--dry-run takes a SCENARIO, and neither --resume nor --json")
        width = look_at_screen(sys.stdout).width
        lines = describe_dry_run(request).split("\n")
        print_text("\n".join(part for line in lines for part in wrap(line, width, rest="    ")))
        return
    outcome = run_on_terminal(request, quiet=quiet)
    page, screen = outcome.folder / "report.html", look_at_screen(sys.stdout, color)
    if not json:
        print_text(f"Report: {page}")
    if json or not quiet:
        print_text(render(outcome.result, "json" if json else "text", screen), coloured=screen.colour)
    if open_it:
        open_page(page)
    if outcome.has_failures or (strict and outcome.has_lost_data):
        raise typer.Exit(FAILED_OR_LOST)


def profile(
    command: Annotated[
        list[str], typer.Argument(help="The program and its arguments, as you would type them.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The folder of the results; new or empty; else a new run of the store."
        ),
    ] = None,
    capture_range: Annotated[
        str | None,
        typer.Option(metavar="RANGE", help="Record only cudaProfilerApi, or nvtx:NAME (nvtx:NAME@DOMAIN)."),
    ] = None,
    recorder: Annotated[
        RecorderChoice,
        typer.Option(help="What makes the trace; embedded: a Python program records itself."),
    ] = "auto",
    gpu_metrics: Annotated[
        int | None,
        typer.Option(
            min=10,
            max=200_000,
            metavar="HZ",
            help="Sample the GPU (memory traffic, SMs, warps) so often a second; 10000 to 100000 suit most.",
        ),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A variable that Nsight Systems itself shall see; your program has all."
        ),
    ] = None,
    keep_rep: Annotated[
        bool, typer.Option("--keep-rep", help="Keep the raw .nsys-rep. It holds your environment variables.")
    ] = False,
    ranks: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="The command starts N ranks by torchrun: record each, and set them against each other.",
        ),
    ] = None,
    sample_python: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=1000,
            metavar="HZ",
            help="Look so often a second where its Python is; 0 for never, else 100 where there is no GPU.",
        ),
    ] = None,
    open_it: OpenOption = False,
    quiet: QuietOption = False,
    color: ColorOption = "auto",
) -> None:
    """Run any program under Nsight Systems and report where its time went.

    Where Nsight Systems is missing, a Python program records itself, its GPU activity by torch.profiler.
    The exit code is the program's own (128 + signal when killed; 125 when flopprof failed, 126 and 127 when the
    program could not be run). The report goes to standard error and into the folder. What torchrun, mpirun or srun
    started as a rank of a job leaves its trace in DIR/rankN, for flopprof ranks DIR.

    Example: flopprof profile -- python train.py --epochs 1
    """
    if ranks is not None:
        from .profile import Shown
        from .profile_ranks import profile_ranks

        code = profile_ranks(
            command,
            ranks=ranks,
            out=out,
            capture_range=capture_range,
            passed_on=env or (),
            keep_report=keep_rep,
            gpu_metrics_hz=gpu_metrics,
            recorder=recorder,
            sample_hz=sample_python,
            shown=Shown(quiet=quiet, color=color, open_it=open_it),
        )
    else:
        from .profile import Shown, profile_and_report

        code = profile_and_report(
            command,
            out=out,
            capture_range=capture_range,
            passed_on=env or (),
            keep_report=keep_rep,
            gpu_metrics_hz=gpu_metrics,
            recorder=recorder,
            sample_hz=sample_python,
            shown=Shown(quiet=quiet, color=color, open_it=open_it),
        )
    raise typer.Exit(code)


def counters(
    command: Annotated[
        list[str], typer.Argument(help="The program and its arguments, as you would type them.")
    ],
    range: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Count only in the NVTX ranges of this name (NAME@DOMAIN)."),
    ] = None,
    instances: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Count at most so many launches of each kernel and geometry."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder of the results; new or empty.")
    ] = None,
    open_it: OpenOption = False,
    quiet: QuietOption = False,
    color: ColorOption = "auto",
) -> None:
    """Run any program under Nsight Compute and report what its kernels moved and executed, by NVTX range.

    The exit code is the program's own (125 when flopprof failed, 126 and 127 when the program could not be run).
    The report goes to standard error and into the folder.

    Example: flopprof counters --range train --instances 3 -- python train.py
    """
    from ..program.count_program import CountRequest
    from .profile import Shown, count_and_report

    request = CountRequest(command=command, range=range, instances=instances)
    code = count_and_report(request, out, Shown(quiet=quiet, color=color, open_it=open_it))
    raise typer.Exit(code)


def calibrate(
    devices: Annotated[str, typer.Option(metavar="NAMES", help="What to measure.")] = "cuda,cpu",
    seconds: Annotated[float, typer.Option(min=0.001, help="Time for one measurement, about.")] = 0.5,
    json: JsonOption = False,
) -> None:
    """Measure this machine's ceilings: bandwidth, matrix products, launch latency; reports then use them.

    Example: flopprof calibrate --devices cuda
    """
    from ..capture.calibration import calibrate as measure_ceilings
    from ..terminal.screen import look_at_screen
    from .calibrate import parse_devices, show_calibration

    calibration = measure_ceilings(parse_devices(devices), seconds=seconds)
    print_text(show_calibration(calibration, look_at_screen(sys.stdout), as_json=json))
    if calibration.failed:
        raise typer.Exit(FAILED_OR_LOST)
