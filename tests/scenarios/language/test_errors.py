"""What is wrong with a scenario is said in one line, with its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flopprof.scenarios.errors import ScenarioError
from flopprof.scenarios.plan.load import load_scenario

GOOD = """\
name: good
about: A scenario to spoil.
variants:
  matvec:    [matvec]
  outer_sum: [outer, {sum: {axis: 0}}]
backends: [torch, numpy]
devices:  [cuda, cpu]
dtypes:   [float32]
sweep:    {n: [4, 8]}
reps:     {count: 10, warmup: 2}
baseline: matvec
"""
FUNCTION = "[{function: 'm:f', inputs: {a: [n, n]}, flops: '2*n', bytes: 'n**2'}]"


@pytest.fixture
def problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a scenario, load it, and return the one line of its error."""
    monkeypatch.chdir(tmp_path)

    def load(text: str | bytes, *overrides: str) -> str:
        Path("s.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ScenarioError) as caught:
            load_scenario("s.yaml", overrides)
        line = str(caught.value)
        assert "\n" not in line
        return line

    return load


def test_the_unspoiled_scenario_loads(tmp_path: Path):
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    assert load_scenario(path).name == "good"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("count: 10", "count: 0", "10: reps.count must be at least 1, got 0"),
        ("count: 10", "count: ten", "10: reps.count must be a whole number, got ten"),
        ("count: 10", "count: 1.5", "10: reps.count must be a whole number, got 1.5"),
        ("count: 10", "count: true", "10: reps.count must be a whole number, got True"),
        ("warmup: 2", "max_seconds: 0", "10: reps.max_seconds must be over 0, got 0"),
        ("warmup: 2", "max_seconds: .nan", "10: reps.max_seconds must be a finite number, got nan"),
        ("reps:", "repz:", "10: unknown key 'repz'; did you mean reps?"),
        ("warmup", "warmpu", "10: unknown key 'reps.warmpu'; did you mean warmup?"),
        ("{count: 10, warmup: 2}", "5", "10: reps must be a mapping, got 5"),
        ("[matvec]", "[matvek]",
         "4: variants.matvec[0] names the unknown operation 'matvek'; did you mean matvec?"),
        ("[matvec]", "[]", "4: variants.matvec.ops must not be empty"),
        ("[matvec]", "matvec", "4: variants.matvec must be a mapping, got matvec"),
        ("[matvec]", "{ops: [matvec], mod: fused}", "4: unknown key 'variants.matvec.mod'; did you mean mode?"),
        ("[matvec]", "{ops: [matvec], mode: fast}",
         "4: variants.matvec.mode must be eager, fused or graph, got fast"),
        ("[matvec]", "{ops: [h2d], mode: graph}", "4: variants.matvec.ops[0]: h2d runs in eager mode only"),
        ("[matvec]", "[matvec, matvec]", "4: variants.matvec[1]: matvec takes 4×4, but matvec gives 4×1"),
        ("[matvec]", "[sum, sum]", "4: variants.matvec[1]: sum takes 4×4, but sum gives 4 elements"),
        ("[matvec]", "[d2h, sum]", "4: variants.matvec[1]: sum cannot follow d2h, whose result is on the host"),
        ("[matvec]", "[outer, h2d]",
         "4: variants.matvec[1]: h2d cannot follow outer, whose result is on the device already"),
        ("axis: 0", "axis: 2", "5: variants.outer_sum[1].sum.axis must be 0 or 1, got 2"),
        ("axis: 0", "axes: 0", "5: unknown key 'variants.outer_sum[1].sum.axes'; did you mean axis?"),
        ("axis: 0", "axis: nn",
         "5: variants.outer_sum[1].sum.axis names 'nn', which is not in sweep; did you mean n?"),
        ("axis: 0", "axis: 1.5",
         "5: variants.outer_sum[1].sum.axis must be a whole number or the name of a sweep variable, got 1.5"),
        ("{axis: 0}", "[0]", "5: variants.outer_sum[1] must give sum its arguments as a mapping, got [0]"),
        ("{axis: 0}", "{op: x}", "5: variants.outer_sum[1] gives sum the unknown argument 'op'"),
        ("[outer,", "[{outer: {via: dot}},",
         "5: variants.outer_sum[0].outer.via must be matmul or multiply, got dot"),
        ("[outer, {sum: {axis: 0}}]", "[matvec]",
         "5: variants matvec and outer_sum compute the same (outer_sum torch cuda float32 n=4); remove one"),
        ("outer_sum:", "matvec:", "5: 'matvec' is written twice, first in line 4"),
        ("torch, numpy", "torch, jax", "6: backends[1] must be numpy, torch or cupy, got jax"),
        ("[cuda, cpu]", "cuda", "7: devices must be a list, got 'cuda'"),
        ("[cuda, cpu]", "[cpu, cpu]", "7: devices lists cpu twice"),
        ("[cuda, cpu]", "[]", "7: devices must not be empty"),
        ("float32", "float8", "8: dtypes[0] must be float16, bfloat16, float32 or float64, got float8"),
        ("[4, 8]", "[4, -8]", "9: sweep.n must be at least 1, got -8"),
        ("[4, 8]", "[4, 8, 4]", "9: sweep.n lists 4 twice"),
        ("[4, 8]", "[4, eight]", "9: sweep.n[1] must be a whole number, got eight"),
        ("[4, 8]", "[1000000001]", "9: sweep.n[0] must be at most 1000000000, got 1000000001"),
        ("[4, 8]", "4", "9: sweep.n must be a list or {from, to, step}, got 4"),
        ("[4, 8]", "{from: 1, to: 9}", "9: sweep.n must be a range with exactly from, to and step, got from, to"),
        ("[4, 8]", "{from: 1, to: 9, step: 0}", "9: sweep.n must be a range with a step of at least 1, got 0"),
        ("[4, 8]", "{from: 9, to: 1, step: 1}", "9: sweep.n must be a range that ends after it starts, got 9 to 1"),
        ("[4, 8]", "{from: 1, to: 1.5, step: 1}", "9: sweep.n must be a range of whole numbers"),
        ("[4, 8]", "{from: 1, to: 1000000000, step: 1}", "9: sweep.n has 1000000000 values; at most 10000 are run"),
        ("[4, 8]", "{from: 1, to: 5000, step: 1}", "9: sweep makes 40000 steps; at most 20000 are run"),
        ("{n: [4, 8]}", "{q: [4]}", "4: variants.matvec[0]: matvec needs the size m; add n to sweep"),
        ("{n: [4, 8]}", "{n: [4], backend: [1]}", "9: 'backend' cannot name a sweep variable"),
        ("baseline: matvec", "baseline: matvek",
         "11: baseline names the unknown variant 'matvek'; did you mean matvec?"),
        ("baseline: matvec", "exclude: [{backend: numpi}]",
         "11: exclude names the unknown backend 'numpi'; did you mean numpy?"),
        ("baseline: matvec", "exclude: [{nn: 4}]", "11: exclude names 'nn'; did you mean n?"),
        ("baseline: matvec", "exclude: [{n: four}]", "11: exclude must give n a whole number, got four"),
        ("baseline: matvec", "exclude: [{n: [4]}]", "11: exclude[0].n must be a text or a whole number, got [4]"),
        ("baseline: matvec", "exclude: [{}]", "11: exclude[0] must not be empty"),
        ("name: good\n", "", "1: name is missing"),
        ("name: good", "name: 3", "1: name must be text, got 3"),
        ("name: good", "name: a/b", "1: name must be made of letters, digits, '.', '_' and '-', got a/b"),
    ],
)  # fmt: skip
def test_a_spoiled_value_is_named_with_its_line(problem, old: str, new: str, line: str):
    assert old in GOOD
    assert problem(GOOD.replace(old, new, 1)) == f"s.yaml:{line}"


