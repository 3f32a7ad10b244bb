"""What a run says of its own passes: how much tracing slowed them, and where something else did."""

from __future__ import annotations

from ...analysis.runs.noise import SLOWDOWN_FLAG
from ...analysis.runs.quality import tell_cause
from ...analysis.runs.results import RunResult, StepResult
from ..document.names import clean
from ..document.numbers import count_noun, format_value
from .sweep import Sweep


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
    worst = max(noisy, key=lambda step: abs(step.noise_ns or 0) / (step.untraced_ns or 1))
    return [
        f"{len(noisy)} of {count_noun(len(result.steps), 'step')} "
        f"{'is' if len(noisy) == 1 else 'are'} noisy, by more than tracing can explain: most "
        f"{_name(worst, sweep)}, {format_value(worst.untraced_ns, 'time')} untraced and "
        f"{format_value(worst.traced_ns, 'time')} traced, of which its recorded calls cost at most "
        f"{format_value(worst.tracing_ns, 'time')}; {tell_cause(noisy)}."
    ]


def _name(step: StepResult, sweep: Sweep) -> str:
    return f"{clean(step.backend)} {clean(step.device)} {sweep.point_text(step)} {clean(step.variant)}"
