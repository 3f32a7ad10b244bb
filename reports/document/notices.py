"""Quality notes as sentences."""

from __future__ import annotations

from ...analysis.words import QualityNote
from .document import Notice
from .names import clean


def describe_note(note: QualityNote) -> Notice:
    """What is wrong, how often, its code, and which numbers it touches."""
    often = f" ({note.count}×)" if note.count > 1 else ""
    affects = f"; affects {', '.join(note.affects)}" if note.affects else ""
    return Notice(
        severity=note.severity, text=clean(f"{note.message.rstrip('.')}{often} [{note.code}]{affects}")
    )
