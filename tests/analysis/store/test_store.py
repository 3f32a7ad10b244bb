"""The run store: one database, one transaction a run, and the folders beside it."""

from __future__ import annotations

import json
import multiprocessing
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from drawing.report_samples import ALL, cpu_run, gpu_run
from drawing.stored_runs import copy_real_run, put_run, record_sample, with_id
from drawing.tree import DATA, ROOT
from flopprof.analysis.breakdown.rows import WindowTimes
from flopprof.analysis.errors import StoreError
from flopprof.analysis.runs import folder as run_folder
from flopprof.analysis.runs.account import account_run
from flopprof.analysis.runs.lock import hold_folder, is_held
from flopprof.analysis.runs.results import RunResult
from flopprof.analysis.store.cleaning import collect_garbage, remove_run
from flopprof.analysis.store.database import (
    LATEST_MIGRATION,
    forget_runs,
    open_store,
    read_store,
    tag_run,
)
from flopprof.analysis.store.history import read_history
from flopprof.analysis.store.listing import list_runs
from flopprof.analysis.store.migrations import STORE_MIGRATIONS
from flopprof.analysis.store.place import DATABASE, find_store
from flopprof.analysis.store.queries import RunLine, list_rows, read_run
from hypothesis import given
from hypothesis import strategies as st
from running.patience import PATIENCE_SECONDS
from sqlite_utils import Database

TABLES = ("machines", "runs", "steps", "ops", "kernels", "reps", "tags")
FIRST_VERSION = DATA / "store_first_version.sql"


def rows(store: Path, sql: str) -> list[tuple[Any, ...]]:
    with read_store(store) as connection:
        assert connection is not None
        return [tuple(row) for row in connection.execute(sql)]


def counts(store: Path) -> dict[str, int]:
    return {table: rows(store, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def expected_counts(result: RunResult) -> dict[str, int]:
    samples = (len(s.untraced_samples_ns) + len(s.traced_samples_ns) for s in result.steps)
    kernels = sum(len(op.kernels) for op in result.ops)
    rest = {"steps": len(result.steps), "ops": len(result.ops), "kernels": kernels, "reps": sum(samples)}
    return {"machines": 1, "runs": 1, **rest, "tags": 0}


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_step_op_kernel_and_rep_of_a_run_is_a_row(tmp_path: Path, name: str) -> None:
    result = ALL[name]()
    put_run(tmp_path, result)
    assert counts(tmp_path) == expected_counts(result)
    assert rows(tmp_path, "PRAGMA foreign_key_check") == []


def test_steps_come_back_as_they_were(tmp_path: Path) -> None:
    result = gpu_run()
    put_run(tmp_path, result)
    with read_store(tmp_path) as connection:
        assert connection is not None
        found = read_run(connection, result.run.id)
    assert found is not None
    same = ("key", "label", "variant", "params", "status", "reps", "untraced_ns", "traced_ns", "slowdown")
    assert [{k: step[k] for k in same} for step in found["steps"]] == [
        {k: getattr(step, k) for k in same} for step in result.steps
    ]
    assert [step["roof_share"] for step in found["steps"]] == [s.costs.roof_share for s in result.steps]
    assert found["run"]["command"] == result.run.command


def test_layers_of_a_rep_are_the_columns_of_steps_and_ops(tmp_path: Path) -> None:
    result = gpu_run()
    put_run(tmp_path, result)
    names = list(WindowTimes.__dataclass_fields__)
    stored = rows(tmp_path, f"SELECT {', '.join(names)} FROM steps ORDER BY number")
    assert stored == [tuple(getattr(step.per_rep, name) for name in names) for step in result.steps]


@given(samples=st.lists(st.floats(min_value=0, allow_nan=False, allow_infinity=False), max_size=40))
def test_reps_keep_their_values_and_their_order(
    tmp_path_factory: pytest.TempPathFactory, samples: list[float]
) -> None:
    store = tmp_path_factory.mktemp("store")
    result = cpu_run()
    first = replace(result.steps[0], untraced_samples_ns=tuple(samples), traced_samples_ns=())
    put_run(store, replace(result, steps=(first,), ops=()))
    assert [ns for (ns,) in rows(store, "SELECT ns FROM reps ORDER BY number")] == samples


@pytest.mark.parametrize(("flops", "stored"), [(2**63 - 1, 2**63 - 1), (2**63, 2.0**63), (10**400, None)])
def test_whole_numbers_that_sqlite_has_not_are_rounded_or_unknown(
    tmp_path: Path, flops: int, stored: float | None
) -> None:
    result = cpu_run()
    first = replace(result.steps[0], costs=replace(result.steps[0].costs, flops=flops))
    put_run(tmp_path, replace(result, steps=(first,), ops=()))
    assert rows(tmp_path, "SELECT flops FROM steps") == [(stored,)]


def test_writing_a_run_again_replaces_it_and_keeps_its_tags(tmp_path: Path) -> None:
    result = gpu_run()
    put_run(tmp_path, result)
    tag_run(tmp_path, result.run.id, "base")
    put_run(tmp_path, result)
    assert counts(tmp_path) == expected_counts(result) | {"tags": 1}


def test_a_run_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    result = gpu_run()
    put_run(tmp_path, result)
    before = counts(tmp_path), rows(tmp_path, "SELECT * FROM runs")
    broken = with_id(result, "other")
    op = replace(broken.ops[-1], kernels=(replace(broken.ops[-1].kernels[0], kernel=None),))
    with pytest.raises(StoreError, match="NOT NULL"):
        put_run(tmp_path, replace(broken, ops=(*broken.ops[:-1], op)))
    assert (counts(tmp_path), rows(tmp_path, "SELECT * FROM runs")) == before


def test_forgetting_a_run_takes_everything_that_hangs_on_it(tmp_path: Path) -> None:
    result = gpu_run()
    put_run(tmp_path, result)
    tag_run(tmp_path, result.run.id, "base")
    forget_runs(tmp_path, [result.run.id])
    assert set(counts(tmp_path).values()) == {0}


def test_the_database_lets_many_read_and_write_at_once(tmp_path: Path) -> None:
    put_run(tmp_path, cpu_run())
    assert rows(tmp_path, "PRAGMA journal_mode") == [("wal",)]
    with open_store(tmp_path) as database:
        assert database.execute("PRAGMA foreign_keys").fetchone() == (1,)


@pytest.mark.slow
def test_eight_processes_make_one_store_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=record_sample, args=(str(tmp_path / "new"), n)) for n in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE_SECONDS)
    assert [process.exitcode for process in processes] == [0] * 8
    one = expected_counts(gpu_run())
    assert counts(tmp_path / "new") == {table: n * 8 for table, n in one.items()} | {"machines": 1}


