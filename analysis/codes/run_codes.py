"""What a run of scenarios adds."""

from __future__ import annotations

from .code import Code, code

RUN: dict[str, Code] = {
    "lost_ranges": code(
        "error",
        ("ops", "windows"),
        "steps have fewer op ranges than op calls were made: ranges were lost",
        lossy=True,
    ),
    "tracing_slowdown": code(
        "warning",
        ("steps.traced_ns", "steps.window"),
        "steps took over 1.1 times as long traced as untraced: their breakdown is of the slower run",
    ),
    "noisy": code(
        "warning",
        ("steps.untraced_ns", "steps.traced_ns", "steps.window"),
        "steps took over 1.1 times as long in one pass as in the other, which tracing cannot explain",
    ),
    "above_ceiling": code(
        "warning", ("roof_share",), "faster than the roof allows, so the peak or the count of bytes is wrong"
    ),
    "cpu_charged_late": code(
        "warning",
        ("steps.cpu", "ops.cpu"),
        "steps on the CPU were charged for more cores than there are, as the system charges threads of other cores "
        "late: all of them are taken to be at work, and over a tenth more is taken as unknown",
    ),
    "not_in_turn": code(
        "info",
        ("steps.untraced_ns",),
        "steps of an interleaved run were not measured in turn: drift between variants stays in their times",
    ),
}
