"""What a trace lost of a panel's device work: layers, kernels and op times are then of what is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...analysis.runs.quality import loses_device_work
from ...analysis.runs.results import RunResult, StepResult
from ...analysis.words import QualityNote
from .sweep import PanelKey, split_panels


def find_losses(result: RunResult) -> dict[PanelKey, tuple[str, ...]]:
    """The codes of what was lost, of every panel on a GPU whose trace lost device work."""
    lossy = [note for note in result.quality if loses_device_work([note])]
    shards = {step.shard for step in result.steps if step.shard is not None}
    losses: dict[PanelKey, tuple[str, ...]] = {}
    for panel, steps in split_panels(result.steps).items():
        own = {step.shard for step in steps}
        codes = [note.code for note in lossy if _shard_of(note, shards) in {None, *own}]
        if codes and panel.device != "cpu":
            losses[panel] = tuple(dict.fromkeys(codes))
    return losses


def tell_losses(codes: Sequence[str], steps: Iterable[StepResult]) -> str:
    """What the sentences of such a panel rest on."""
    whole = "; untraced times are whole" if any(step.untraced_ns is not None for step in steps) else ""
    return f"The trace lost device work ({', '.join(codes)}): layers and kernels here are of what is left{whole}."


def note_losses(losses: dict[PanelKey, tuple[str, ...]], touched: str) -> list[str]:
    """A note under a table for each such panel, which names the columns that lack the lost work."""
    return [
        f"{panel.title}: the trace lost device work ({', '.join(codes)}), {touched} are of what is left."
        for panel, codes in losses.items()
    ]


def _shard_of(note: QualityNote, shards: Iterable[str]) -> str | None:
    """The shard whose trace a note is about: it stands before its message; None for notes about a whole run."""
    return next((shard for shard in shards if note.message.startswith(f"{shard}: ")), None)
