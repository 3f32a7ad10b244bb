"""The report of a folder of the store, whatever was recorded in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...analysis.programs.folder_kind import is_program_folder
from ..document.document import Document


def compose_folder(folder: Path, shown_as: str | None = None) -> Document:
    """What a run's report, or a recorded program's, says; its folder by another name, if one is given.

    Raises RunError, TraceError.
    """
    if is_program_folder(folder):
        return _compose_program(folder, shown_as)
    from ...analysis.runs.account import account_run
    from ..run.compose import compose

    run = account_run(folder)
    return compose(run if shown_as is None else replace(run, folder=shown_as))


def _compose_program(folder: Path, shown_as: str | None) -> Document:
    from ...analysis.programs.folder import analyse_program, read_program_folder
    from .compose import compose_program

    program = read_program_folder(folder)
    analysis = analyse_program(program)
    if shown_as is not None:
        program = replace(program, path=Path(shown_as))
        analysis = replace(analysis, trace=replace(analysis.trace, path=program.trace))
    return compose_program(program, analysis)
