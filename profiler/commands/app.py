"""The command line: each command is a few lines over one library function.

Nothing heavy is imported here; a command imports what it needs when it runs, so that ``--help`` is instant.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .one_line_errors import USER_ERROR, OneLineErrors, RunsProgram
from .runs_app import RunArgument, StoreOption, add_store_commands

app = typer.Typer(
    name="flopprof",
    cls=OneLineErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Equal FLOPs — why is one twice as slow? Scenarios under NVIDIA Nsight Systems, broken down into kernel, "
    "memcpy and launch overhead, set against FLOPs, and compared.",
)

SLOWER, FAILED_OR_LOST = 1, 3


class RecorderChoice(StrEnum):
    """What makes the trace."""

    auto = "auto"
    nsys = "nsys"
    embedded = "embedded"


class EvidenceChoice(StrEnum):
    """What is gathered beside time."""

    auto = "auto"
    counters = "counters"
    none = "none"


class Format(StrEnum):
    """How a report is shown."""

    text = "text"
    markdown = "markdown"
    html = "html"
    json = "json"


class WindowChoice(StrEnum):
    """The clock windows are cut on."""

    host = "host"
    device = "device"


class GraphRangesChoice(StrEnum):
    """The range a CUDA graph's nodes belong to."""

    launch = "launch"
    capture = "capture"


def _print_version(wanted: bool) -> None:
    if wanted:
        from ..machine.version import installed_version

        print(f"flopprof {installed_version()}")
        raise typer.Exit


@app.callback()
def flopprof(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Equal FLOPs — why is one twice as slow?"""


@app.command()
def run(
    scenario: Annotated[
        str | None, typer.Argument(help="A scenario file, or the name of a shipped one.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUES", help="Override a sweep or a key, such as n=1000,2000."),
    ] = None,
    recorder: Annotated[RecorderChoice, typer.Option(help="What makes the trace.")] = RecorderChoice.auto,
    out: Annotated[Path | None, typer.Option(help="The folder of this run; new or empty.")] = None,
    store: StoreOption = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run: what is done stays, the rest is run.")
    ] = None,
    no_control: Annotated[
        bool, typer.Option("--no-control", help="Skip the untraced pass: half the time, no headline times.")
    ] = False,
    interleave: Annotated[
        bool, typer.Option("--interleave", help="Time the variants of a size in turn (ABBA): drift cancels.")
    ] = False,
    evidence: Annotated[
        EvidenceChoice,
        typer.Option(help="Hardware counters of the GPU's kernels, in a pass of their own by ncu."),
    ] = EvidenceChoice.auto,
    keep_rep: Annotated[
        bool, typer.Option("--keep-rep", help="Keep the raw .nsys-rep. It holds your environment variables.")
    ] = False,
    strict: Annotated[
        bool, typer.Option(help="Refuse skipped combinations; exit 3 when data was lost.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    """Run a scenario under Nsight Systems and report where its time went, against FLOPs.

    Example: flopprof run scenarios/outer.yaml --set n=1000,4000
    """
    if (scenario is None and resume is None) or (out is not None and resume is not None):
        raise typer.BadParameter("give a SCENARIO, or --resume RUN, which goes on in that run's folder")
    from ...analysis.runs.place import find_store
    from ...reports.run.publish import render
    from ..capture.whole_run import RunRequest
    from .run import run_on_terminal

    request = RunRequest(
        scenario=scenario,
        overrides=tuple(overrides or ()),
        recorder=recorder.value,
        out=out,
        store=find_store(store),
        resume=resume,
        control=not no_control,
        interleave=interleave,
        evidence=evidence.value,
        keep_report=keep_rep,
        strict=strict,
    )
    outcome = run_on_terminal(request)
    print(render(outcome.result, "json" if json else "text"))
    if outcome.has_failures or (strict and outcome.has_lost_data):
        raise typer.Exit(FAILED_OR_LOST)


@app.command(
    cls=RunsProgram,
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTIONS] --",
)
def profile(
    command: Annotated[
        list[str], typer.Argument(help="The program and its arguments, as you would type them.")
    ],
    out: Annotated[Path | None, typer.Option(help="The folder of the results; new or empty.")] = None,
    capture_range: Annotated[
        str | None,
        typer.Option(metavar="RANGE", help="Record only cudaProfilerApi, or nvtx:NAME (nvtx:NAME@DOMAIN)."),
    ] = None,
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
) -> None:
    """Run any program under Nsight Systems and report where its time went.

    The exit code is the program's own (128 + signal when killed; 125 when flopprof failed, 126 and 127 when the
    program could not be run). The report goes to standard error and into the folder.

    Example: flopprof profile -- python train.py --epochs 1
    """
    from .profile import profile_and_report

    code = profile_and_report(
        command,
        out=out,
        capture_range=capture_range,
        passed_on=env or (),
        keep_report=keep_rep,
        gpu_metrics_hz=gpu_metrics,
    )
    raise typer.Exit(code)


@app.command()
def analyze(
    trace: Annotated[
        Path,
        typer.Argument(help="A .sqlite (also packed .xz, .zst, .gz), .nsys-rep or .qdstrm file, or a run."),
    ],
    range: Annotated[
        str | None,
        typer.Option("--range", metavar="GLOB", help="One window for each instance of these ranges."),
    ] = None,
    domain: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only ranges of these NVTX domains own work."),
    ] = None,
    window: Annotated[
        WindowChoice, typer.Option(help="Cut --range windows on this clock.")
    ] = WindowChoice.host,
    graph_ranges: Annotated[
        GraphRangesChoice, typer.Option(help="Where the nodes of a CUDA graph belong.")
    ] = GraphRangesChoice.launch,
    format: Annotated[Format, typer.Option(help="How to show it.")] = Format.text,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    csv: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the tables here as CSV, too.")
    ] = None,
    full_names: Annotated[bool, typer.Option("--full-names", help="List kernel names whole.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when the trace lost data.")] = False,
) -> None:
    """Read any Nsight Systems trace: device time by range, kernel and copy, and why the device idled.

    Example: flopprof analyze report.nsys-rep --range train_step
    """
    from .allocator import keep_freed_memory

    keep_freed_memory()
    from .analyze import AnalyzeRequest
    from .analyze import analyze as analyze_one

    outcome = analyze_one(
        AnalyzeRequest(
            trace=trace,
            range_glob=range,
            domains=tuple(domain or ()),
            window=window.value,
            graph_ranges=graph_ranges.value,
            format="json" if json else format.value,
            csv=csv,
            full_names=full_names,
        )
    )
    print(outcome.report)
    if strict and outcome.has_lost_data:
        raise typer.Exit(FAILED_OR_LOST)


@app.command()
def scrub(
    trace: Annotated[Path, typer.Argument(help="A trace, as for analyze.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The scrubbed .sqlite to write.")],
) -> None:
    """Write a copy of a trace to share: without environment, paths, process lists and program output.

    Example: flopprof scrub report.nsys-rep -o shareable.sqlite
    """
    from ...analysis.trace.open import open_trace_file
    from ...analysis.trace.scrub import scrub_trace

    with open_trace_file(trace) as plain:
        scrub_trace(plain, out)


@app.command()
def report(
    run: RunArgument,
    format: Annotated[Format, typer.Option(help="How to show it.")] = Format.text,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every figure here as PNG, SVG and PDF, too.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Show a run again, in any format.

    Example: flopprof report flopprof-runs/outer-20260101-120000-1a2b --format html --out outer.html
    """
    from ...analysis.runs.account import account_run
    from ...analysis.runs.place import find_store
    from ...analysis.store.address import find_run
    from ...reports.run.publish import render, write_figures
    from .output import emit

    result = account_run(find_run(run, find_store(store)))
    if figures is not None:
        write_figures(result, figures)
    emit(render(result, format.value), out)


