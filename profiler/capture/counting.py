"""The counters pass of a shard: every step once more, one rep, under Nsight Compute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...analysis.evidence.counters import WANTED, CountedLaunch
from ...analysis.evidence.ncu_csv import NcuOutputError, read_ncu_csv
from ...analysis.runs.records import CountedKernel, CountedStep
from ...analysis.words import COUNTED_OP, OWN_DOMAIN, STEP_PREFIX
from ...scenarios.plan.step import Step
from ..recorders.ncu import NcuRecorder, explain
from ..recorders.recorder import last_line
from .budget import Uncounted
from .gathering import EvidencePass, gather_evidence
from .worker_process import ShardContext, WorkerOutcome

MOST_WORKERS = 5
"""A worker that dies is started again at the next step, as often as this."""


def count_shard(uncounted: Uncounted, context: ShardContext, ncu: NcuRecorder) -> None:
    """Count the steps and write what was counted into the run. Raises Interrupted, DiskFullError."""
    counting = EvidencePass(
        which="counters",
        source="ncu",
        tool=ncu.version,
        most_workers=MOST_WORKERS,
        settle=lambda outcome, todo: settle_counted(outcome, todo, ncu),
        left="the workers before it died",
    )
    gather_evidence(uncounted, replace(context, counter=ncu), counting)


def settle_counted(outcome: WorkerOutcome, todo: Sequence[Step], ncu: NcuRecorder) -> dict[str, CountedStep]:
    """What became of the steps of a worker: at least of its first one something is known."""
    launches, problem = read_table(ncu.table(outcome.folder))
    by_step = group_launches(launches)
    said = _words(outcome.folder, ncu)
    found: dict[str, CountedStep] = {}
    for key, record in outcome.records.items():
        reason = record.reason if record.status == "failed" else None
        kernels = by_step.get(key, [])
        if reason is None and not kernels:
            reason = problem or explain_nothing(said)
        found[key] = CountedStep(key=key, reason=reason, kernels=kernels if reason is None else [])
    missing = [step.key for step in todo if step.key not in found]
    if outcome.exit_code and missing:
        victim = outcome.died_in or missing[0]
        found[victim] = CountedStep(
            key=victim,
            reason=f"Nsight Compute or its worker ended: {explain(said)}; {last_line(outcome.folder / 'output.txt')}",
        )
    if not outcome.has_run:  # it would not begin the next time either
        found |= {
            key: CountedStep(key=key, reason=f"Nsight Compute did not start: {explain(said)}")
            for key in missing
        }
    return found


def explain_nothing(said: str) -> str:
    """Why a step that ran has no kernels in the table."""
    why = explain(said)
    return "none of its kernels was counted" + ("" if why == "it gave no reason" else f": {why}")


def read_table(path: Path) -> tuple[list[CountedLaunch], str | None]:
    """The launches in the table, or why there is none to read."""
    if not path.exists():
        return [], None
    try:
        return read_ncu_csv(path), None
    except NcuOutputError as error:
        return [], str(error)


def group_launches(launches: Sequence[CountedLaunch]) -> dict[str, list[CountedKernel]]:
    """Launches by the key of the step whose ranges they lie in, each with the number of its op."""
    found: dict[str, list[CountedKernel]] = {}
    for launch in launches:
        own = [message for domain, message in launch.ranges if domain == OWN_DOMAIN]
        steps = [message.removeprefix(STEP_PREFIX) for message in own if message.startswith(STEP_PREFIX)]
        ops = [message.removeprefix(COUNTED_OP) for message in own if message.startswith(COUNTED_OP)]
        if steps and ops and ops[-1].isdigit():
            found.setdefault(steps[0], []).append(
                CountedKernel(
                    op=int(ops[-1]),
                    kernel=launch.kernel,
                    grid=launch.grid,
                    block=launch.block,
                    metrics={
                        name: value
                        for name, value in launch.metrics.items()
                        if name in WANTED or name.startswith("launch__")
                    },
                )
            )
    return found


def _words(folder: Path, ncu: NcuRecorder) -> str:
    paths = (folder / "output.txt", ncu.table(folder))
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths if path.exists()]
    return "\n".join(line for text in texts for line in text.splitlines() if line.startswith("=="))
