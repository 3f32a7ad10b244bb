"""Every document by its name, and its schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...analysis.words import FORMAT
from .comparison_documents import compare_document
from .deriving import Fields, Schema, object_of
from .job_documents import ranks_document
from .key_words import UNITS
from .machine_documents import calibrate_document, doctor_document
from .run_documents import history_document, run_document, runs_document, show_document
from .trace_documents import analyze_document, analyze_many_document, counters_document

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Document(NamedTuple):
    """What is printed where, and its keys."""

    about: str
    fields: Callable[[], Fields]


DOCUMENTS: dict[str, Document] = {
    "analyze": Document("flopprof analyze TRACE --json; analysis.json of flopprof profile", analyze_document),
    "analyze-many": Document("flopprof analyze TRACE TRACE… --json", analyze_many_document),
    "calibrate": Document("flopprof calibrate --json", calibrate_document),
    "compare": Document("flopprof compare A B --json", compare_document),
    "counters": Document("counters.json of flopprof counters", counters_document),
    "doctor": Document("flopprof doctor --json", doctor_document),
    "history": Document("flopprof history SCENARIO --json", history_document),
    "ranks": Document("flopprof ranks TRACE… --json", ranks_document),
    "run": Document("flopprof run --json; flopprof report --format json; report.json of a run", run_document),
    "runs": Document("flopprof runs --json", runs_document),
    "show": Document("flopprof show RUN --json", show_document),
}


def schema_of(name: str) -> Schema:
    """The schema of a document. Raises KeyError."""
    document = DOCUMENTS[name]
    head = {"$schema": DIALECT, "$id": f"urn:flopprof:{FORMAT}:{name}", "title": document.about}
    return {**head, **object_of(document.fields(), UNITS)}
