"""The tables and views of a run store, as named migrations: a store is brought up to date step by step.

A migration is never changed once released; what must be different is a new one at the end. Each runs in one
transaction with the record of its name (table ``_sqlite_migrations``).
"""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

STORE_MIGRATIONS = Migrations("flopprof")

_LAYERS_OF_FIRST = """wall_ns REAL, busy_ns REAL, idle_ns REAL, kernel_ns REAL, memcpy_ns REAL, memset_ns REAL,
    graph_ns REAL, launch_ns REAL, latency_ns REAL, sync_ns REAL, api_ns REAL, host_ns REAL, unknown_ns REAL,
    compute_ns REAL"""
"""Where the time of a rep goes, of a step and of an op."""

_FIRST_TABLES = (
    """CREATE TABLE machines (id TEXT PRIMARY KEY, system TEXT NOT NULL, cpu TEXT NOT NULL, cores INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL, gpus TEXT NOT NULL, hardware TEXT NOT NULL, python TEXT NOT NULL,
    versions TEXT NOT NULL, settings TEXT NOT NULL)""",
    """CREATE TABLE runs (id TEXT PRIMARY KEY, scenario TEXT NOT NULL, about TEXT NOT NULL,
    started_at TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('complete', 'interrupted', 'damaged')),
    problem TEXT, recorder TEXT NOT NULL, recorder_note TEXT, control INTEGER NOT NULL, baseline TEXT,
    command TEXT NOT NULL, folder TEXT NOT NULL UNIQUE, shards INTEGER NOT NULL,
    machine TEXT REFERENCES machines(id), quality TEXT NOT NULL, skipped TEXT NOT NULL)""",
    f"""CREATE TABLE steps (id INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    number INTEGER NOT NULL, key TEXT NOT NULL, label TEXT NOT NULL, variant TEXT NOT NULL, backend TEXT NOT NULL,
    device TEXT NOT NULL, dtype TEXT NOT NULL, mode TEXT NOT NULL, params TEXT NOT NULL, shard TEXT,
    status TEXT NOT NULL, reason TEXT, flops INTEGER, bytes INTEGER, reps INTEGER, warmup INTEGER,
    untraced_ns REAL, untraced_low_ns REAL, untraced_high_ns REAL, traced_ns REAL, slowdown REAL,
    overhead_ns REAL, launch_bound INTEGER, checked INTEGER NOT NULL, {_LAYERS_OF_FIRST}, tflops REAL, gbps REAL,
    roof_share REAL, roof_source TEXT, roof_note TEXT, limited_by TEXT, UNIQUE (run, key))""",
    f"""CREATE TABLE ops (id INTEGER PRIMARY KEY, step INTEGER NOT NULL REFERENCES steps(id) ON DELETE CASCADE,
    number INTEGER NOT NULL, op TEXT NOT NULL, flops INTEGER, bytes INTEGER, {_LAYERS_OF_FIRST},
    kernel_sum_ns INTEGER, launches REAL, range_ns REAL, tflops REAL, gbps REAL, roof_share REAL,
    roof_source TEXT, roof_note TEXT, limited_by TEXT, UNIQUE (step, number))""",
    """CREATE TABLE kernels (id INTEGER PRIMARY KEY, op INTEGER NOT NULL REFERENCES ops(id) ON DELETE CASCADE,
    kernel TEXT NOT NULL, device INTEGER, instances INTEGER NOT NULL, total_ns INTEGER NOT NULL,
    median_ns REAL NOT NULL, min_ns INTEGER NOT NULL, max_ns INTEGER NOT NULL, p5_ns REAL, p95_ns REAL,
    share REAL, launch_call_median_ns REAL, queue_median_ns REAL, stream_wait_median_ns REAL,
    latency_median_ns REAL, launches TEXT NOT NULL)""",
    """CREATE TABLE reps (step INTEGER NOT NULL REFERENCES steps(id) ON DELETE CASCADE,
    pass TEXT NOT NULL CHECK (pass IN ('untraced', 'traced')), number INTEGER NOT NULL, ns REAL NOT NULL,
    PRIMARY KEY (step, pass, number)) WITHOUT ROWID""",
    """CREATE TABLE tags (name TEXT PRIMARY KEY, run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    tagged_at TEXT NOT NULL)""",
    "CREATE INDEX runs_by_start ON runs(started_at)",
    "CREATE INDEX runs_by_machine ON runs(machine)",
    "CREATE INDEX tags_by_run ON tags(run)",
    "CREATE INDEX kernels_by_op ON kernels(op)",
)

