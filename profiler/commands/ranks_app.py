"""The command line of `flopprof ranks`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...analysis.words import Align
from ..terminal.one_line_errors import FAILED_OR_LOST
from ..terminal.plain_values import PlainCommand
from .shared_options import (
    ColorOption,
    CsvOption,
    CsvRawOption,
    ForceOption,
    FormatOption,
    JobsOption,
    JsonOption,
    SchedulerFileOption,
    SchedulerOption,
    wants_json,
)


def ranks(
    context: typer.Context,
    traces: Annotated[
        list[Path],
        typer.Argument(metavar="TRACE...", help="A trace for each rank, a folder of them, or a run."),
    ],
    rank: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX", help="Where a trace's name holds its rank, such as 'rank(?P<rank>\\d+)'."
        ),
    ] = None,
    align: Annotated[
        Align, typer.Option(help="Set clocks by shared collectives, by wall clocks alone, or not.")
    ] = "collectives",
    range: Annotated[
        str | None,
        typer.Option(
            "--range", metavar="GLOB", help="The ranges that are steps; else the outermost that repeat."
        ),
    ] = None,
    skip: Annotated[int, typer.Option(metavar="N", help="Leave out the first N steps.")] = 0,
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
    scheduler_file: SchedulerFileOption = None,
    format: FormatOption = "text",
    json: JsonOption = False,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    force: ForceOption = False,
    color: ColorOption = "auto",
    csv: CsvOption = None,
    csv_raw: CsvRawOption = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when a trace lost data.")] = False,
) -> None:
    """Set the traces of a job's ranks against each other: who is late in which step, why, and what it costs.

    Example: flopprof ranks traces/ --range step --format html --out ranks.html
    """
    from ..terminal.allocator import load_numpy

    load_numpy()
    from ...analysis.ranks.whole_job import RanksRequest
    from ...analysis.runs.writing import refuse_existing
    from ...reports.render.screen import PLAIN
    from ..terminal.outcome import tell_written
    from ..terminal.output import emit
    from ..terminal.screen import look_at_screen
    from ..terminal.workers import Workers
    from .analyze import find_files
    from .ranks import RanksCommand, analyse_ranks

    refuse_existing([out], force=force)
    screen = PLAIN if out else look_at_screen(sys.stdout, color)
    outcome = analyse_ranks(
        RanksCommand(
            paths=tuple(find_files(traces)),
            request=RanksRequest(rank_pattern=rank, align=align, range_glob=range, skip=skip),
            workers=Workers(jobs=jobs, scheduler=scheduler, scheduler_file=scheduler_file),
            format="json" if wants_json(context, format, json=json) else format,
            csv=csv,
            csv_raw=csv_raw,
            screen=screen,
            force=force,
        )
    )
    emit(outcome.report, out, coloured=screen.colour)
    tell_written([out] if out else [])
    if outcome.has_failures or (strict and outcome.has_lost_data):
        raise typer.Exit(FAILED_OR_LOST)


def add_ranks_command(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(cls=PlainCommand)(ranks)
