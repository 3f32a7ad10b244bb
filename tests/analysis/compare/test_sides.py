from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from drawing.comparison_drawings import draw_run, draw_samples, draw_step
from flopprof.analysis.breakdown.rows import WindowTimes
from flopprof.analysis.compare.comparability import find_pair_differences, refuse_caveats
from flopprof.analysis.compare.compare import compare_by, compare_runs, compare_sides
from flopprof.analysis.compare.sides import Side, parse_side, select_things, side_of_run
from flopprof.analysis.errors import CompareError
from flopprof.analysis.runs.results import RunResult
from flopprof.reports.comparison.undecided import describe_undecided


def draw_sides(folder: str = "runs/r1") -> Side:
    """Two variants, two backends, two axes; a variant's eager and fused form compute the same."""
    steps = [
        draw_step(
            f"{variant}-{backend}-{axis}",
            ns,
            variant=variant,
            backend=backend,
            mode="fused" if variant == "fused" else "eager",
            ops=("matvec",) if variant == "matvec" else ("outer", f"sum axis={axis}"),
            params={"n": 1000, "axis": axis},
        )
        for backend in ("cupy", "torch")
        for axis in (0, 1)
        for variant, ns in (("matvec", 100.0), ("outer_sum", 200.0), ("fused", 50.0))
    ]
    return side_of_run(draw_run(*steps, folder=folder))


def compare_selected(a: dict[str, str], b: dict[str, str]) -> list[tuple[str, str]]:
    sides = select_things(draw_sides(), a), select_things(draw_sides("runs/r2"), b)
    return [(pair.a.key, pair.b.key) for pair in compare_sides(*sides).pairs]


def test_steps_that_were_selected_to_differ_join_on_the_rest():
    assert compare_selected(
        {"backend": "cupy", "variant": "matvec"}, {"backend": "torch", "variant": "matvec"}
    ) == [
        ("matvec-cupy-0", "matvec-torch-0"),
        ("matvec-cupy-1", "matvec-torch-1"),
    ]


def test_a_selected_variant_brings_its_mode_along():
    assert compare_selected({"variant": "outer_sum", "axis": "0"}, {"variant": "fused"}) == [
        ("outer_sum-cupy-0", "fused-cupy-0"),
        ("outer_sum-torch-0", "fused-torch-0"),
    ]


def test_a_selection_on_one_side_leaves_the_join_on_keys():
    assert compare_selected({"backend": "cupy", "variant": "matvec"}, {}) == [
        ("matvec-cupy-0", "matvec-cupy-0"),
        ("matvec-cupy-1", "matvec-cupy-1"),
    ]


def test_selecting_two_modes_pairs_what_computes_the_same():
    assert compare_selected({"mode": "eager", "axis": "0"}, {"mode": "fused", "axis": "0"}) == [
        ("outer_sum-cupy-0", "fused-cupy-0"),
        ("outer_sum-torch-0", "fused-torch-0"),
    ]


def test_comparing_by_mode_pairs_what_computes_the_same():
    comparison = compare_by(select_things(draw_sides(), {"axis": "1"}), "mode")
    assert [(pair.a.key, pair.b.key, pair.value_a, pair.value_b) for pair in comparison.pairs] == [
        ("outer_sum-cupy-1", "fused-cupy-1", "eager", "fused"),
        ("outer_sum-torch-1", "fused-torch-1", "eager", "fused"),
    ]


def test_a_name_that_looks_like_a_pattern_is_a_name_where_there_is_one():
    things = draw_sides().things[:3]
    named = [replace(t, names={"range": n}) for t, n in zip(things, ("layer[0]", "layer0", "*"), strict=True)]
    side = replace(draw_sides(), things=tuple(named))

    def selected(pattern: str) -> list[str]:
        return [thing.names["range"] for thing in select_things(side, {"range": pattern}).things]

    assert selected("layer[0]") == ["layer[0]"]
    assert selected("*") == ["*"]
    assert selected("layer[01]") == ["layer0"]
    assert selected("l*") == ["layer[0]", "layer0"]


def test_a_selection_may_be_a_pattern():
    side = select_things(draw_sides(), {"variant": "*u*", "backend": "torch", "axis": "1"})
    assert [thing.key for thing in side.things] == ["outer_sum-torch-1", "fused-torch-1"]


def test_a_selection_of_nothing_names_what_there_is():
    with pytest.raises(CompareError, match=r"runs/r1: nothing matches backend=jax; backend is cupy, torch$"):
        select_things(draw_sides(), {"backend": "jax"})
    with pytest.raises(
        CompareError, match="runs/r1: nothing is called by 'size'; try variant, backend, device, dtype"
    ):
        select_things(draw_sides(), {"size": "1"})


