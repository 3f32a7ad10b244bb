from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from flopprof.scenarios.language.schema import Reps
from flopprof.scenarios.operations.ops import (
    DeviceToHost,
    Function,
    HostToDevice,
    Matmul,
    Matvec,
    Op,
    Outer,
    Sum,
    op_from_json,
    op_to_json,
)
from flopprof.scenarios.plan.expansion import Plan, expand_plan
from flopprof.scenarios.plan.load import list_scenarios, load_scenario
from flopprof.scenarios.plan.step import Step, step_key
from hypothesis import given
from hypothesis import strategies as st

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
scalars = (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text(max_size=5)
)
shapes = st.lists(st.integers(1, 10**6), min_size=1, max_size=3).map(tuple)
functions = st.builds(
    Function,
    function=st.builds("{}:{}".format, names, names),
    inputs=st.dictionaries(names, shapes, max_size=3).map(lambda d: tuple(d.items())),
    args=st.dictionaries(names, scalars, max_size=3).map(lambda d: tuple(d.items())),
    flops=st.integers(0, 2**63 - 1),
    bytes=st.integers(0, 2**63 - 1),
    check=st.none() | st.just("m:g"),
)
memories = st.sampled_from(["pinned", "pageable"])
ops: st.SearchStrategy[Op] = st.one_of(
    st.builds(Matvec),
    st.builds(Matmul),
    st.builds(Outer, via=st.sampled_from(["matmul", "multiply"])),
    st.builds(Sum, axis=st.integers(0, 1)),
    st.builds(HostToDevice, memory=memories),
    st.builds(DeviceToHost, memory=memories),
    functions,
)
steps = st.builds(
    Step,
    key=st.text("0123456789abcdef", min_size=12, max_size=12),
    variant=names,
    ops=st.lists(ops, min_size=1, max_size=3).map(tuple),
    backend=st.sampled_from(["numpy", "torch", "cupy"]),
    device=st.sampled_from(["cuda", "cpu"]),
    dtype=st.sampled_from(["float16", "bfloat16", "float32", "float64"]),
    mode=st.sampled_from(["eager", "fused", "graph"]),
    params=st.dictionaries(names, st.integers(-(10**9), 10**9), max_size=4),
    reps=st.builds(
        Reps, count=st.integers(1, 10**6), warmup=st.integers(0, 9), max_seconds=st.floats(0.1, 9)
    ),
)


def anywhere(backend: str, device: str) -> None:
    """Every library and device is there."""


def plan_of(tmp_path: Path, text: str, *overrides: str) -> Plan:
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    return expand_plan(load_scenario(path, overrides), anywhere)


def scenario(variants: str, *, sweep: str = "{n: [4]}", rest: str = "") -> str:
    return f"""
name: drawn
variants: {variants}
backends: [numpy]
devices: [cpu]
sweep: {sweep}
{rest}
"""


@given(step=steps)
def test_a_step_survives_json(step: Step):
    assert Step.from_json(json.loads(json.dumps(step.to_json()))) == step


@given(op=ops)
def test_an_op_survives_json(op: Op):
    assert op_from_json(json.loads(json.dumps(op_to_json(op)))) == op


@given(step=steps, seed=st.randoms())
def test_the_order_of_params_does_not_change_the_key(step: Step, seed):
    shuffled = list(step.params.items())
    seed.shuffle(shuffled)
    assert key_of(step, params=dict(shuffled)) == key_of(step)


@given(step=steps)
def test_everything_that_is_computed_changes_the_key(step: Step):
    other = {
        "ops": (*step.ops, Matvec()),
        "backend": step.backend + "x",
        "device": step.device + "x",
        "dtype": step.dtype + "x",
        "mode": step.mode + "x",
        "params": {**step.params, "one_more": 1},
    }
    keys = {key_of(step), *(key_of(step, **{name: value}) for name, value in other.items())}
    assert len(keys) == 7


def key_of(step: Step, **changed) -> str:
    fields = {name: getattr(step, name) for name in ("ops", "backend", "device", "dtype", "mode", "params")}
    return step_key(**{**fields, **changed})


def test_a_key_is_stable_across_versions():
    key = step_key(
        ops=(Outer(), Sum(axis=0)),
        backend="torch",
        device="cuda",
        dtype="float32",
        mode="eager",
        params={"n": 4000},
    )
    assert key == "f5028901f994"


def test_how_a_function_is_accounted_does_not_change_its_key():
    fields = {"function": "m:f", "inputs": (("a", (4, 4)),)}
    plain = Function(**fields, flops=1, bytes=2)
    refined = Function(**fields, flops=3, bytes=4, check="m:g")
    place = {"backend": "numpy", "device": "cpu", "dtype": "float32", "mode": "eager", "params": {}}
    assert step_key(ops=(plain,), **place) == step_key(ops=(refined,), **place)


