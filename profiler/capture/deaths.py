"""What became of the steps of a worker that ended: those it told of, and the one it died in."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from ...analysis.runs.records import StepRecord
from ...scenarios.plan.step import Step
from ..recorders.recorder import last_line
from ..worker.job import NEW_WORKER, Finished, PassName
from .worker_process import ShardContext, WorkerOutcome


def settle_worker(
    outcome: WorkerOutcome, todo: Sequence[Step], which: PassName, context: ShardContext
) -> dict[str, StepRecord]:
    """What became of the steps of a worker that ended; those it could not tell the end of are told here."""
    records = settle_deaths(outcome, todo)
    for key, record in records.items():
        if key not in outcome.records:
            context.on_message(which, Finished(record=record))
    return records


def settle_deaths(outcome: WorkerOutcome, todo: Sequence[Step]) -> dict[str, StepRecord]:
    """The worker's records, and a failure for the step it died in.

    A worker that died before its first step would do so again: then all its steps have failed.
    """
    records = dict(outcome.records)
    missing = [step.key for step in todo if step.key not in records]
    if outcome.interrupted or not missing or (outcome.exit_code == NEW_WORKER and records):
        return records
    reason = explain_death(outcome)
    victims = [outcome.died_in] if outcome.died_in else missing if not records else missing[:1]
    return records | {key: StepRecord(key=key, status="failed", reason=reason) for key in victims}


def explain_death(outcome: WorkerOutcome) -> str:
    """Why a worker ended before its steps had, or was never started."""
    if outcome.hang:
        return f"{outcome.hang}; see 'flopprof doctor', or use --recorder embedded"
    words = last_line(outcome.folder / "output.txt")
    if outcome.recorder_failed:
        said = words.rstrip(".")
        return (
            f"Nsight Systems did not start ({said}); see docs/troubleshooting.md, or use --recorder embedded"
        )
    ended = describe_death(outcome.exit_code or 0)
    if outcome.around and outcome.life.state() == "to come":
        who = f"{outcome.around.name} at {outcome.around}"
        ended = f"{describe_death(outcome.exit_code or 0, who)} and had not started the worker"
    return f"{ended}; its last words: {words}"


def describe_death(exit_code: int, who: str = "the worker") -> str:
    """How a worker ended, from its exit code or its recorder's (128 + signal).

    >>> describe_death(-9), describe_death(139)
    ('the worker was killed by SIGKILL (out of memory?)', 'the worker was killed by SIGSEGV')
    """
    number = -exit_code if exit_code < 0 else exit_code - 128
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"{who} ended with exit code {exit_code}"
    return f"{who} was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
