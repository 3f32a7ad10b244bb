"""The command line: each command is a few lines over one library function.

Nothing heavy is imported here; a command imports what it needs when it runs, so that ``--help`` is instant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..serving.sizes import CHARACTERS, LEAST_CHARACTERS
from ..terminal.one_line_errors import USER_ERROR, OneLineErrors, RunsProgram
from ..terminal.output import print_text
from ..terminal.plain_values import PlainCommand
from ..terminal.screen import look_at_screen
from .ranks_app import add_ranks_command
from .reading_app import analyze, compare, report, scrub, timeline
from .recording_app import calibrate, counters, profile, run
from .runs_app import add_store_commands
from .shared_options import JsonOption

app = typer.Typer(
    name="flopprof",
    cls=OneLineErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Equal FLOPs — why is one twice as slow? Scenarios under NVIDIA Nsight Systems, broken down into kernel, "
    "memcpy and launch overhead, set against FLOPs, and compared.",
)


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


def doctor(
    json: JsonOption = False,
) -> None:
    """Look at everything a run needs, and say what to type where something is not well.

    Each line is ok, warning (a run works, with less) or broken; the exit code is 2 when a run could not work.

    Example: flopprof doctor
    """
    from ..doctor.examine import examine
    from ..doctor.findings import findings_as_json, findings_as_text, works

    findings = examine()
    print_text(findings_as_json(findings) if json else findings_as_text(findings, look_at_screen(sys.stdout)))
    if not works(findings):
        raise typer.Exit(USER_ERROR)


def version() -> None:
    """Print the version.

    Example: flopprof version
    """
    _print_version(wanted=True)


def scenarios() -> None:
    """List the shipped scenarios.

    Example: flopprof scenarios
    """
    from ...reports.render.wrapping import wrap
    from ...scenarios.plan.load import list_scenarios

    width = look_at_screen(sys.stdout).width
    for name, about in list_scenarios():
        print_text("\n".join(wrap(about, width, f"{name:14}", " " * 14)))


def schema(
    document: Annotated[
        str | None, typer.Argument(metavar="[DOCUMENT]", help="Which; without one they are listed.")
    ] = None,
) -> None:
    """Print the JSON Schema of what a command prints with --json: every key, its type and its unit.

    Example: flopprof schema analyze
    """
    from ..schemas.shipped import list_schemas, read_schema

    if document is not None:
        print_text(read_schema(document))
        return
    for name, about in list_schemas().items():
        print_text(f"{name:14}{about}")


def mcp(
    folder: Annotated[
        Path, typer.Argument(help="The folder of runs and traces; nothing outside it is read.")
    ],
    characters: Annotated[
        int, typer.Option(min=LEAST_CHARACTERS, metavar="N", help="The most characters of an answer.")
    ] = CHARACTERS,
) -> None:
    """Answer an agent's questions about a folder of runs and traces, read only (Model Context Protocol, stdio).

    Example: flopprof mcp flopprof-runs
    """
    from ..serving.server import serve

    serve(folder, characters)


# In the order of --help.
app.command(cls=PlainCommand)(run)
for program_command in (profile, counters):
    app.command(
        cls=RunsProgram,
        context_settings={"allow_interspersed_args": False},
        options_metavar="[OPTIONS] --",
    )(program_command)
for command in (analyze, timeline, scrub, report, compare, calibrate):
    app.command(cls=PlainCommand)(command)
add_ranks_command(app)
add_store_commands(app)
app.command(cls=PlainCommand)(doctor)
app.command(cls=PlainCommand)(scenarios)
app.command(cls=PlainCommand)(schema)
app.command(cls=PlainCommand)(mcp)
app.command(cls=PlainCommand)(version)


def leave_one_command(words: Sequence[str]) -> None:
    """Of all commands leave the one that a command line begins with: making them all takes as long as a small trace."""
    named = [one for one in app.registered_commands if words[:1] == [one.name or _name(one.callback)]]
    app.registered_commands = named or app.registered_commands


def _name(function: Callable[..., object] | None) -> str:
    return getattr(function, "__name__", "")