@pytest.mark.parametrize(
    ("old", "new", "rest"),
    [
        ("m:f", "m.f", ".function must be written module:function, got 'm.f'"),
        ("[n, n]", "[n, q]", ".inputs.a[1] has no value: 'q': unknown name 'q' for m=4, k=4, n=4"),
        ("[n, n]", "[n, n - 4]", ".inputs.a[1] must be at least 1 and fit into 64 bits, got 0"),
        ("[n, n]", "[]", ".inputs.a must not be empty"),
        ("[n, n]", "n", ".inputs.a must be a list, got n"),
        ("'2*n'", "n/3", ".flops has no value: 'n/3' is 1.33333 for m=4, k=4, n=4, not a whole number"),
        ("'2*n'", "n - 5", ".flops must be at least 0 and fit into 64 bits, got -1"),
        ("'2*n'", "1.5", ".flops must be a whole number or a formula like '2*n**2 - n', got 1.5"),
        ("flops: '2*n', ", "", ".flops is missing"),
        ("inputs: {a: [n, n]}, ", "", ".inputs is missing"),
        (
            "'n**2'",
            "'n**40'",
            ".bytes must be at least 0 and fit into 64 bits, got 1208925819614629174706176",
        ),
    ],
)
def test_a_spoiled_function_is_named_with_its_line(problem, old: str, new: str, rest: str):
    assert old in FUNCTION
    spoiled = GOOD.replace("[matvec]", FUNCTION.replace(old, new, 1))
    assert problem(spoiled) == f"s.yaml:4: variants.matvec[0]{rest}"


