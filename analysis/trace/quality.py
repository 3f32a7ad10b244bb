"""Notes of what to know before believing a number, all from one closed list (analysis/codes)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..codes.closed_list import CODES
from ..words import QualityNote

_SEVERITY_ORDER = {"error": 0, "warning": 1, "info": 2}


def note(code: str, count: int = 1, detail: str = "") -> QualityNote:
    """A note of the closed list, with what was counted and a detail that varies."""
    entry = CODES[code]
    return QualityNote(
        code=code,
        severity=entry.severity,
        message=entry.meaning + (f" ({detail})" if detail else ""),
        count=count,
        affects=entry.affects,
    )


def count_notes(counts: dict[str, int]) -> list[QualityNote]:
    """Notes for what was counted; nothing for zero."""
    return [note(code, count) for code, count in counts.items() if count]


def sort_notes(notes: Iterable[QualityNote]) -> tuple[QualityNote, ...]:
    """Errors first, then warnings; what says the same once, with its counts added."""
    merged: dict[tuple[str, str], QualityNote] = {}
    for one in notes:
        same = merged.get((one.code, one.message))
        merged[one.code, one.message] = replace(one, count=one.count + same.count) if same else one
    order = list(CODES)
    return tuple(sorted(merged.values(), key=lambda n: (_SEVERITY_ORDER[n.severity], order.index(n.code))))
