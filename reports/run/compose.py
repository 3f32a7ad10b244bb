"""From the numbers of a run to its report, before any format."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping

from ...analysis.runs.records import Machine
from ...analysis.runs.results import RunResult
from ..contest.contest_json import contests_to_json
from ..contest.contest_picture import draw_up_picture
from ..contest.headlines import compose_headlines
from ..contest.step_explanations import explain_steps
from ..contest.sweep import read_sweep
from ..contest.verdicts import compose_verdicts, hold_contests
from ..data.run_json import run_to_json
from ..document.document import Document, Notice, Section
from ..document.names import clean
from ..document.notices import describe_note
from ..document.numbers import count_noun, format_value
from .counted_columns import tell_uncounted
from .explanations import compose_explanations
from .figures import draw_up_figures
from .op_tables import copy_table, kernel_table, launch_table, op_table
from .step_tables import layer_table, missing_table, time_table

EMBEDDED_LIMIT = "GPU activity (kernels, copies, idle time) needs Nsight Systems (nsys)"

ORDERS = {
    "planned": "planned: step after step",
    "interleaved": "interleaved: the variants of a size in turn (ABBA), so that drift cancels",
}

_SEVERITIES = ("error", "warning", "info")


def compose(result: RunResult) -> Document:
    """The report of a run, as data."""
    sweep = read_sweep(result)
    contests = hold_contests(result, sweep)
    explained = explain_steps(result, sweep, contests)
    figures = draw_up_figures(result, sweep, contests, explained)
    tables = (
        time_table(result, sweep),
        layer_table(result, sweep),
        op_table(result, sweep),
        kernel_table(result, sweep),
        copy_table(result, sweep),
        launch_table(result, sweep),
        missing_table(result),
    )
    return Document(
        title=f"flopprof {clean(result.run.scenario)}",
        about=clean(result.run.about),
        recorder=_describe_recorder(result),
        summary=_summarise(result),
        verdicts=compose_verdicts(result, sweep, contests, explained),
        warnings=_list_warnings(result),
        sections=tuple(
            Section(
                name=table.name,
                title=table.title,
                tables=(table,),
                figures=figures.get(table.name, ()),
            )
            for table in tables
            if table.rows
        ),
        facts=_list_facts(result),
        folder=result.folder,
        data=run_to_json(result, tuple(explained.values()), contests_to_json(contests)),
        explanations=compose_explanations(result, sweep, contests, explained),
        headlines=compose_headlines(result, sweep, contests, explained),
        picture=draw_up_picture(result, sweep, contests),
    )


def _describe_recorder(result: RunResult) -> str:
    run, version = result.run, result.machine.versions.get("nsys")
    if run.device_recorder is None and "GPU activity is not recorded" in (run.recorder_note or ""):
        return clean(f"Recorder: {run.recorder}: {run.recorder_note}.")
    if run.recorder == "nsys":
        text = f"Recorder: nsys{f' (Nsight Systems {version})' if version else ''}"
    else:
        text = f"Recorder: embedded; {_tell_device_recorder(result)}"
    return clean(f"{text}. {run.recorder_note}" if run.recorder_note else f"{text}.")


def _tell_device_recorder(result: RunResult) -> str:
    if result.run.device_recorder is None:
        return EMBEDDED_LIMIT
    version = result.machine.versions.get("torch")
    return f"GPU activity by {result.run.device_recorder}{f' (torch {version})' if version else ''}"


def _summarise(result: RunResult) -> str:
    """How much of the plan was measured, when, and whether it came to its end."""
    counts = Counter(step.status for step in result.steps)
    skipped = counts["skipped"] + len(result.skipped)
    parts = [f"{count_noun(len(result.steps), 'step')}: {counts['done']} measured"]
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    parts += [f"{skipped} skipped"] if skipped else []
    ending = "; interrupted, so incomplete" if result.run.status == "interrupted" else ""
    return clean(f"Run {result.run.id}, {result.run.started_at}. {', '.join(parts)}{ending}.")


def _list_warnings(result: RunResult) -> tuple[Notice, ...]:
    """Lost data first, then failed steps, then what makes numbers doubtful, then remarks."""
    notes = sorted(result.quality, key=lambda note: _SEVERITIES.index(note.severity))
    notices = [describe_note(note) for note in notes]
    failed = sum(step.status == "failed" for step in result.steps)
    if failed:
        text = f"{failed} of {count_noun(len(result.steps), 'step')} failed; reasons under “Not measured”"
        lost = sum(notice.severity == "error" for notice in notices)
        notices.insert(lost, Notice(severity="error", text=text))
    return tuple(notices)


def _list_facts(result: RunResult) -> tuple[tuple[str, str], ...]:
    run, machine = result.run, result.machine
    facts = [
        ("system", f"{machine.system}, Python {machine.python}"),
        ("cpu", f"{machine.cpu}, {machine.cores} cores, {format_value(machine.memory_bytes, 'bytes')}"),
        *_list_gpus(machine),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(machine.versions.items()))),
        ("settings", ", ".join(f"{name}={value}" for name, value in sorted(machine.settings.items()))),
        *(("roof", line) for line in result.ceilings),
        ("order", ORDERS[run.order]),
        ("passes", _list_seconds(result.pass_seconds)),
        ("measuring", _describe_measuring(result)),
        ("not counted", tell_uncounted(result)),
        ("repeat with", shlex.join(run.command)),
    ]
    return tuple((name, clean(text)) for name, text in facts if text)


def _describe_measuring(result: RunResult) -> str:
    """What of the run's time went into timed reps; the whole is known of runs that no process of was killed."""
    timed = _list_seconds(result.measuring_seconds)
    share = result.measuring_share
    if not timed or share is None or result.run.seconds is None:
        return timed and f"timed reps: {timed}"
    return f"{100 * share:.0f} % of {result.run.seconds:.3g} s in timed reps: {timed}"


def _list_seconds(passes: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.3g} s" for name, seconds in passes.items())


def _list_gpus(machine: Machine) -> list[tuple[str, str]]:
    return [
        (
            f"gpu {gpu.ordinal}",
            ", ".join(
                part
                for part in (
                    gpu.name,
                    f"compute capability {gpu.compute_capability}" if gpu.compute_capability else "",
                    format_value(gpu.memory_bytes, "bytes") if gpu.memory_bytes else "",
                )
                if part
            ),
        )
        for gpu in machine.gpus
    ]