def test_views_answer_what_people_ask(tmp_path: Path) -> None:
    result = gpu_run()
    put_run(tmp_path, result)
    assert rows(tmp_path, "SELECT steps, done, failed FROM run_overview") == [
        (len(result.steps), len(result.steps), 0)
    ]
    (ratio,) = rows(
        tmp_path,
        "SELECT ratio, flops_ratio FROM baseline_ratios WHERE label LIKE 'outer_sum cupy%n=20000%'",
    )
    pair = {s.variant: s.untraced_ns for s in result.steps if s.backend == "cupy" and s.params["n"] == 20000}
    assert pair["outer_sum"] is not None and pair["matvec"] is not None
    assert ratio == (pytest.approx(pair["outer_sum"] / pair["matvec"]), 1.0)
    assert rows(tmp_path, "SELECT count(*) FROM kernel_times") == rows(
        tmp_path, "SELECT count(*) FROM kernels"
    )
    assert rows(tmp_path, "SELECT count(*) FROM step_times") == [(len(result.steps),)]


def documented_queries() -> list[str]:
    page = ROOT / "docs" / "store.md"
    if not page.exists():
        return []
    return re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.skipif(not documented_queries(), reason="docs/store.md is not beside these tests (a wheel's)")
def test_documented_queries_have_answers(tmp_path: Path) -> None:
    for number in range(9):
        put_run(tmp_path, with_id(gpu_run(), f"run-{number}", f"2026-01-0{number + 1}T00:00:00+00:00"))
    tag_run(tmp_path, "run-1", "before")
    tag_run(tmp_path, "run-7", "after")
    queries = documented_queries()
    assert len(queries) == 5
    for query in queries:
        assert rows(tmp_path, query), query


# Versions


