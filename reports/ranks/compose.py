"""A job of many ranks as a document: who is late when and why, clocks, steps, collectives."""

from __future__ import annotations

from ...analysis.ranks.whole_job import JobAnalysis
from ..data.ranks_json import job_to_json
from ..document.document import Document, Section
from ..document.names import clean
from ..document.notices import describe_note
from ..document.numbers import count_noun
from .figures import list_figures
from .rank_tables import collective_table, rank_table, step_table
from .sentences import describe_clocks, list_verdicts, rank_name, summarise


def compose_job(job: JobAnalysis) -> Document:
    """Everything an analysis of ranks says."""
    figures = list_figures(job)
    parts = (
        ("steps", "Steps", (step_table(job),), ("waiting", "lanes")),
        ("ranks", "Ranks", (rank_table(job),), ()),
        ("collectives", "Collectives", (collective_table(job),), ("collectives",)),
    )
    return Document(
        title=f"flopprof ranks: {count_noun(len(job.done), 'rank')}",
        about="",
        recorder=describe_clocks(job),
        summary=summarise(job),
        verdicts=list_verdicts(job),
        warnings=tuple(describe_note(note) for note in job.notes_of_all()),
        sections=tuple(
            Section(
                name=name,
                title=title,
                tables=tuple(table for table in tables if table.rows),
                figures=tuple(figures[figure] for figure in drawn if figure in figures),
            )
            for name, title, tables, drawn in parts
            if any(table.rows for table in tables)
        ),
        facts=tuple((rank_name(job, at), clean(str(row.path))) for at, row in enumerate(job.done)),
        folder="",
        data=job_to_json(job),
    )