def test_sides_without_a_common_step_say_how_to_select():
    sides = (
        select_things(draw_sides(), {"axis": "0"}),
        select_things(draw_sides(), {"axis": "1", "variant": "fused"}),
    )
    other = replace(sides[1], selection={})
    with pytest.raises(
        CompareError, match=r"no measured step in common: .*; to compare different steps, select them"
    ):
        compare_sides(sides[0], other)


def test_a_map_is_for_traces():
    with pytest.raises(CompareError, match="--map renames the ranges of traces"):
        compare_sides(draw_sides(), draw_sides(), maps=["a=b"])


def test_an_existing_path_wins_over_a_selection(tmp_path: Path):
    odd, plain = tmp_path / "run:n=1000", tmp_path / "run"
    plain.mkdir()
    assert parse_side(f"{plain}:n=1000,axis=0").selection == {"n": "1000", "axis": "0"}
    odd.mkdir()
    side = parse_side(str(odd))
    assert (side.path, side.selection) == (odd, {})


@pytest.mark.parametrize("name", ["aten::sum", "point n=1000 axis=0", "std::plus<>: a=b"])
def test_ranges_whose_names_have_colons_and_signs_can_be_selected(name: str, tmp_path: Path):
    side = parse_side(f"{tmp_path}:n=1000,range={name}")
    assert (side.path, side.selection) == (tmp_path, {"n": "1000", "range": name})


def test_a_name_that_is_selected_twice_is_no_selection(tmp_path: Path):
    with pytest.raises(CompareError, match=r"axis is selected twice.*axis=\[01\]"):
        parse_side(f"{tmp_path}:axis=0,n=1000,axis=1")


def test_a_run_may_be_named_by_a_store(tmp_path: Path):
    known = {"nightly": tmp_path}
    side = parse_side("nightly:variant=matvec", known.get)
    assert (side.path, side.selection) == (tmp_path, {"variant": "matvec"})
    with pytest.raises(CompareError, match="weekly: no such run or trace"):
        parse_side("weekly", known.get)