def fill_first_version(store: Path) -> dict[str, list[tuple[Any, ...]]]:
    """A store as the first version wrote it; its rows."""
    store.mkdir(exist_ok=True)
    connection = sqlite3.connect(store / DATABASE)
    connection.executescript(FIRST_VERSION.read_text(encoding="utf-8"))
    found = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
    connection.close()
    return found


def test_a_store_of_the_first_version_keeps_every_row(tmp_path: Path) -> None:
    before = fill_first_version(tmp_path)
    assert all(before.values())
    with open_store(tmp_path):
        pass
    assert {table: rows(tmp_path, f"SELECT * FROM {table}") for table in TABLES} == before
    assert rows(tmp_path, "SELECT count(*) FROM baseline_ratios")[0][0] > 0


@pytest.mark.parametrize("last", [m.name for m in STORE_MIGRATIONS.pending(Database(memory=True))][1:])
def test_every_earlier_version_is_brought_up_to_date_with_its_rows(tmp_path: Path, last: str) -> None:
    connection = sqlite3.connect(tmp_path / DATABASE)
    STORE_MIGRATIONS.apply(Database(connection), stop_before=last)
    connection.execute(
        "INSERT INTO machines VALUES ('m', 's', 'c', 1, 2, '[]', 'c, 1 cores', '3', '{}', '{}')"
    )
    connection.commit()
    connection.close()
    put_run(tmp_path, gpu_run())
    assert ("m",) in rows(tmp_path, "SELECT id FROM machines")
    assert counts(tmp_path) == expected_counts(gpu_run()) | {"machines": 2}


def test_the_last_migration_is_the_one_that_reading_asks_for() -> None:
    assert [m.name for m in STORE_MIGRATIONS.pending(Database(memory=True))][-1] == LATEST_MIGRATION


def test_a_store_of_a_later_version_is_refused(tmp_path: Path) -> None:
    put_run(tmp_path, cpu_run())
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.execute("INSERT INTO _sqlite_migrations SELECT 99, 'flopprof', 'm999_future', 'now'")
    with pytest.raises(StoreError, match="was written by a later flopprof"):
        list_runs(tmp_path)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    with pytest.raises(StoreError, match="is not a run store"):
        put_run(tmp_path, cpu_run())


def test_a_database_whose_making_was_cut_off_is_made_whole(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / DATABASE)
    STORE_MIGRATIONS.ensure_migrations_table(Database(connection))
    connection.commit()
    connection.close()
    put_run(tmp_path, cpu_run())
    assert counts(tmp_path) == expected_counts(cpu_run())


def test_where_the_database_cannot_be_opened_runs_are_listed_from_their_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copy_real_run(tmp_path)
    (tmp_path / DATABASE).mkdir()
    listing = list_runs(tmp_path)
    assert [(line.id, line.status, line.done, line.steps) for line in listing.runs] == [
        (run.name, "complete", 4, 4)
    ]
    assert len(listing.notes) == 1 and "cannot be opened" in listing.notes[0]


