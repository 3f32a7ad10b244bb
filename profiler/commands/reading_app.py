"""The commands that read what was recorded: analyze, scrub, report, compare."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...analysis.words import GraphRanges, WindowClock
from ..terminal.completion import complete_by, complete_run
from ..terminal.one_line_errors import FAILED_OR_LOST, SLOWER
from ..terminal.output import print_pieces, print_text, tell
from ..terminal.screen import look_at_screen
from .runs_app import RunArgument, StoreOption
from .shared_options import (
    ColorOption,
    ComparisonFormatOption,
    CsvOption,
    CsvRawOption,
    ForceOption,
    FormatOption,
    JobsOption,
    JsonOption,
    OpenOption,
    SchedulerFileOption,
    SchedulerOption,
    wants_json,
)


def analyze(
    context: typer.Context,
    trace: Annotated[
        list[Path],
        typer.Argument(
            metavar="TRACE...",
            help="A .sqlite (also packed .xz, .zst, .gz), .nsys-rep or .qdstrm file, a .json of torch.profiler, "
            "or a run; several, or a folder of them, for one table.",
        ),
    ],
    range: Annotated[
        str | None,
        typer.Option("--range", metavar="GLOB", help="One window for each instance of these ranges."),
    ] = None,
    domain: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only ranges of these NVTX domains own work."),
    ] = None,
    window: Annotated[WindowClock, typer.Option(help="Cut --range windows on this clock.")] = "host",
    graph_ranges: Annotated[
        GraphRanges, typer.Option(help="Where the nodes of a CUDA graph belong.")
    ] = "launch",
    format: FormatOption = "text",
    json: JsonOption = False,
    csv: CsvOption = None,
    csv_raw: CsvRawOption = False,
    force: ForceOption = False,
    color: ColorOption = "auto",
    full_names: Annotated[bool, typer.Option("--full-names", help="List kernel names whole.")] = False,
    exact_names: Annotated[
        bool, typer.Option("--exact-names", help="Keep ranges apart that differ in a counter.")
    ] = False,
    skip: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Measure steps without the first N of them."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Measure steps with start-up and warm-up.")] = False,
    keep_export: Annotated[
        bool,
        typer.Option("--keep-export", help="Keep the .sqlite that a .nsys-rep is exported to beside it."),
    ] = False,
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
    scheduler_file: SchedulerFileOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when the trace lost data.")] = False,
) -> None:
    """Read a trace of Nsight Systems or torch.profiler: device time by range, kernel and copy, and why it was idle.

    Example: flopprof analyze report.nsys-rep --range train_step
    """
    from ..terminal.allocator import load_numpy

    load_numpy()
    from .analyze import AnalyzeRequest, analyze_many, find_files, lists_many
    from .analyze import analyze as analyze_one

    screen = look_at_screen(sys.stdout, color)
    request = AnalyzeRequest(
        trace=trace[0],
        range_glob=range,
        domains=tuple(domain or ()),
        window=window,
        graph_ranges=graph_ranges,
        format="json" if wants_json(context, format, json=json) else format,
        csv=csv,
        csv_raw=csv_raw,
        full_names=full_names,
        exact_names=exact_names,
        skip=skip,
        every=every,
        keep_export=keep_export,
        screen=screen,
        force=force,
    )
    paths = find_files(trace)
    if lists_many(paths):
        from ..terminal.workers import Workers

        workers = Workers(jobs=jobs, scheduler=scheduler, scheduler_file=scheduler_file)
        outcome = analyze_many(paths, request, workers)
    else:
        outcome = analyze_one(request)
    print_pieces(outcome.report, coloured=screen.colour)
    if outcome.has_failures or (strict and outcome.has_lost_data):
        raise typer.Exit(FAILED_OR_LOST)


def timeline(
    trace: Annotated[Path, typer.Argument(help="A trace, as for analyze.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The .json to write.")],
    range: Annotated[
        str | None,
        typer.Option(
            "--range", metavar="GLOB", help="Only one instance of these ranges, with its device work."
        ),
    ] = None,
    instance: Annotated[
        int | None,
        typer.Option(metavar="N", help="Which one, from 1 in the order of time; else the middle one."),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Write what ran when for Perfetto or chrome://tracing: threads, calls, streams, NCCL, GPU metrics.

    Example: flopprof timeline report.nsys-rep -o timeline.json --range train_step
    """
    from ..terminal.allocator import load_numpy

    load_numpy()
    from ...analysis.runs.writing import refuse_existing
    from ...analysis.timeline.trace_events import open_timeline
    from ..terminal.outcome import say_of
    from ..terminal.output import write_pieces

    if instance is not None and range is None:
        raise typer.BadParameter("--instance N says which of the ranges that --range GLOB names")
    refuse_existing([out], force=force)
    shown = open_timeline(trace, out, range, instance, announce=tell)
    for note in shown.lost:
        tell(f"{note.severity}: {note.message} [{note.code}]")
    write_pieces(shown.pieces(), out)
    remark = f"wrote {out}: {shown.moment.title}; open it at ui.perfetto.dev or in chrome://tracing"
    say_of(print_text, remark, out)


