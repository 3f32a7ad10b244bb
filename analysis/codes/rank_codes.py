"""What many ranks of one job, or many traces, add."""

from __future__ import annotations

from .code import Code, code

RANKS: dict[str, Code] = {
    "rank_failed": code(
        "error",
        ("ranks", "collectives.last", "steps.straggler"),
        "traces could not be analysed, so that who waited least among the others may have waited too",
        lossy=True,
    ),
    "trace_failed": code("error", ("traces",), "traces could not be analysed", lossy=True),
    "rank_missing": code(
        "error",
        ("ranks", "collectives.last", "steps.straggler"),
        "ranks of the job are not among the traces, so that who waited least among the others may have waited too",
        lossy=True,
    ),
    "rank_twice": code("error", ("ranks",), "several traces are of one rank; the first of them is taken"),
    "job_sizes_differ": code("error", ("ranks",), "the traces are of jobs of different sizes"),
    "ranks_in_one_trace": code(
        "info", ("ranks",), "a trace holds several ranks, which are told apart by their GPU"
    ),
    "ranks_apart": code(
        "error",
        ("ranks.offset_ns", "steps"),
        "no collective connects these ranks: they are of several jobs, or records were lost",
    ),
    "clock_offset": code(
        "warning",
        ("ranks.offset_ns",),
        "clocks of ranks are over a second apart, or their traces are of two runs that took the same course; "
        "collectives put them right",
    ),
    "clock_unknown": code(
        "warning", ("ranks.offset_ns",), "traces do not say when they began: only collectives can align them"
    ),
    "clocks_not_aligned": code(
        "warning",
        ("ranks.offset_ns", "ranks.residual_ns"),
        "no collectives could be matched, so clocks are as each machine's was set",
    ),
    "communicators_unknown": code(
        "info",
        ("collectives",),
        "the traces do not say of which communicator a collective is, so they are matched stream by stream: "
        "export with --include-blobs, as flopprof profile does",
    ),
    "collectives_differ": code(
        "error",
        ("collectives", "steps.wait_ns", "steps.straggler"),
        "ranks have other numbers or kinds of collectives: matching stops where they begin to differ",
        lossy=True,
    ),
    "collectives_apart": code(
        "error",
        ("collectives", "steps.wait_ns", "steps.straggler"),
        "collectives that are matched by their order do not end together: matching stops there",
    ),
    "collectives_alone": code(
        "info",
        ("collectives",),
        "collectives of which no other rank has a counterpart: their waiting is unknown",
    ),
    "missing_collectives": code(
        "info", ("collectives", "steps.wait_ns"), "the traces hold no NCCL kernels: who waited cannot be said"
    ),
    "steps_not_found": code(
        "warning", ("steps",), "no range repeats that could be the step; give one by --range"
    ),
    "steps_chosen": code(
        "info", ("steps",), "several ranges match --range; the one with most instances is taken"
    ),
    "steps_differ": code(
        "warning", ("steps",), "ranks have different numbers of steps; those that all have are compared"
    ),
    "steps_apart": code(
        "error",
        ("steps.straggler",),
        "ranks ran other collectives in steps of one number, so no straggler is named there",
    ),
}
