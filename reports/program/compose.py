"""The report of a recorded program: what its trace says, and where it has no ranges, where its Python was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...analysis.breakdown.analyze import Analysis
from ...analysis.programs.folder import ProgramFolder
from ...analysis.programs.samples import PythonSamples
from ...analysis.runs.writing import encode_text, write_file
from ..document.document import Document, Section
from ..document.format import Format
from ..document.names import clean
from ..document.numbers import format_value
from ..render.formats import render_document
from ..render.json_text import stream_json
from ..trace.compose import compose_analysis
from ..trace.first_screen import ANNOTATE
from .python_table import (
    choose_parts,
    describe_hottest,
    describe_parts,
    describe_thread,
    find_main_thread,
    parts_picture,
    python_table,
)

REPORTS: dict[str, Format] = {
    "report.md": "markdown",
    "report.html": "html",
    "report.txt": "text",
}

SAMPLE = (
    "Its Python was not sampled; `flopprof profile --sample-python 100 -- …` also says where its functions spent "
    "their time."
)


def compose_program(program: ProgramFolder, analysis: Analysis) -> Document:
    """Everything that is known of it, named by its command."""
    record = program.record
    document = compose_analysis(analysis, title=f"flopprof profile {record.title}", timeline=True)
    document = replace(
        document,
        folder=str(program.path),
        facts=(
            ("run", clean(f"{record.id}, {record.started_at}")),
            ("program", f"{format_value(record.wall_seconds * 1e9, 'time')}, exit code {record.exit_code}"),
            *document.facts,
        ),
    )
    return with_python(document, program.samples, record.title, analysis)


def with_python(
    document: Document, samples: PythonSamples | None, title: str, analysis: Analysis
) -> Document:
    """The document with where the Python of a program called so was: first where no range divides the time."""
    thread = find_main_thread(samples)
    divided = bool(analysis.steps) or len(analysis.trace.ranges) > 0
    busy = len(analysis.trace.activities) > 0
    if samples is None or thread is None:
        return replace(document, headlines=(*document.headlines, *(() if busy or samples else (SAMPLE,))))
    table = python_table(samples, thread)
    title = clean(title)
    section = Section(name=table.name, title=table.title, tables=(table,))
    if divided:
        told = (
            ()
            if busy
            else (f"{describe_thread(samples, thread, title)} {describe_hottest(samples, thread)}",)
        )
        return replace(
            document,
            headlines=(*document.headlines, *(one.rstrip() for one in told)),
            sections=(*document.sections, section),
        )
    parts = choose_parts(samples, thread)
    said = [describe_thread(samples, thread, title), describe_parts(parts, thread)]
    told = [sentence for sentence in document.headlines if sentence != ANNOTATE] if busy else []
    return replace(
        document,
        headlines=(*told, *said),
        picture=document.picture if told else parts_picture(thread, parts),
        sections=(section, *document.sections),
    )


def write_program_reports(program: ProgramFolder, analysis: Analysis, folder: Path) -> Document:
    """The reports of a recorded program into a folder. Raises RunError when it cannot be written."""
    document = compose_program(program, analysis)
    for name, format in REPORTS.items():
        write_file(folder / name, encode_text(render_document(document, format) + "\n"))
    write_file(folder / "analysis.json", encode_text("".join(stream_json(analysis.parts())) + "\n"))
    return document