def test_nothing_follows_a_function(problem):
    chain = FUNCTION.removesuffix("]") + ", sum]"
    line = problem(GOOD.replace("[matvec]", chain))
    assert (
        line == "s.yaml:4: variants.matvec[1]: nothing can follow f: the shape of its result is not declared"
    )


def test_counts_that_do_not_fit_into_64_bits_are_refused(problem):
    line = problem(GOOD.replace("[matvec]", "[matmul]").replace("[4, 8]", "[100000000]"))
    expected = "matvec torch cuda float32 n=100000000 has more FLOPs or bytes than fit into 64 bits"
    assert line == f"s.yaml:9: {expected}; choose smaller sizes"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "s.yaml: the file is empty; a scenario starts with 'name: …'"),
        ("# nothing\n", "s.yaml: the file is empty; a scenario starts with 'name: …'"),
        ("[1]", "s.yaml:1: a scenario is a mapping (name: …, variants: …)"),
        ("1: 2", "s.yaml:1: a key must be text, got '1'; put it in quotes"),
        ("? [a]\n: 2", "s.yaml:1: a key must be text, got a list or mapping; put it in quotes"),
        ("a: [1\nb: 2", "s.yaml:2: not YAML: while parsing a flow sequence expected ',' or ']', but got ':'"),
        ("name: x\n\tb: 3", "s.yaml:2: not YAML: while scanning for the next token found character '\\t'"),
        ("name: x\n---\nname: y", "s.yaml:2: not YAML: expected a single document"),
        ("name: x\nb: !!python/object:os.system x", "s.yaml:2: not YAML: could not determine a constructor"),
        (b"name: x\n\xff", "s.yaml:2: the file is not UTF-8 text"),
        ("name: x\nb: \x00", "s.yaml:2: not YAML: special characters are not allowed"),
        (
            "name: " + "9" * 5000,
            "s.yaml:1: '9999999999999999999999999999999999999999' is not a value YAML knows",
        ),
        ("name: 2020-13-45", "s.yaml:1: '2020-13-45' is not a value YAML knows"),
        ("2020-13-45: x", "s.yaml:1: '2020-13-45' is not a value YAML knows"),
        ("name: !!int x", "s.yaml:1: 'x' is not a value YAML knows"),
        ("!!int x: 3", "s.yaml:1: 'x' is not a value YAML knows"),
        ("name: !!bool x", "s.yaml:1: 'x' is not a value YAML knows"),
        ("name: !!timestamp x", "s.yaml:1: 'x' is not a value YAML knows"),
        ("name: 1" + ":0" * 200 + ".5", "s.yaml:1: '1:0:0:0:"),
        ("a: &x [1]\nb: *x", "s.yaml:2: not YAML: YAML aliases are not supported; write the value out"),
        ("a: " + "[" * 60 + "]" * 60, "s.yaml:1: values are nested too deeply"),
        ("[" * 5000, "s.yaml: values are nested too deeply"),
        ("#" * 300_000, "s.yaml: larger than 256 KiB: not a scenario file"),
    ],
)
def test_what_is_not_a_scenario_file_is_refused(problem, text: str | bytes, line: str):
    assert problem(text).startswith(line)


