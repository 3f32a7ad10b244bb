"""Real traces as sides: two sum axes of CuPy and of PyTorch, 20 reps at three sizes."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from statistics import median

import pytest
from drawing.tree import DATA, SHARED
from flopprof.analysis.compare.comparability import refuse_caveats
from flopprof.analysis.compare.compare import Comparison, Pair, compare_by, compare_sides, find_slower
from flopprof.analysis.compare.kernel_pairs import KernelPair
from flopprof.analysis.compare.sides import Side, read_side
from flopprof.analysis.errors import CompareError
from flopprof.reports.comparison.compose import compose_comparison, render_comparison, write_comparison

CSVS = SHARED / "nsys_stats"
OPPOSITE = {"same": "same", "unsure": "unsure", "faster": "slower", "slower": "faster"}
SIZES = (1000, 4000, 8000)


@cache
def read(name: str) -> Side:
    return read_side(str(DATA / f"{name}.sqlite.xz"))


@cache
def compare(library: str) -> Comparison:
    return compare_sides(read(f"{library}_axis0"), read(f"{library}_axis1"))


def find(comparison: Comparison, label: str) -> Pair:
    return next(pair for pair in comparison.pairs if pair.label == label)


def kernel_of(pair: Pair) -> KernelPair:
    (kernel,) = pair.kernels
    return kernel


def read_medians(library: str, axis: int) -> dict[int, float]:
    """Median ns of the sum's kernel at each size, as NVIDIA's nsys stats printed it."""
    path = CSVS / f"{library}_axis{axis}_nvtx_kern_sum.csv"
    if not path.is_file():
        pytest.skip("the CSVs of nsys stats are not beside this repository")
    wanted = "cupy_sum" if axis == 0 else "SegmentedReduce"
    wanted = wanted if library == "cupy" else "reduce_kernel"
    rows = [row for row in csv.DictReader(path.open()) if wanted in row["Kernel Name"]]
    named = {row["NVTX Range"]: float(row["Med (ns)"]) for row in rows}
    return {n: named[f":point n={n} axis={axis}"] for n in SIZES}


def test_sizes_pair_although_their_names_carry_the_axis():
    assert compare("cupy").pairing == tuple(f"point n={n} axis=0 with point n={n} axis=1" for n in SIZES)
    assert [pair.label for pair in compare("cupy").pairs] == [
        f"point n={n}{op}" for n in SIZES for op in ("", " / matvec", " / outer", " / sum")
    ]
    assert {(pair.value_a, pair.value_b) for pair in compare("cupy").pairs} == {("axis=0", "axis=1")}
    assert (compare("cupy").unmatched_a, compare("cupy").unmatched_b) == ((), ())


def test_cupy_substitutes_a_segmented_reduce_for_its_sum():
    for n in SIZES:
        kernel = kernel_of(find(compare("cupy"), f"point n={n} / sum"))
        assert kernel.kind == "substituted"
        assert kernel.a is not None
        assert kernel.b is not None
        assert kernel.a.kernel == "cupy_sum"
        assert "DeviceFixedSizeSegmentedReduceKernel" in kernel.b.kernel


@pytest.mark.parametrize("library", ["cupy", "torch"])
def test_kernel_times_are_those_of_nsys_stats(library: str):
    before, after = read_medians(library, 0), read_medians(library, 1)
    for n in SIZES:
        kernel = kernel_of(find(compare(library), f"point n={n} / sum"))
        assert kernel.a is not None
        assert kernel.b is not None
        assert (kernel.a.ns, kernel.b.ns) == (before[n], after[n])
        assert kernel.ratio == pytest.approx(after[n] / before[n], rel=1e-12)


def test_the_cupy_sum_at_8000_is_three_times_faster_along_axis_1():
    pair = find(compare("cupy"), "point n=8000 / sum")
    assert pair.verdict == "faster"
    assert kernel_of(pair).ratio == pytest.approx(67_600 / 206_367.5)
    sentences = compose_comparison(compare("cupy")).verdicts
    told = [sentence for sentence in sentences if "became" in sentence]
    assert told == [
        "sum: A's `cupy_sum` became B's `DeviceFixedSizeSegmentedReduceKernel` (grid / block 250 / 512 and "
        "8000 / 256; 24 and 32 registers): 206 µs → 67.6 µs, 3.05× faster at point n=8000 / sum; ratios "
        "0.190× to 0.328× over 3 steps."
    ]
    explained = [
        panel for panel in compose_comparison(compare("cupy")).explanations if "n=8000" in panel.title
    ]
    assert [line for panel in explained for line in panel.sentences if "slots" in line] == [
        "cupy_sum (sum of axis=0): underfilled: 250 blocks fill 47.3 % of 528 slots, so that too little of the GPU "
        "works; 99.2 % of the instance, up to 74.2 % of the difference."
    ]


def test_torch_runs_one_template_with_another_block():
    sentences = [line for line in compose_comparison(compare("torch")).verdicts if "template" in line]
    assert len(sentences) == 1
    assert "reduce_kernel<128, 4" in sentences[0]
    assert "reduce_kernel<512, 1" in sentences[0]
    assert "32×4 and" in sentences[0]
    for n in SIZES:
        kernel = kernel_of(find(compare("torch"), f"point n={n} / sum"))
        assert kernel.kind == "template"


def test_torch_sums_differ_little_at_the_larger_sizes():
    at_4000, at_8000 = (find(compare("torch"), f"point n={n} / sum") for n in (4000, 8000))
    assert at_4000.ratio == pytest.approx(0.996, abs=0.001)
    assert at_4000.verdict == "unsure"  # its interval reaches from 0.985 to 1.03
    assert at_8000.ratio == pytest.approx(0.933, abs=0.001)
    assert at_8000.verdict == "faster"


def test_untouched_operations_are_the_same():
    for library in ("cupy", "torch"):
        pair = find(compare(library), "point n=8000 / outer")
        assert (pair.verdict, kernel_of(pair).kind) == ("same", "same")


@pytest.mark.parametrize("library", ["cupy", "torch"])
def test_layers_of_every_range_sum_to_its_time_and_differences_to_the_difference(library: str):
    for side in (read(f"{library}_axis0"), read(f"{library}_axis1")):
        for thing in side.things:
            assert sum(ns or 0 for ns in thing.layers.values()) == pytest.approx(thing.wall_ns, abs=1e-6)
            assert median(thing.traced_samples_ns) == pytest.approx(thing.wall_ns)
    for pair in compare(library).pairs:
        assert sum(ns or 0 for ns in pair.delta_ns.values()) == pytest.approx(pair.traced_delta_ns, abs=1e-6)


def test_a_range_owns_all_the_time_that_passes_in_it():
    # Nothing else ran while a point's range was open, so its share of the timeline is its own host time.
    point = read("cupy_axis0").things[0]
    assert (point.label, point.traced_samples_ns) == ("point n=1000 axis=0", (1_948_911.0,))


@pytest.mark.parametrize("name", ["cupy_axis0", "torch_axis1", "streams", "nvtx_all_types_2024.2"])
def test_a_trace_against_itself_is_all_the_same(name: str):
    comparison = compare_sides(read(name), read(name))
    assert {pair.verdict for pair in comparison.pairs} == {"same"}
    assert {pair.ratio for pair in comparison.pairs} <= {1.0, None}
    assert {kernel.kind for pair in comparison.pairs for kernel in pair.kernels} <= {"same"}
    assert find_slower(comparison, 0) == ()


@pytest.mark.parametrize("library", ["cupy", "torch"])
def test_swapping_traces_inverts_ratios_and_swaps_verdicts(library: str):
    back = compare_sides(read(f"{library}_axis1"), read(f"{library}_axis0"))
    for one, other in zip(compare(library).pairs, back.pairs, strict=True):
        assert one.ratio is not None
        assert other.ratio == pytest.approx(1 / one.ratio)
        assert other.verdict == OPPOSITE[one.verdict]
        assert (one.value_a, one.value_b) == (other.value_b, other.value_a)
        for mine, its in zip(one.kernels, other.kernels, strict=True):
            assert (mine.a, mine.b, mine.kind) == (its.b, its.a, its.kind)


def test_failing_above_a_percentage_needs_a_verdict_of_slower_beyond_it():
    back = compare_sides(read("cupy_axis1"), read("cupy_axis0"))
    assert [pair.label for pair in find_slower(back, 5)] == [f"point n={n} / sum" for n in SIZES]
    assert [pair.label for pair in find_slower(back, 250)] == ["point n=4000 / sum"]
    assert find_slower(compare("cupy"), 5) == ()


def test_two_libraries_compare_with_their_own_kernels():
    comparison = compare_sides(read("cupy_axis0"), read("torch_axis0"))
    kernel = kernel_of(find(comparison, "point n=8000 axis=0 / sum"))
    assert kernel.kind == "substituted"
    assert kernel_of(find(comparison, "point n=8000 axis=0 / outer")).kind == "template"  # tn and nn layouts


def test_a_map_pairs_what_has_other_names():
    a, b = read("cupy_axis0"), read("cupy_axis1")
    mapped = compare_sides(a, b, maps=[r"n\=1000 axis\=0=n=8000 axis=1"])
    assert mapped.pairing[0] == "point n=1000 axis=0 with point n=8000 axis=1"
    assert "point n=8000 axis=0" in mapped.unmatched_a


def test_selections_keep_some_ranges():
    side = read_side(f"{DATA / 'cupy_axis0.sqlite.xz'}:n=8000,range=s*")
    assert [thing.label for thing in side.things] == ["point n=8000 axis=0 / sum"]


def test_ranges_of_one_trace_compare_by_a_token():
    comparison = compare_by(read("cupy_axis0"), "n")
    assert [(pair.label, pair.value_a, pair.value_b) for pair in comparison.pairs if "sum" in pair.label] == [
        ("range=sum axis=0", "n=1000", "n=4000"),
        ("range=sum axis=0", "n=1000", "n=8000"),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "{data}/nothing.sqlite",
            "no such run or trace; give a run folder, a trace file or RUN:NAME=VALUE,…",
        ),
        (
            "{data}/cupy_axis0.sqlite.xz:sum",
            "a selection is NAME=VALUE,NAME=VALUE, such as variant=outer_sum,axis=0",
        ),
        ("{data}/cupy_axis0.sqlite.xz:size=1", "nothing is called by 'size'; try range, n, axis"),
        ("{data}/cupy_axis0.sqlite.xz:n=5", "nothing matches n=5; n is 1000, 4000, 8000"),
        (
            "{data}/no_nvtx_2024.2.sqlite.xz",
            "the trace has neither NVTX ranges nor kernels that can be compared; mark",
        ),
    ],
)
def test_a_side_that_cannot_be_read_is_one_line(text: str, problem: str):
    with pytest.raises(CompareError) as caught:
        read_side(text.format(data=DATA))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_traces_without_a_common_range_say_how_to_pair_them():
    with pytest.raises(
        CompareError, match=r"no measured range in common: .*; to pair ranges of different names, say --map"
    ):
        compare_sides(read("cupy_axis0"), read_side(str(DATA / "streams.sqlite.xz")))


@pytest.mark.parametrize(
    ("text", "problem"), [("point", "expected OLD=NEW"), ("(=x", "missing \\)"), ("p=\\1", "invalid")]
)
def test_a_map_that_cannot_be_read_is_one_line(text: str, problem: str):
    with pytest.raises(CompareError, match=problem):
        compare_sides(read("cupy_axis0"), read("cupy_axis1"), maps=[text])


def test_a_program_without_device_work_is_compared_by_its_time_on_the_host():
    comparison = compare_sides(read("nvtx_all_types_2022.4"), read("nvtx_all_types_2024.2"))
    pair = find(comparison, "ascii-default-domain")
    assert (pair.samples, pair.verdict) == ("traced", "unsure")
    assert pair.delta_ns == dict.fromkeys(pair.delta_ns)
    assert "layers" not in [section.name for section in compose_comparison(comparison).sections]
    assert pair.traced_delta_ns == (pair.ns_b or 0) - (pair.ns_a or 0)
    with pytest.raises(CompareError, match=r"not comparable: nsys differs: 2022\.4\.2\.1 and 2024\.2\.3\.38"):
        refuse_caveats(comparison.comparable)


def test_one_machine_and_one_recorder_are_comparable_whatever_ran():
    refuse_caveats(compare("cupy").comparable)
    refuse_caveats(compare_sides(read("cupy_axis0"), read("torch_axis0")).comparable)


def test_a_comparison_is_written_in_every_format_with_its_figures(tmp_path: Path):
    written = write_comparison(compare("cupy"), tmp_path / "new")
    assert sorted(path.name for path in written) == [
        "comparison-factors.png",
        "comparison-spread.png",
        "comparison-waterfall.png",
        "comparison.html",
        "comparison.json",
        "comparison.md",
        "comparison.txt",
    ]
    assert "](comparison-waterfall.png)" in (tmp_path / "new" / "comparison.md").read_text()
    html = (tmp_path / "new" / "comparison.html").read_text()
    assert "<svg" in html
    assert "cub::CUB_300102_SM_750" in html  # the full name, for copying


def test_a_comparison_of_traces_renders_in_every_format():
    text = render_comparison(compare("cupy"), "text")
    assert "A: cupy_axis0.sqlite.xz · B: cupy_axis1.sqlite.xz" in text
    assert str(DATA) not in text
    assert "| sum | `cupy_sum` |" in render_comparison(compare("cupy"), "markdown")
    assert len(json.loads(render_comparison(compare("cupy"), "json"))["pairs"]) == 12