def test_neither_names_nor_order_nor_place_change_the_keys(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    one = plan_of(tmp_path, scenario("{a: [matvec], b: [outer]}", sweep="{n: [4, 8], m: [2]}"))
    other = plan_of(
        tmp_path / "elsewhere",
        scenario("{y: [{outer: {via: matmul}}], x: {ops: [matvec]}}", sweep="{m: [2], n: [8, 4]}"),
    )
    assert {step.key for step in one.steps} == {step.key for step in other.steps}
    assert len({step.key for step in one.steps}) == 4


def test_the_shipped_experiment_in_the_planned_order():
    plan = expand_plan(
        load_scenario("outer", ["n=1000,2000"]),
        lambda backend, _: "not installed" if backend == "cupy" else None,
    )
    assert (plan.name, plan.baseline) == ("outer", "matvec")
    assert [step.label for step in plan.steps] == [
        f"{variant} {place} float32 n={n}"
        for place in ("torch cuda", "torch cpu", "numpy cpu")
        for n in (1000, 2000)
        for variant in ("matvec", "outer_sum")
    ]
    assert plan.skipped == (
        ("cupy cuda", "not installed"),
        ("cupy cpu", "CuPy computes on CUDA devices only"),
        ("numpy cuda", "NumPy computes on the CPU only"),
    )


def test_an_argument_may_name_a_sweep_variable():
    plan = expand_plan(load_scenario("sum_axes", ["n=4", "backends=numpy", "devices=cpu"]), anywhere)
    assert [(step.ops, step.params) for step in plan.steps] == [
        ((Outer(), Sum(axis=0)), {"n": 4, "axis": 0}),
        ((Outer(), Sum(axis=1)), {"n": 4, "axis": 1}),
    ]
    assert plan.steps[1].label == "outer_sum numpy cpu float32 n=4 axis=1"


def test_a_range_includes_its_end_when_it_hits_it(tmp_path: Path):
    hit = plan_of(tmp_path, scenario("{a: [matvec]}", sweep="{n: {from: 10, to: 30, step: 10}}"))
    missed = plan_of(tmp_path, scenario("{a: [matvec]}", sweep="{n: {from: 10, to: 29, step: 10}}"))
    assert [step.params["n"] for step in hit.steps] == [10, 20, 30]
    assert [step.params["n"] for step in missed.steps] == [10, 20]


def test_m_and_k_are_n_unless_swept(tmp_path: Path):
    (step,) = plan_of(tmp_path, scenario("{a: [matvec]}", sweep="{n: [4], m: [2]}")).steps
    assert step.sizes == {"m": 2, "k": 4, "n": 4}
    assert step.params == {"n": 4, "m": 2}


def test_excluded_steps_leave_no_line(tmp_path: Path):
    text = scenario(
        "{a: [matvec], b: [outer], c: {ops: [outer, sum], mode: fused}}",
        sweep="{n: [4, 8]}",
        rest="exclude: [{variant: a, n: 8}, {mode: fused, backend: numpy}]",
    )
    plan = plan_of(tmp_path, text)
    assert [(step.variant, step.params["n"]) for step in plan.steps] == [("a", 4), ("b", 4), ("b", 8)]
    assert plan.skipped == ()


@pytest.mark.parametrize(
    ("variant", "place", "skipped"),
    [
        ("[matvec]", ("numpy", "cuda", "float32"), ("numpy cuda", "NumPy computes on the CPU only")),
        ("[matvec]", ("cupy", "cpu", "float32"), ("cupy cpu", "CuPy computes on CUDA devices only")),
        ("[matvec]", ("numpy", "cpu", "bfloat16"), ("numpy cpu bfloat16", "bfloat16 runs in torch only")),
        ("[matvec]", ("cupy", "cuda", "bfloat16"), ("cupy cuda bfloat16", "bfloat16 runs in torch only")),
        (
            "{ops: [{outer: {out: reuse}}, sum], mode: fused}",
            ("torch", "cpu", "float32"),
            (
                "v torch cpu",
                "a fused chain is one call whose result is always fresh; out: reuse needs mode eager or graph",
            ),
        ),
        ("{ops: [matvec], mode: fused}", ("numpy", "cpu", "float32"), ("v numpy cpu", "NumPy has no fused mode")),
        ("{ops: [matvec], mode: graph}", ("torch", "cpu", "float32"),
         ("v torch cpu", "CUDA graphs need a CUDA device")),
        ("{ops: [matvec], mode: fused}", ("cupy", "cuda", "float32"),
         ("v cupy cuda", "CuPy fuses outer followed by sum only; other fused chains need torch")),
        ("{ops: [outer], mode: graph}", ("cupy", "cuda", "float32"),
         ("v cupy cuda", "CuPy cannot record matrix products (cuBLAS) in a CUDA graph; "
          "{outer: {via: multiply}} it can")),
        ("[h2d]", ("torch", "cpu", "float32"), ("v torch cpu", "copies between host and device need a CUDA device")),
    ],
)  # fmt: skip
def test_what_cannot_exist_is_skipped_with_one_line(tmp_path: Path, variant, place, skipped):
    backend, device, dtype = place
    overrides = (f"backends={backend}", f"devices={device}", f"dtypes={dtype}", "n=4,8")
    plan = plan_of(tmp_path, scenario(f"{{v: {variant}}}"), *overrides)
    assert (plan.steps, plan.skipped) == ((), (skipped,))


@pytest.mark.parametrize(
    ("variant", "place"),
    [
        ("[matvec]", ("torch", "cpu", "bfloat16")),
        ("{ops: [matvec], mode: fused}", ("torch", "cpu", "float32")),
        ("{ops: [{outer: {via: multiply}}], mode: graph}", ("cupy", "cuda", "float32")),
        ("{ops: [outer, sum], mode: fused}", ("cupy", "cuda", "float16")),
        ("[d2h, h2d]", ("cupy", "cuda", "float32")),
    ],
)
def test_what_exists_is_planned(tmp_path: Path, variant: str, place: tuple[str, str, str]):
    backend, device, dtype = place
    overrides = (f"backends={backend}", f"devices={device}", f"dtypes={dtype}")
    plan = plan_of(tmp_path, scenario(f"{{v: {variant}}}"), *overrides)
    assert ([step.label for step in plan.steps], plan.skipped) == ([f"v {backend} {device} {dtype} n=4"], ())


def test_availability_is_asked_once_for_each_place():
    asked = []
    expand_plan(load_scenario("outer"), lambda backend, device: asked.append((backend, device)))
    assert asked == [("cupy", "cuda"), ("torch", "cuda"), ("torch", "cpu"), ("numpy", "cpu")]


def test_overrides_change_what_they_name():
    overrides = ["n=3,5", "m=2", "reps.count=7", "reps.max_seconds=2", "dtypes=float64", "variants=outer_sum"]
    plan = expand_plan(load_scenario("outer", [*overrides, "backends=numpy", "devices=cpu"]), anywhere)
    assert [(step.variant, step.dtype, step.params) for step in plan.steps] == [
        ("outer_sum", "float64", {"n": 3, "m": 2}),
        ("outer_sum", "float64", {"n": 5, "m": 2}),
    ]
    assert plan.steps[0].reps == Reps(count=7, warmup=10, max_seconds=2.0)
    assert plan.baseline is None  # matvec is not among the chosen variants


def test_an_override_may_be_a_range():
    plan = expand_plan(
        load_scenario("outer", ["n={from: 1, to: 3, step: 1}", "backends=numpy", "variants=matvec"]), anywhere
    )
    assert [step.params["n"] for step in plan.steps] == [1, 2, 3]


def test_an_existing_path_comes_before_a_shipped_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "outer").write_text(scenario("{a: [matvec]}"))
    monkeypatch.chdir(tmp_path)
    assert load_scenario("outer").name == "drawn"


def test_the_seven_shipped_scenarios_are_listed_and_say_what_they_show():
    listed = dict(list_scenarios())
    assert list(listed) == [
        "figures",
        "fused",
        "launch_bound",
        "outer",
        "reuse",
        "smoke",
        "sum_axes",
        "transfers",
    ]
    assert all(listed.values())
    for name in listed:
        loaded = load_scenario(name)
        assert loaded.name == name
        assert expand_plan(loaded, anywhere).steps


def test_shipped_scenarios_are_package_data():
    assert (resources.files("flopprof.scenarios") / "outer.yaml").is_file()


def test_figures_is_the_published_experiment():
    plan = expand_plan(load_scenario("figures"), anywhere)
    assert sorted({step.params["n"] for step in plan.steps}) == list(range(1000, 20001, 500))
    assert {(step.backend, step.device) for step in plan.steps} == {
        ("cupy", "cuda"),
        ("torch", "cuda"),
        ("torch", "cpu"),
    }
    assert {step.reps.count for step in plan.steps} == {1000}
    assert {step.ops for step in plan.steps} == {(Matvec(),), (Outer(), Sum(axis=0)), (Outer(), Sum(axis=1))}
    assert plan.skipped == ()
