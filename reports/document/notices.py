"""Quality notes as sentences."""

from __future__ import annotations

from ...analysis.words import QualityNote
from .document import Notice
from .names import clean, list_names


def describe_note(note: QualityNote) -> Notice:
    """What is wrong, how often, its code, and which numbers it touches."""
    message = note.message.rstrip(".")
    often = f", {note.count} in all" if note.count > 1 else ""
    affects = f" It affects {list_names(note.affects)}." if note.affects else ""
    named = message.partition(" ")[0].endswith(":")  # a shard's, whose name stays as it is
    start = message[:1] if named else message[:1].upper()
    text = f"{start}{message[1:]}{often} [{note.code}].{affects}"
    return Notice(severity=note.severity, text=clean(text))
