"""A step through the runs of a store, and the run from which on it changed."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing.report_samples import cpu_run, uncontrolled_run
from drawing.stored_runs import put_run, with_id
from flopprof.analysis.arithmetic.change_point import FEWEST_VALUES, find_change, mid_ranks, split_statistics
from flopprof.analysis.errors import UnknownRun
from flopprof.analysis.runs.results import RunResult
from flopprof.analysis.store.history import StepSeries, read_history
from flopprof.reports.kept.history import history_figure, history_to_json, show_history
from flopprof.reports.kept.history_plot import draw_history
from hypothesis import given
from hypothesis import strategies as st
from running.commands import run_here

# The point of change


def test_the_statistic_is_pettitts() -> None:
    """U(t) counted pair by pair, as the paper defines it: the sum of sgn(x(i) − x(j)) over i ≤ t < j."""
    values = [5.0, 3.0, 4.0, 4.0, 8.0, 9.0, 7.0, 4.0, 9.5, 2.0]
    sums = [
        abs(sum((a > b) - (a < b) for a in values[:t] for b in values[t:])) for t in range(1, len(values))
    ]
    found = split_statistics(mid_ranks(np.asarray(values))[np.newaxis, :])[0]
    assert np.abs(found).tolist() == sums


def clearest_p(n: int) -> float:
    """Of n values, n even: their smaller half comes first, or last, in two of C(n, n/2) orders."""
    return 2 / math.comb(n, n // 2)


@pytest.mark.parametrize("n", [8, 10, 12])
def test_the_clearest_change_has_the_p_value_that_counting_gives(n: int) -> None:
    change = find_change([float(i >= n // 2) + i / 1000 for i in range(n)])
    assert change is not None
    assert change.p == pytest.approx(clearest_p(n), rel=0.35)


def test_too_few_values_have_no_change() -> None:
    assert find_change([1.0] * 3 + [2.0] * (FEWEST_VALUES - 4)) is None
    assert clearest_p(FEWEST_VALUES - 2) > 0.05 > clearest_p(FEWEST_VALUES)


def test_values_that_are_all_equal_have_no_change() -> None:
    change = find_change([3.0] * 20)
    assert change is not None
    assert (change.p, change.ratio) == (1.0, 1.0)


def test_one_outlier_is_no_change() -> None:
    change = find_change([10.0, 10.1, 9.9, 10.05, 99.0, 10.02, 9.95, 10.08, 9.97, 10.01])
    assert change is not None
    assert change.p > 0.5


@given(
    values=st.lists(st.integers(1, 1000), min_size=8, max_size=30), scale=st.sampled_from([0.5, 2.0, 1024.0])
)
def test_the_unit_does_not_matter(values: list[int], scale: float) -> None:
    plain, scaled = find_change([float(v) for v in values]), find_change([v * scale for v in values])
    assert plain is not None and scaled is not None
    assert (plain.index, plain.p) == (scaled.index, scaled.p)
    assert plain.ratio == pytest.approx(scaled.ratio)


@given(values=st.lists(st.integers(1, 1000), min_size=8, max_size=30, unique=True))
def test_read_backwards_a_change_is_as_likely(values: list[int]) -> None:
    there, back = find_change([float(v) for v in values]), find_change([float(v) for v in values[::-1]])
    assert there is not None and back is not None
    assert back.p == pytest.approx(there.p, abs=0.03)


def test_without_a_change_one_in_twenty_is_named_at_five_percent() -> None:
    """200 series of 12 independent times: 5 % ± 3.4 standard errors are under 5 %."""
    draw = random.Random(1)
    found = [find_change([draw.lognormvariate(0, 0.1) for _ in range(12)]) for _ in range(200)]
    named = sum(change is not None and change.p < 0.05 for change in found)
    assert 1 <= named <= 20


@pytest.mark.parametrize(("runs", "at"), [(20, 10), (20, 5), (20, 14), (12, 8), (40, 30)])
def test_a_change_of_ten_percent_in_noise_of_two_is_found_where_it_is(runs: int, at: int) -> None:
    draw = random.Random(2)
    hits = 0
    for _ in range(50):
        change = find_change([draw.gauss(1.0 if i < at else 1.1, 0.02) for i in range(runs)])
        assert change is not None
        hits += change.p < 0.05 and change.index == at
    assert hits >= 45


def test_a_change_is_named_at_its_run_and_not_nearer_to_the_middle() -> None:
    """The last run before it was the slowest so far: by ranks, the clearest split is before that one."""
    change = find_change([100, 101, 99, 100, 101, 99, 100, 101, 99, 100, 101, 102, *[130, 131, 129, 130] * 2])
    assert change is not None
    assert change.index == 12


@pytest.mark.parametrize("outlier", range(20))
def test_one_outlier_does_not_move_a_change(outlier: int) -> None:
    values = [10 + i * 7 % 5 / 100 + 2 * (i >= 14) for i in range(20)]
    values[outlier] = 99.0
    change = find_change(values)
    assert change is not None
    # One just before the change may be counted to what comes after it, with what lies between.
    assert change.index == (outlier if outlier in (12, 13) else 14)


# Series of a store


def day(number: int, slower: float = 1.0, versions: dict[str, str] | None = None) -> RunResult:
    """The sample run of a day; the variant outer_sum takes ``slower`` times as long."""
    result = with_id(cpu_run(), f"run-{number:02}", f"2026-01-{number:02}T00:00:00+00:00")
    wobble = 1 + 0.001 * (number * 7 % 5)
    steps = tuple(
        replace(
            step,
            untraced_ns=(step.untraced_ns or 0) * wobble * (slower if step.variant == "outer_sum" else 1),
        )
        for step in result.steps
    )
    machine = result.machine.model_copy(update={"versions": {**result.machine.versions, **(versions or {})}})
    return replace(result, steps=steps, machine=machine)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Twenty days; from the twelfth on, with another NumPy, outer_sum takes 1.3 times as long."""
    for number in range(1, 21):
        put_run(tmp_path / "store", day(number, 1.3, {"numpy": "9.9"}) if number >= 12 else day(number))
    return tmp_path / "store"


