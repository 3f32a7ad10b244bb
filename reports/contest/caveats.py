"""What weakens a run's numbers: device work that its traces lost, and passes that tracing or something else slowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...analysis.codes.lossy import loses_device_work
from ...analysis.runs.noise import SLOWDOWN_FLAG
from ...analysis.runs.quality import tell_cause
from ...analysis.runs.results import RunResult, StepResult
from ...analysis.words import QualityNote
from ..document.names import clean
from ..document.numbers import count_noun, format_value
from .sweep import PanelKey, Sweep, split_panels


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


def tell_disturbances(result: RunResult, sweep: Sweep) -> list[str]:
    """A sentence on tracing, and one on noise, where there was any."""
    return [*_tell_tracing(result, sweep), *_tell_noise(result, sweep)]


def _tell_tracing(result: RunResult, sweep: Sweep) -> list[str]:
    slow = [step for step in result.steps if (step.tracing_slowdown or 0) > SLOWDOWN_FLAG]
    if not slow:
        return []
    worst = max(slow, key=lambda step: step.tracing_slowdown or 0)
    traced = (worst.untraced_ns or 0) + (worst.tracing_ns or 0)
    return [
        f"Tracing slowed {len(slow)} of {count_noun(len(result.steps), 'step')} by over 10 %, most "
        f"{_name(worst, sweep)}: {format_value(worst.tracing_slowdown, 'ratio')} "
        f"({format_value(traced, 'time')} with what its recorded calls cost, "
        f"{format_value(worst.untraced_ns, 'time')} untraced); times here are untraced, layers are traced."
    ]


def _tell_noise(result: RunResult, sweep: Sweep) -> list[str]:
    noisy = [step for step in result.steps if step.noisy]
    if not noisy:
        return []
    worst = max(noisy, key=lambda step: step.noise_factor)
    return [
        f"{len(noisy)} of {count_noun(len(result.steps), 'step')} "
        f"{'is' if len(noisy) == 1 else 'are'} noisy, by more than tracing can explain: most "
        f"{_name(worst, sweep)}, {format_value(worst.untraced_ns, 'time')} untraced and "
        f"{format_value(worst.traced_ns, 'time')} traced, of which its recorded calls cost at most "
        f"{format_value(worst.tracing_ns, 'time')}; {tell_cause(noisy)}."
    ]


def _name(step: StepResult, sweep: Sweep) -> str:
    return f"{clean(step.backend)} {clean(step.device)} {sweep.point_text(step)} {clean(step.variant)}"