@pytest.mark.parametrize("text", ["", ":", "run:", "run:n", "run:n=1,", "run:n=1,,m=2"])
def test_what_names_no_side_is_one_line(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    with pytest.raises(CompareError) as caught:
        parse_side(text)
    assert "\n" not in str(caught.value)


def draw_noisy(ratios: dict[str, tuple[float, float]]) -> RunResult:
    """A run whose steps took so many times 1 µs untraced and traced."""
    return draw_run(
        *(
            draw_step(
                key,
                1000.0,
                untraced_samples_ns=draw_samples(
                    1000.0 * untraced, seed=sum(key.encode()) + 7 * round(1e6 * untraced)
                ),
                traced_samples_ns=draw_samples(
                    1500.0 * traced, seed=sum(key.encode()) + 9 * round(1e6 * traced)
                ),
            )
            for key, (untraced, traced) in ratios.items()
        )
    )


def judge_changes(ratios: dict[str, tuple[float, float]]) -> dict[str, str]:
    """Verdicts of a run against one in which every pass changed so."""
    before = draw_noisy(dict.fromkeys(ratios, (1.0, 1.0)))
    return {pair.a.key: pair.verdict for pair in compare_runs(before, draw_noisy(ratios)).pairs}


def test_a_change_that_both_processes_of_a_run_show_is_decided():
    assert judge_changes({f"s{n}": (1.10, 1.10) for n in range(6)}) == dict.fromkeys(
        [f"s{n}" for n in range(6)], "slower"
    )


def test_a_change_that_only_the_untraced_process_shows_is_unsure():
    changes = {f"s{n}": (1.0, 1.0) for n in range(6)} | {"odd": (1.10, 1.0)}
    verdicts = judge_changes(changes)
    assert verdicts.pop("odd") == "unsure"
    assert set(verdicts.values()) == {"same"}


def test_a_change_that_the_price_of_tracing_hides_is_unsure():
    """The limit that docs/honesty.md names: 10 to 20 µs untraced, 30 to 40 µs traced."""
    assert set(judge_changes({f"s{n}": (2.0, 4 / 3) for n in range(6)}).values()) == {"unsure"}


def test_where_processes_differ_much_a_small_change_is_unsure():
    changes = {
        f"s{n}": (1.0 + sign * 0.04, 1.0 - sign * 0.04) for n, sign in enumerate((1, -1, 1, -1, 1, -1))
    }
    assert set(judge_changes(changes | {"changed": (1.06, 1.06)}).values()) == {"unsure"}


def draw_hosts(host: float) -> RunResult:
    """Four steps whose device works all the time, and four that wait for a host of this pace untraced."""
    working = [
        draw_step(f"large{n}", 1000.0, **_times(f"large{n}", 1000.0, 1500.0), per_rep=_busy(1000.0))
        for n in range(4)
    ]
    waiting = [
        draw_step(
            f"small{n}", 1000.0 * host, **_times(f"small{n}", 1000.0 * host, 1500.0), per_rep=_busy(200.0)
        )
        for n in range(4)
    ]
    return draw_run(*working, *waiting)


def _times(key: str, untraced_ns: float, traced_ns: float) -> dict[str, object]:
    seed = sum(key.encode())
    return {
        "untraced_ns": untraced_ns,
        "untraced_samples_ns": draw_samples(untraced_ns, seed=seed + round(untraced_ns)),
        "traced_samples_ns": draw_samples(traced_ns, seed=seed),
    }


def _busy(ns: float) -> WindowTimes | None:
    drawn = draw_step("one", 1000.0).per_rep
    return None if drawn is None else replace(drawn, busy_ns=ns)


def test_a_slow_host_of_one_process_is_no_change_and_blurs_no_step_whose_device_works():
    """Two recordings of one scenario on an H200: matvec 21.4 and 16.0 µs at N = 1000, 89.1 and 89.1 µs at 8000."""
    comparison = compare_runs(draw_hosts(1.4), draw_hosts(1.0))
    verdicts = {pair.label: pair.verdict for pair in comparison.pairs}
    assert {pair.a.key: pair.verdict for pair in comparison.pairs} == {
        f"{size}{n}": verdict for size, verdict in (("large", "same"), ("small", "unsure")) for n in range(4)
    }, verdicts
    assert {pair.between_runs_hides for pair in comparison.pairs if pair.verdict == "unsure"} == {True}
    sentences = describe_undecided(comparison.pairs)
    assert len(sentences) == 3
    assert all(
        said.endswith("its runs differ by so much from one to the next that more samples would not decide.")
        for said in sentences
    )


def test_the_noise_between_runs_is_said():
    before = draw_noisy({f"s{n}": (1.0, 1.0) for n in range(4)})
    after = draw_noisy({f"s{n}": (1.05, 1.0) for n in range(4)})
    (caveat,) = compare_runs(before, after).comparable
    assert caveat.code == "noise"
    assert "(median 5.1 %)" in caveat.message


def test_reps_that_were_slower_without_the_recorder_are_a_warning():
    slow = draw_step(
        "s", 1000.0, untraced_samples_ns=draw_samples(2000.0), traced_samples_ns=draw_samples(1500.0)
    )
    comparison = compare_runs(draw_run(slow), draw_run(slow))
    assert [(caveat.code, caveat.severity) for caveat in comparison.comparable] == [
        ("unsteady", "warning"),
        ("identical", "info"),
    ]
    with pytest.raises(CompareError, match="not comparable: reps were slower untraced than traced"):
        refuse_caveats(comparison.comparable)


@pytest.mark.parametrize(("reps", "severity"), [((50, 99), "info"), ((50, 101), "warning")])
def test_strict_refuses_more_than_twice_the_reps(reps: tuple[int, int], severity: str):
    sides = [draw_run(draw_step("s", 1000.0, reps=count)) for count in reps]
    (caveat,) = compare_runs(*sides).comparable
    assert (caveat.code, caveat.severity) == ("reps", severity)


def test_strict_refuses_ranges_of_other_dtypes_but_not_steps_that_were_selected_so():
    thing = side_of_run(draw_run(draw_step("s", 1000.0))).things[0]
    half, single = (
        replace(thing, names={"range": "step", "dtype": dtype}) for dtype in ("float16", "float32")
    )
    (caveat,) = find_pair_differences([(half, single, "step")])
    assert (caveat.code, caveat.severity) == ("dtype", "warning")
    run = draw_run(*(draw_step(dtype, 1000.0, dtype=dtype) for dtype in ("float16", "float32")))
    assert [caveat.severity for caveat in compare_by(run, "dtype").comparable] == ["info", "info"]


def test_two_steps_of_one_run_may_pay_tracing_differently():
    run = draw_noisy({"a": (1.0, 1.0), "b": (1.0, 1.0)})
    fast, slow = run.steps
    steps = (
        replace(fast, params={"axis": 0}),
        replace(slow, params={"axis": 1}, untraced_samples_ns=draw_samples(1100.0)),
    )
    assert compare_by(replace(run, steps=steps), "axis").pairs[0].verdict == "slower"