def test_an_alias_bomb_is_refused_at_its_first_alias(problem):
    """Written out it has 9**29 values: nothing ends that does."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    said = "s.yaml:2: not YAML: YAML aliases are not supported; write the value out"
    assert problem("\n".join(lines)) == said


@pytest.mark.parametrize(
    ("override", "rest"),
    [
        ("n=0", "sweep.n must be at least 1, got 0"),
        ("n=4,x", "sweep.n[1] must be a whole number, got x"),
        ("n=4,4", "sweep.n lists 4 twice"),
        ("sweep.n=0", "sweep.n must be at least 1, got 0"),
        ("n={from: 1, to: 9}", "sweep.n must be a range with exactly from, to and step, got from, to"),
        ("n=", "write it NAME=VALUE, like n=1000,2000 or reps.count=50"),
        ("n", "write it NAME=VALUE, like n=1000,2000 or reps.count=50"),
        ("q=3", "nothing is called 'q'; known are n, backends, devices, dtypes, baseline, reps.count, "
                "reps.warmup, reps.max_seconds, variants"),
        ("reps.cuont=3", "nothing is called 'reps.cuont'; did you mean reps.count?"),
        ("reps.count=0", "reps.count must be at least 1, got 0"),
        ("reps.count=1,2", "reps.count must be a whole number, got 1,2"),
        ("backends=jax", "backends[0] must be numpy, torch or cupy, got jax"),
        ("baseline=matvek", "baseline names the unknown variant 'matvek'; did you mean matvec?"),
        ("reps.count=!!bool x", "reps.count must be a whole number, got !!bool x"),
        ("reps.count=!!timestamp x", "reps.count must be a whole number, got !!timestamp x"),
        ("variants=matvek", "unknown variant 'matvek'; did you mean matvec?"),
    ],
)  # fmt: skip
def test_a_wrong_override_is_blamed_itself(problem, override: str, rest: str):
    assert problem(GOOD, override) == f"--set {override}: {rest}"


def test_an_override_of_a_spoiled_file_still_names_the_file(problem):
    assert problem("name: x\nsweep: 3", "n=3") == "s.yaml:2: sweep must be a mapping"
    assert problem(GOOD.replace("count: 10", "count: 0"), "n=3").startswith("s.yaml:10: reps.count")


def test_a_directory_is_not_a_scenario(tmp_path: Path):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path)
    assert str(caught.value) == f"{tmp_path}: this is a directory; name a scenario file inside it"


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ScenarioError, match="this is not a regular file"):
        load_scenario(tmp_path / "pipe")


def test_a_missing_name_suggests_a_shipped_one():
    with pytest.raises(ScenarioError) as caught:
        load_scenario("outr")
    assert (
        str(caught.value) == "outr: no such file, and no shipped scenario of that name; did you mean outer?"
    )


def test_a_name_too_long_for_a_file_is_refused():
    with pytest.raises(ScenarioError, match="cannot be read: File name too long"):
        load_scenario("x" * 5000)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")
def test_an_unreadable_file_is_refused(tmp_path: Path):
    path = tmp_path / "s.yaml"
    path.write_text(GOOD)
    path.chmod(0)
    with pytest.raises(ScenarioError, match="cannot be read: Permission denied"):
        load_scenario(path)
