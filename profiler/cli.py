"""The command line: each command is a few lines over one library function.

Nothing heavy is imported here; a command imports what it needs when it runs, so that ``--help`` is instant.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .one_line_errors import OneLineErrors

app = typer.Typer(
    name="flopprof",
    cls=OneLineErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Equal FLOPs — why is one twice as slow? Scenarios under NVIDIA Nsight Systems, broken down into kernel, "
    "memcpy and launch overhead, set against FLOPs, and compared.",
)

FAILED_OR_LOST = 3


class RecorderChoice(StrEnum):
    """What makes the trace."""

    auto = "auto"
    nsys = "nsys"
    embedded = "embedded"


class Format(StrEnum):
    """How a report is shown."""

    text = "text"
    markdown = "markdown"
    json = "json"


def _print_version(wanted: bool) -> None:
    if wanted:
        from .version import installed_version

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
    scenario: Annotated[str, typer.Argument(help="A scenario file, or the name of a shipped one.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUES", help="Override a sweep or a key, such as n=1000,2000."),
    ] = None,
    recorder: Annotated[RecorderChoice, typer.Option(help="What makes the trace.")] = RecorderChoice.auto,
    out: Annotated[Path | None, typer.Option(help="The folder of this run; new or empty.")] = None,
    no_control: Annotated[
        bool, typer.Option("--no-control", help="Skip the untraced pass: half the time, no headline times.")
    ] = False,
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
    from .run import RunRequest, run_scenario

    request = RunRequest(
        scenario=scenario,
        overrides=tuple(overrides or ()),
        recorder=recorder.value,
        out=out,
        control=not no_control,
        keep_report=keep_rep,
        strict=strict,
        format="json" if json else "text",
    )
    outcome = run_scenario(request)
    print(outcome.report)
    if outcome.has_failures or (strict and outcome.has_lost_data):
        raise typer.Exit(FAILED_OR_LOST)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    format: Annotated[Format, typer.Option(help="How to show it.")] = Format.text,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
) -> None:
    """Show a run again.

    Example: flopprof report flopprof-runs/outer-20260101-120000-1a2b --format markdown
    """
    from ..analysis.account import account_run
    from ..reports.publish import render
    from .output import emit

    emit(render(account_run(run), format.value), out)


@app.command()
def compare(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Pair the steps that are equal in all but this.")],
    format: Annotated[Format, typer.Option(help="How to show it.")] = Format.text,
) -> None:
    """Compare the steps of a run that differ in one thing: two sum axes, two libraries.

    Example: flopprof compare flopprof-runs/sum_axes-20260101-120000-1a2b --by axis
    """
    from ..analysis.account import account_run
    from ..analysis.compare import compare_by
    from ..reports.comparison import render_comparison

    print(render_comparison(compare_by(account_run(run), by), format.value))


@app.command()
def scenarios() -> None:
    """List the shipped scenarios."""
    from ..scenarios.load import list_scenarios

    for name, about in list_scenarios():
        print(f"{name:14}{about}")