_FIRST_VIEWS = {
    "run_overview": """
        SELECT runs.id AS run, runs.scenario, runs.started_at, runs.status, runs.recorder, machines.hardware,
            count(steps.id) AS steps, coalesce(sum(steps.status = 'done'), 0) AS done,
            coalesce(sum(steps.status = 'failed'), 0) AS failed,
            (SELECT group_concat(name, ' ') FROM tags WHERE tags.run = runs.id) AS tags
        FROM runs LEFT JOIN steps ON steps.run = runs.id LEFT JOIN machines ON machines.id = runs.machine
        GROUP BY runs.id ORDER BY runs.started_at DESC, runs.id DESC""",
    "step_times": """
        SELECT runs.id AS run, runs.scenario, runs.started_at, machines.hardware, steps.number, steps.key,
            steps.label, steps.variant, steps.backend, steps.device, steps.dtype, steps.mode,
            json_extract(steps.params, '$.n') AS n, steps.flops, steps.bytes,
            round(steps.untraced_ns / 1000, 3) AS untraced_us, round(steps.traced_ns / 1000, 3) AS traced_us,
            round(steps.kernel_ns / 1000, 3) AS kernel_us, round(steps.overhead_ns / 1000, 3) AS overhead_us,
            steps.tflops, steps.gbps, steps.roof_share, steps.limited_by
        FROM steps JOIN runs ON runs.id = steps.run LEFT JOIN machines ON machines.id = runs.machine
        WHERE steps.status = 'done'""",
    "kernel_times": """
        SELECT runs.id AS run, runs.scenario, runs.started_at, steps.label, ops.op, kernels.kernel,
            kernels.instances, kernels.total_ns, kernels.median_ns, kernels.share, kernels.launches
        FROM kernels JOIN ops ON ops.id = kernels.op JOIN steps ON steps.id = ops.step
            JOIN runs ON runs.id = steps.run""",
}

_BASELINE_RATIOS = """
    SELECT runs.id AS run, runs.scenario, runs.started_at, steps.label, steps.variant, base.variant AS baseline,
        steps.untraced_ns, base.untraced_ns AS baseline_ns, steps.untraced_ns / base.untraced_ns AS ratio,
        CAST(steps.flops AS REAL) / base.flops AS flops_ratio, CAST(steps.bytes AS REAL) / base.bytes AS bytes_ratio
    FROM steps JOIN runs ON runs.id = steps.run
        JOIN steps AS base ON base.run = steps.run AND base.variant = runs.baseline
            AND base.backend = steps.backend AND base.device = steps.device AND base.dtype = steps.dtype
            AND base.params = steps.params
    WHERE steps.variant <> base.variant AND steps.untraced_ns IS NOT NULL AND base.untraced_ns IS NOT NULL"""


@STORE_MIGRATIONS()
def m001_tables(db: Database) -> None:
    """Runs with their steps, ops, kernels and reps; machines; tags."""
    for statement in _FIRST_TABLES:
        db.execute(statement)


@STORE_MIGRATIONS()
def m002_views(db: Database) -> None:
    """What a person wants to look at, joined."""
    for name, select in _FIRST_VIEWS.items():
        db.create_view(name, select)


@STORE_MIGRATIONS()
def m003_history(db: Database) -> None:
    """A step through all runs is found by its key; variants are held against the scenario's baseline."""
    db.execute("CREATE INDEX steps_by_key ON steps(key)")
    db.create_view("baseline_ratios", _BASELINE_RATIOS)