def test_a_damaged_database_is_one_clear_error_and_can_be_made_again(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    list_runs(tmp_path)
    (tmp_path / DATABASE).write_bytes(b"no database at all, not for a moment")
    with pytest.raises(StoreError, match=r"is damaged .*move it away"):
        list_runs(tmp_path)
    (tmp_path / DATABASE).unlink()
    assert [line.id for line in list_runs(tmp_path).runs] == [run.name]


@pytest.mark.parametrize(
    ("word", "damage"),
    [(b"tablestepssteps", b"table" + b"\xff" * 10), (b'{"n":', b"\xff" * 5), (b'{"n":', b"x" * 5)],
    ids=["schema", "text", "JSON"],
)
def test_a_schema_or_a_value_that_is_no_text_any_more_is_the_same_clear_error(
    tmp_path: Path, word: bytes, damage: bytes
) -> None:
    put_run(tmp_path, gpu_run())
    content = (tmp_path / DATABASE).read_bytes()
    assert word in content
    (tmp_path / DATABASE).write_bytes(content.replace(word, damage))
    with pytest.raises(StoreError, match=r"is damaged .*; move it away"):
        read_history(gpu_run().run.scenario, tmp_path)


def test_the_store_is_the_one_chosen_else_the_environments_else_the_default() -> None:
    assert find_store(Path("a"), {"FLOPPROF_STORE": "b"}) == Path("a")
    assert find_store(None, {"FLOPPROF_STORE": "b"}) == Path("b")
    assert find_store(None, {}) == Path("flopprof-runs")


# Folders and rows


def only_run(store: Path) -> RunLine:
    (line,) = list_runs(store).runs
    return line


def set_status(run: Path, status: str) -> None:
    plan = json.loads((run / "plan.json").read_text())
    plan["run"]["status"] = status
    (run / "plan.json").write_text(json.dumps(plan))


def test_a_complete_folder_without_a_row_is_listed_with_its_numbers(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    line = only_run(tmp_path)
    assert (line.id, line.status, line.done, line.steps) == (run.name, "complete", 4, 4)
    result = account_run(run)
    stored = rows(tmp_path, "SELECT key, untraced_ns FROM steps ORDER BY number")
    assert stored == [(step.key, step.untraced_ns) for step in result.steps]


def test_a_killed_run_is_listed_as_interrupted(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    set_status(run, "interrupted")
    shutil.rmtree(run / "shards" / "numpy-cpu")
    line = only_run(tmp_path)
    assert (line.status, line.done, line.steps) == ("interrupted", 0, 4)


def test_a_run_that_was_completed_behind_the_stores_back_is_read_again(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    set_status(run, "interrupted")
    assert only_run(tmp_path).status == "interrupted"
    set_status(run, "complete")
    assert only_run(tmp_path).status == "complete"


def test_a_run_that_is_being_written_is_running_and_has_no_row(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    set_status(run, "interrupted")
    with hold_folder(run):
        assert only_run(tmp_path).status == "running"
    assert not (tmp_path / DATABASE).exists()


def test_a_complete_run_whose_trace_is_damaged_is_not_listed_as_complete(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    (run / "shards" / "numpy-cpu" / "trace.sqlite").write_bytes(b"half a trace")
    assert only_run(tmp_path).status == "damaged"
    with read_store(tmp_path) as connection:
        assert connection is not None
        found = read_run(connection, run.name)
    assert found is not None and "trace.sqlite" in found["run"]["problem"]


def test_a_damaged_run_that_was_mended_is_complete_again(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    trace = run / "shards" / "numpy-cpu" / "trace.sqlite"
    whole = trace.read_bytes()
    for damage in (b"half a trace", whole[: len(whole) // 2]):
        trace.write_bytes(damage)
        assert [only_run(tmp_path).status for _ in range(2)] == ["damaged"] * 2
    trace.write_bytes(whole)
    assert only_run(tmp_path).status == "complete"


def test_a_damaged_run_is_not_read_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = copy_real_run(tmp_path)
    (run / "machine.json").unlink()
    assert only_run(tmp_path).status == "damaged"

    def read(_: Path) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(run_folder, "read_run_folder", read)
    assert only_run(tmp_path).status == "damaged"


def no_reps(run: Path) -> None:
    control = run / "shards" / "numpy-cpu" / "control.json"
    control.write_text(re.sub(r'"reps": \d+', '"reps": 0', control.read_text()))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda run: (run / "ceilings.json").write_text("{"), "ceilings.json"),
        (no_reps, "makes no sense (ZeroDivisionError"),
        (lambda run: (run / "machine.json").write_text("{"), "machine.json"),
        (lambda run: (run / "machine.json").unlink(), "no machine.json"),
        (lambda run: shutil.rmtree(run / "shards"), "4 of its 4 steps are not recorded"),
        (lambda run: (run / "shards/numpy-cpu/trace.sqlite").unlink(), "numpy-cpu has no trace.sqlite"),
    ],
)
def test_one_damaged_run_hides_no_other_and_is_not_complete(
    tmp_path: Path, damage: Callable[[Path], object], words: str
) -> None:
    put_run(tmp_path, gpu_run())
    run = copy_real_run(tmp_path)
    damage(run)
    lines = {line.id: line.status for line in list_runs(tmp_path).runs}
    assert lines == {run.name: "damaged", gpu_run().run.id: "complete"}
    ((problem,),) = rows(tmp_path, "SELECT problem FROM runs WHERE problem IS NOT NULL")
    assert words in problem


def test_a_run_is_listed_though_the_users_ceilings_are_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copy_real_run(tmp_path / "store")
    (tmp_path / "ceilings.json").write_text("{")
    monkeypatch.setenv("FLOPPROF_CEILINGS", str(tmp_path / "ceilings.json"))
    listing = list_runs(tmp_path / "store")
    assert [(line.id, line.status) for line in listing.runs] == [(run.name, "complete")]
    assert "ceilings.json" in listing.notes[0]


def test_a_folder_that_is_gone_is_missing_until_gc_forgets_it(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    only_run(tmp_path)
    shutil.rmtree(run)
    assert only_run(tmp_path).status == "missing"
    assert collect_garbage(tmp_path) == [f"forgot {run.name}: its folder {run} is gone"]
    assert list_runs(tmp_path).runs == ()


def test_a_copied_folder_is_not_a_second_run(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    only_run(tmp_path)
    shutil.copytree(run, tmp_path / "zcopy")
    listing = list_runs(tmp_path)
    assert [line.folder for line in listing.runs] == [run.name]
    assert listing.notes == (f"{tmp_path / 'zcopy'}: is a copy of the run in {run}; only that one is listed",)


def test_a_renamed_folder_is_the_same_run(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    only_run(tmp_path)
    run.rename(tmp_path / "renamed")
    line = only_run(tmp_path)
    assert (line.id, line.folder, line.status) == (run.name, "renamed", "complete")


def test_other_folders_in_the_store_are_nobodys_business(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").touch()
    assert list_runs(tmp_path).runs == ()
    assert collect_garbage(tmp_path) == []
    assert (tmp_path / "thesis" / "thesis.tex").exists()


def test_removing_a_run_removes_folder_and_rows(tmp_path: Path) -> None:
    copy_real_run(tmp_path)
    remove_run(tmp_path, only_run(tmp_path))
    assert list_runs(tmp_path).runs == ()
    assert [entry.name for entry in tmp_path.iterdir() if not entry.name.startswith(DATABASE)] == []


def test_a_run_that_is_being_written_is_not_removed(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    line = only_run(tmp_path)
    with hold_folder(run), pytest.raises(StoreError, match="is being written"):
        remove_run(tmp_path, line)
    assert only_run(tmp_path).status == "complete"


def test_gc_removes_what_killed_processes_left_and_nothing_else(tmp_path: Path) -> None:
    run = copy_real_run(tmp_path)
    (run / ".staging-1").mkdir()
    (tmp_path / ".removed-x").mkdir()
    (tmp_path / ".import-1-x").mkdir()
    (tmp_path / "begun" / "shards").mkdir(parents=True)
    told = collect_garbage(tmp_path)
    assert [line.split(":")[1].strip() for line in told] == [
        "an import that was not finished",
        "a removal that was not finished",
        "a run that was killed before it began",
        "raw recordings of a run that was killed",
    ]
    assert {entry.name for entry in tmp_path.iterdir() if not entry.name.startswith(DATABASE)} == {run.name}
    assert only_run(tmp_path).status == "complete"


def test_gc_holds_the_run_that_it_removes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "begun" / "shards").mkdir(parents=True)
    (tmp_path / "killed" / ".staging-1").mkdir(parents=True)
    held: dict[str, bool] = {}

    def remove(path: Path, **_: object) -> None:
        held[path.name] = is_held(path if path.name == "begun" else path.parent)

    monkeypatch.setattr(shutil, "rmtree", remove)
    assert len(collect_garbage(tmp_path)) == 2
    assert held == {"begun": True, ".staging-1": True}


def test_an_import_that_is_going_on_is_not_garbage(tmp_path: Path) -> None:
    work = tmp_path / ".import-1-x"
    work.mkdir()
    with hold_folder(work):
        assert collect_garbage(tmp_path) == []
    assert work.is_dir()


def test_rows_are_listed_for_one_scenario_the_latest_first(tmp_path: Path) -> None:
    for number in (2, 1, 3):
        put_run(tmp_path, with_id(cpu_run(), f"run-{number}", f"2026-01-0{number}T00:00:00+00:00"))
    with read_store(tmp_path) as connection:
        assert connection is not None
        assert [line.id for line in list_rows(connection, cpu_run().run.scenario)] == [
            "run-3",
            "run-2",
            "run-1",
        ]
        assert list_rows(connection, "another") == []