def scenario() -> str:
    return cpu_run().run.scenario


def by_variant(series: list[StepSeries]) -> dict[str, list[StepSeries]]:
    return {name: [one for one in series if one.variant == name] for name in ("matvec", "outer_sum")}


def test_the_change_is_named_with_its_run_its_size_and_what_changed_with_it(store: Path) -> None:
    series = by_variant(read_history(scenario(), store))
    assert not [one for one in series["matvec"] if one.is_changed]
    for one in series["outer_sum"]:
        assert one.change is not None and one.is_changed
        assert one.points[one.change.index].run == "run-12"
        assert one.change.ratio == pytest.approx(1.3, rel=0.01)
        before = cpu_run().machine.versions.get("numpy", "none")
        assert one.changed_with == (f"numpy {before} → 9.9",)


def test_a_change_too_small_to_matter_is_not_named(tmp_path: Path) -> None:
    for number in range(1, 21):
        put_run(tmp_path, day(number, 1.015 if number >= 12 else 1.0))
    for one in by_variant(read_history(scenario(), tmp_path))["outer_sum"]:
        assert one.p is not None and one.p < 0.05
        assert not one.is_changed


def test_other_hardware_is_another_series(store: Path) -> None:
    other = with_id(cpu_run(), "elsewhere", "2026-01-30T00:00:00+00:00")
    put_run(store, replace(other, machine=other.machine.model_copy(update={"cores": 999})))
    series = read_history(scenario(), store)
    assert {len(one.points) for one in series if "999 cores" in one.hardware} == {1}
    assert {len(one.points) for one in series if "999 cores" not in one.hardware} == {20}


def test_without_untraced_times_traced_ones_are_shown_as_such(tmp_path: Path) -> None:
    put_run(tmp_path, uncontrolled_run())
    series = read_history(uncontrolled_run().run.scenario, tmp_path)
    assert {one.timed_by for one in series} == {"traced"}
    assert [one.points[0].ns for one in series] == [step.traced_ns for step in uncontrolled_run().steps]


@pytest.mark.parametrize(
    "step", ["variant=outer_sum,n=4000", "variant=outer*,n=4000", "outer_sum*n=4000", None]
)
def test_steps_are_chosen_by_key_by_names_or_by_label(store: Path, step: str | None) -> None:
    (wanted,) = [s for s in cpu_run().steps if s.variant == "outer_sum" and s.params["n"] == 4000]
    (series,) = read_history(scenario(), store, step or wanted.key)
    assert series.key == wanted.key


def test_a_scenario_or_a_step_without_runs_is_one_clear_error(store: Path) -> None:
    with pytest.raises(
        UnknownRun, match=f"fused: no run of it in the store .*; there are runs of: {scenario()}"
    ):
        read_history("fused", store)
    with pytest.raises(UnknownRun, match=r"n=3: no step of .* is meant by it; its steps are called like"):
        read_history(scenario(), store, "n=3")


def test_the_text_says_where_and_how_much(store: Path) -> None:
    text = show_history(scenario(), read_history(scenario(), store, "variant=outer_sum,n=4000"))
    assert "20 runs" in text.splitlines()[0]
    assert "1.30× slower from run-12 (2026-01-12T00:00:00+00:00) on" in text
    assert "changed with it: numpy" in text


def test_a_store_without_changes_says_so(tmp_path: Path) -> None:
    for number in range(1, 10):
        put_run(tmp_path, day(number))
    text = show_history(scenario(), read_history(scenario(), tmp_path))
    assert "no step changed (Pettitt's test" in text
    assert "looked for" not in text


def test_few_runs_are_not_looked_at(tmp_path: Path) -> None:
    put_run(tmp_path, day(1))
    text = show_history(scenario(), read_history(scenario(), tmp_path))
    assert "no change is looked for: that needs 8 runs of a step" in text


def test_the_json_has_every_point_and_the_change(store: Path) -> None:
    (plain,) = history_to_json(scenario(), read_history(scenario(), store, "variant=outer_sum,n=4000"))[
        "steps"
    ]
    assert [point["run"] for point in plain["points"]] == [f"run-{n:02}" for n in range(1, 21)]
    assert (plain["change"]["run"], plain["change"]["is_named"]) == ("run-12", True)


def test_the_picture_has_every_run_and_marks_the_change(store: Path) -> None:
    series = read_history(scenario(), store, "n=4000")
    (panel,) = history_figure(scenario(), series).panels
    assert [(line.label, line.x) for line in panel.series] == [
        (name, tuple(float(number) for number in range(1, 21))) for name in ("matvec", "outer_sum")
    ]
    unmarked = [replace(one, change=None) for one in series]
    marked = draw_history(scenario(), series)
    assert marked.startswith(b"\x89PNG")
    assert marked == draw_history(scenario(), series) != draw_history(scenario(), unmarked)


def test_on_the_command_line_history_is_text_and_picture(store: Path, tmp_path: Path) -> None:
    arguments = ["history", scenario(), "--store", str(store), "--step", "n=4000", "--png", "h.png"]
    out, _ = run_here(*arguments, folder=tmp_path)
    assert "1.30× slower from run-12" in out
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")