def scrub(
    trace: Annotated[Path, typer.Argument(help="A trace, as for analyze.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The scrubbed .sqlite to write.")],
    force: ForceOption = False,
) -> None:
    """Write a copy of a trace to share: without environment, paths, process lists and program output.

    Example: flopprof scrub report.nsys-rep -o shareable.sqlite
    """
    from ...analysis.archives.scrub import scrub_trace
    from ...analysis.runs.writing import refuse_existing
    from ...analysis.trace.open import open_trace_file
    from ..terminal.outcome import tell_written

    refuse_existing([out], force=force)
    with open_trace_file(trace) as plain:
        scrub_trace(plain, out)
    tell_written([out], aside=False)


def report(
    run: RunArgument,
    format: FormatOption = "text",
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every figure here as PNG, SVG and PDF, too.")
    ] = None,
    open_it: OpenOption = False,
    force: ForceOption = False,
    color: ColorOption = "auto",
    store: StoreOption = None,
) -> None:
    """Show a run again, in any format.

    Example: flopprof report outer@latest --format html --out outer.html
    """
    from ..terminal.outcome import open_page
    from .kept_runs import ReportRequest, report_kept_run

    request = ReportRequest(address=run, format=format, out=out, figures=figures, force=force, store=store)
    page = report_kept_run(request, look_at_screen(sys.stdout, color), open_it=open_it)
    if page is not None:
        open_page(page)


def compare(
    context: typer.Context,
    a: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A run, a trace, or a selection: RUN:variant=outer_sum,n=4000.",
            autocompletion=complete_run,
        ),
    ],
    b: Annotated[
        str | None,
        typer.Argument(
            metavar="[B]",
            help="The other side; ratios are B / A.",
            autocompletion=complete_run,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Pair A's own steps that are equal in all but this.",
            autocompletion=complete_by,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Compare A with the run of the store that has this tag.",
            autocompletion=complete_run,
        ),
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
    fail_undecided: Annotated[
        bool, typer.Option("--fail-undecided", help="Exit 1 when a pair is unsure or has no partner, too.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse sides that are hard to compare.")] = False,
    exact_names: Annotated[
        bool, typer.Option("--exact-names", help="Of traces, keep ranges apart that differ in a counter.")
    ] = False,
    skip: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Of traces, leave out the first N instances of what repeats."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Of traces, compare start-up and warm-up instances, too.")
    ] = False,
    format: ComparisonFormatOption = "text",
    json: JsonOption = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every format with its charts here, too.")
    ] = None,
    force: ForceOption = False,
    color: ColorOption = "auto",
    store: StoreOption = None,
) -> None:
    """Compare two runs or traces, or the steps of one run that differ in one thing: what changed, and why.

    Example: flopprof compare flopprof-runs/sum_axes-20260101-120000-1a2b --by axis
    """
    from ...analysis.attribution.steady_instances import Instances
    from ...analysis.store.place import find_store
    from .compare import CompareRequest
    from .compare import compare as compare_sides

    screen = look_at_screen(sys.stdout, color)
    outcome = compare_sides(
        CompareRequest(
            a=a,
            b=b,
            by=by,
            baseline=baseline,
            maps=tuple(maps or ()),
            domains=tuple(domain or ()),
            fail_above=fail_above,
            fail_undecided=fail_undecided,
            strict=strict,
            wanted=Instances(exact_names=exact_names, skip=skip, every=every),
            format="json" if wants_json(context, format, json=json) else format,
            out=out,
            screen=screen,
            force=force,
            store=find_store(store),
        )
    )
    print_text(outcome.report, coloured=screen.colour)
    if outcome.gate is not None:
        tell(outcome.gate)
    if outcome.fails:
        raise typer.Exit(SLOWER)
