"""The documents about this machine: what is missing, and what its devices reach."""

from __future__ import annotations

from ...analysis.runs.ceilings import Ceiling
from ..doctor.findings import Finding
from .deriving import Fields, array_of, of_type, said, typed
from .parts import VERSION


def doctor_document() -> Fields:
    """`flopprof doctor --json`."""
    return {
        **VERSION,
        "works": said(of_type(bool), "Whether a run can work here."),
        "findings": array_of(of_type(Finding)),
    }


def calibrate_document() -> Fields:
    """`flopprof calibrate --json`."""
    return {
        **VERSION,
        "path": said(of_type(str), "The file in which they are kept."),
        "ceilings": array_of(of_type(Ceiling)),
        **typed(skipped=list[str], failed=list[str]),
    }
