"""Options that mean the same in several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...reports.document.format import ComparisonFormat, Format
from ..terminal.screen import ColorChoice

FormatOption = Annotated[Format, typer.Option(help="How to show it.")]

ComparisonFormatOption = Annotated[ComparisonFormat, typer.Option(help="How to show it.")]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]

ColorOption = Annotated[
    ColorChoice,
    typer.Option(
        help="Colours: at a terminal (auto, which heeds NO_COLOR and FORCE_COLOR), always or never."
    ),
]

ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite what is there already.")]

OpenOption = Annotated[bool, typer.Option("--open", help="Show the report in the browser.")]

QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say only where the report is, and what went wrong.")
]

CsvOption = Annotated[Path | None, typer.Option(metavar="DIR", help="Write the tables here as CSV, too.")]

CsvRawOption = Annotated[
    bool,
    typer.Option("--csv-raw", help="CSV for programs: names that look like formulas stay as they are."),
]

JobsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Analyse in so many processes; by default as many as cores and memory allow."
    ),
]

SchedulerOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="Analyse on the Dask cluster of this scheduler, such as tcp://host:8786."
    ),
]

SchedulerFileOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The same, by the file that dask scheduler --scheduler-file wrote."),
]


def wants_json(context: typer.Context, format: ComparisonFormat, *, json: bool) -> bool:
    """Whether ``--json`` was given. Raises BadParameter where ``--format`` asks for something else."""
    source = context.get_parameter_source("format")
    if json and format != "json" and source is not None and source.name != "DEFAULT":
        raise typer.BadParameter(f"--format {format} and --json ask for two formats: give one of them")
    return json
