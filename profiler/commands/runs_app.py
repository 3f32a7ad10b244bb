"""The commands about runs that are kept: list, show, tag, remove, clean, export, import, history."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..terminal.completion import complete_kept_scenario, complete_run
from ..terminal.output import print_text, tell
from ..terminal.plain_values import PlainCommand
from ..terminal.screen import look_at_screen
from .shared_options import ForceOption, JsonOption

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", help="The run store; else $FLOPPROF_STORE, else flopprof-runs."),
]


RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run: its folder, id or tag, latest or SCENARIO@latest.",
        autocompletion=complete_run,
    ),
]


def add_store_commands(app: typer.Typer) -> None:
    """Give the application its commands about kept runs."""
    for name, command in {
        "runs": runs,
        "show": show,
        "tag": tag,
        "rm": rm,
        "gc": gc,
        "export": export,
        "import": import_archive,
        "history": history,
    }.items():
        app.command(name, cls=PlainCommand)(command)


def runs(
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only runs of this scenario or program.",
            autocompletion=complete_kept_scenario,
        ),
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """List the runs of the store, the latest first; interrupted ones say so.

    Example: flopprof runs --scenario outer
    """
    from ...analysis.store.listing import list_runs
    from ...analysis.store.place import find_store
    from ...reports.kept.runs import runs_to_json, show_runs
    from ...reports.render.json_text import render_json

    folder = find_store(store)
    listing = list_runs(folder, scenario)
    for note in listing.notes:
        tell(f"note: {note}")
    if json:
        print_text(render_json(runs_to_json(listing.runs, folder)))
        return
    screen = look_at_screen(sys.stdout)
    print_text(show_runs(listing.runs, folder, screen, scenario=scenario), coloured=screen.colour)


def show(run: RunArgument, store: StoreOption = None, json: JsonOption = False) -> None:
    """Show what the store knows of a run: its facts and the times of its steps.

    Example: flopprof show outer@latest
    """
    from .kept_runs import show_kept_run

    screen = look_at_screen(sys.stdout)
    print_text(show_kept_run(run, store, screen, as_json=json), coloured=screen.colour and not json)


def tag(
    run: RunArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, '.', '_' and '-'.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the tag away.")] = False,
    store: StoreOption = None,
) -> None:
    """Give a run a name; a name that another run has moves to this one.

    Example: flopprof tag latest before-upgrade
    """
    from .kept_runs import tag_kept_run

    print_text(tag_kept_run(run, name, store, remove=remove))


def rm(
    run: RunArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: StoreOption = None,
) -> None:
    """Remove a run for good: its folder and all that the store knows of it.

    Example: flopprof rm outer-20260101-120000-1a2b
    """
    from ...analysis.store.cleaning import remove_run
    from ...analysis.store.place import find_store
    from ...reports.document.numbers import count_noun
    from .kept_runs import find_kept_run

    folder = find_store(store)
    found = find_kept_run(run, folder)
    if not yes:
        _ask(f"remove {found.id} ({found.status}, {count_noun(found.done, 'step')} done)?", found.id)
    remove_run(folder, found)
    print_text(f"removed {found.id}")


def _ask(question: str, run: str) -> None:
    """Go on after a yes only; where no terminal answers say how to do without."""
    from ...analysis.errors import RunError

    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        tell("")  # the question has no end of its line
        raise RunError(run, "is not removed, as nobody said yes; --yes removes it unasked") from None


def gc(store: StoreOption = None) -> None:
    """Remove what killed processes left in the store, and rows of runs whose folder is gone.

    Example: flopprof gc
    """
    from ...analysis.store.cleaning import collect_garbage
    from ...analysis.store.place import find_store
    from ..recorders.folders import remove_abandoned_temporary

    remove_abandoned_temporary()
    for line in collect_garbage(find_store(store)) or ["nothing to remove"]:
        print_text(line)


def export(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN[.zip]",
            help="A run, as for show.",
            autocompletion=complete_run,
        ),
    ],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The archive; else RUN.zip.")] = None,
    force: ForceOption = False,
    store: StoreOption = None,
) -> None:
    """Write a run into one file for another machine, without paths and names of this one.

    Example: flopprof export latest --out outer.zip
    """
    from ..terminal.outcome import say_of
    from .kept_runs import export_kept_run

    written = export_kept_run(run, out, store, force=force)
    say_of(print_text, written, Path(written))


def import_archive(
    archive: Annotated[Path, typer.Argument(metavar="RUN.zip", help="What flopprof export wrote.")],
    store: StoreOption = None,
) -> None:
    """Take a run of another machine into the store, checked: an archive that is not quite right is refused.

    Example: flopprof import outer.zip
    """
    from .kept_runs import import_kept_run

    print_text(import_kept_run(archive, store))


def history(
    scenario: Annotated[
        str,
        typer.Argument(
            help="The scenario's name, or the program's.",
            autocompletion=complete_kept_scenario,
        ),
    ],
    step: Annotated[
        str | None,
        typer.Option(
            metavar="STEP", help="A key, NAME=VALUE,… or a glob over the label, such as 'matvec*n=4000'."
        ),
    ] = None,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it here, too.")] = None,
    force: ForceOption = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Show the times of a scenario's steps run by run, and from which run on they changed.

    Example: flopprof history outer --step variant=outer_sum,n=4000 --png outer.png
    """
    from .kept_runs import show_history_of

    screen = look_at_screen(sys.stdout)
    told = show_history_of(scenario, step, png, store, screen, as_json=json, force=force)
    print_text(told, coloured=screen.colour and not json)