@app.command()
def compare(
    a: Annotated[
        str, typer.Argument(metavar="A", help="A run, a trace, or a selection: RUN:variant=outer_sum,n=4000.")
    ],
    b: Annotated[str | None, typer.Argument(metavar="[B]", help="The other side; ratios are B / A.")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Pair A's own steps that are equal in all but this.")
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Compare A with the run of the store that has this tag."),
    ] = None,
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", help="Pair a range of A with one of B by name (regex)."),
    ] = None,
    domain: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Of traces, only ranges of these NVTX domains.")
    ] = None,
    fail_above: Annotated[
        float | None, typer.Option(metavar="PERCENT", help="Exit 1 when B is slower than A by more.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse sides that are hard to compare.")] = False,
    format: Annotated[Format, typer.Option(help="How to show it.")] = Format.text,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every format with its charts here, too.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Compare two runs or traces, or the steps of one run that differ in one thing: what changed, and why.

    Example: flopprof compare flopprof-runs/sum_axes-20260101-120000-1a2b --by axis
    """
    from ...analysis.runs.place import find_store
    from .compare import CompareRequest
    from .compare import compare as compare_sides

    outcome = compare_sides(
        CompareRequest(
            a=a,
            b=b,
            by=by,
            baseline=baseline,
            maps=tuple(maps or ()),
            domains=tuple(domain or ()),
            fail_above=fail_above,
            strict=strict,
            format="json" if json else format.value,
            out=out,
            store=find_store(store),
        )
    )
    print(outcome.report)
    if outcome.is_slower:
        raise typer.Exit(SLOWER)


@app.command()
def calibrate(
    devices: Annotated[str, typer.Option(metavar="NAMES", help="What to measure.")] = "cuda,cpu",
    seconds: Annotated[float, typer.Option(min=0.001, help="Time for one measurement, about.")] = 0.5,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    """Measure this machine's ceilings: bandwidth, matrix products, launch latency; reports then use them.

    Example: flopprof calibrate --devices cuda
    """
    from ..capture.calibration import calibrate as measure_ceilings
    from .calibrate import parse_devices, show_calibration

    calibration = measure_ceilings(parse_devices(devices), seconds=seconds)
    print(show_calibration(calibration, as_json=json))
    if calibration.failed:
        raise typer.Exit(FAILED_OR_LOST)


add_store_commands(app)


@app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    """Look at everything a run needs, and say what to type where something is not well.

    Each line is ok, warning (a run works, with less) or broken; the exit code is 2 when a run could not work.

    Example: flopprof doctor
    """
    from ..doctor.examine import examine
    from ..doctor.findings import findings_as_json, findings_as_text, works

    findings = examine()
    print(findings_as_json(findings) if json else findings_as_text(findings))
    if not works(findings):
        raise typer.Exit(USER_ERROR)


@app.command()
def scenarios() -> None:
    """List the shipped scenarios.

    Example: flopprof scenarios
    """
    from ...scenarios.plan.load import list_scenarios

    for name, about in list_scenarios():
        print(f"{name:14}{about}")
