"""Every number with a unit that a report's sentences say stands in its tables or its JSON, or is a share of what does.

Numbers are looked up as texts, written as the report writes them, by what they measure: a time is no ratio. Derived
are only shares of a whole that the JSON has beside its parts, what of some factors is "the rest", how far a ratio is
from 1, what a pair's times differ by, and quotients of two times of the same sentence.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, product
from math import prod
from pathlib import Path
from typing import Any, cast

import pytest
from drawing.report_samples import copying_run, cpu_run, failed_run, gpu_run, lossy_run, uncontrolled_run
from drawing.traces import GPU, recorded
from drawing.tree import DATA
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.analysis.compare.compare import compare_by, compare_sides
from flopprof.analysis.compare.sides import read_side
from flopprof.analysis.runs.account import account_run
from flopprof.analysis.words import BUSY_LAYERS
from flopprof.reports.comparison.compose import compose_comparison
from flopprof.reports.document.document import Document
from flopprof.reports.document.numbers import Kind, format_quantity, format_value
from flopprof.reports.run.compose import compose
from flopprof.reports.trace.compose import compose_analysis

UNIT = r"(?:[kMGT]?FLOP/s|[kMGT]?B/s|[kMGTP]?B|ns|µs|ms|s|×|%|[kMGTP]?FLOP)"
SAID = re.compile(rf"(?<![\w.=/\-–])[<>]?-?\d+(?:\.\d+)?\s?{UNIT}(?![\w=])")
QUOTED = re.compile(r"`[^`]*`|(?:Of its kernels, |Its heaviest kernels? |To speed ).*")
"""Names, and what holds a trace up and helps it: the shares of these stand in no table yet."""

CONSTANTS = {"95 %", "2 %", "10 %", "1.05×"}
"""The level of intervals, the least change, the most that tracing may cost and a factor may be without a word."""

WORDS = {"sentence", "message", "about", "command", "path", "kernel", "label"}
"""Keys of texts that are no values."""

EVERY: tuple[Kind, ...] = ("time", "ratio", "percent", "tflops", "gbps", "bytes", "flops")

KINDS: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    (r"ratio|interval|slowdown", ("ratio",)),
    (r".*_ns|ns_.*|ns|untraced_interval", ("time",)),
    (r".*share|occupancy|fill|of_difference|between_runs", ("percent",)),
    (r".*gbps.*|bytes_per_s", ("gbps",)),
    (r".*tflops.*", ("tflops",)),
    (r".*bytes.*", ("bytes",)),
    (r".*flops.*", ("flops",)),
    (r"a|b|evidence", EVERY),
)


@dataclass(frozen=True)
class Known:
    """The texts of a report's numbers, and the times behind them."""

    texts: set[str] = field(default_factory=set)
    times: dict[str, set[float]] = field(default_factory=dict)

    def add(self, value: float, kind: Kind) -> None:
        for one in {value, -value}:
            texts = {format_value(one, kind), format_quantity(one, kind)}
            self.texts.update(texts)
            if kind == "time":
                for text in texts:
                    self.times.setdefault(text, set()).add(one)
        if kind == "ratio" and value:
            self.texts.update({format_value(1 / value, kind), format_value(abs(value - 1), "percent")})

    def add_share(self, part: object, whole: object) -> None:
        if isinstance(part, int | float) and isinstance(whole, int | float) and whole:
            self.add(part / whole, "percent")


def learn(document: Document) -> Known:
    """The numbers of its JSON and tables."""
    known = Known()
    data = dict(document.data)
    _learn(known, data, ())
    steps = {step["key"]: step for step in data.get("steps", []) if "per_rep" in step}
    for op in data.get("ops", []):
        whole = steps[op["key"]]["per_rep"]
        known.add_share((op["per_rep"] or {}).get("kernel_ns"), (whole or {}).get("kernel_ns"))
    for table in (table for section in document.sections for table in section.tables):
        for row, (at, column) in product(table.rows, enumerate(table.columns)):
            cell = row.cells[at]
            if isinstance(cell, str):
                known.texts.update(SAID.findall(cell))
            elif isinstance(cell, int | float) and column.numeric:
                known.add(cell, column.kind)
    return known


def _learn(known: Known, value: object, kinds: tuple[Kind, ...]) -> None:
    if isinstance(value, Mapping):
        mapping = cast(Mapping[str, Any], value)
        _learn_shares(known, mapping)
        for key, one in mapping.items():
            found = next((kinds for pattern, kinds in KINDS if re.fullmatch(pattern, key)), kinds)
            if not (key in WORDS and isinstance(one, str)):
                _learn(known, one, found)
    elif isinstance(value, list | tuple):
        for one in cast(Iterable[object], value):
            _learn(known, one, kinds)
    elif isinstance(value, str):
        known.texts.update(SAID.findall(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        for kind in kinds:
            known.add(value, kind)


def _learn_shares(known: Known, found: Mapping[str, Any]) -> None:
    """Parts of the wholes that stand beside them."""
    for key, part in found.items():
        known.add_share(part, found.get("wall_ns") if key.endswith("_ns") else None)
    if found.get("launch_ns") is not None and found.get("latency_ns") is not None:
        known.add_share(found["launch_ns"] + found["latency_ns"], found.get("wall_ns"))
    known.add_share(found.get("attributed_ns"), found.get("device_ns"))
    known.add_share(found.get("overhead_ns"), found.get("untraced_ns"))
    for part in (found.get("delta_ns") or {}).values() if "traced_delta_ns" in found else ():
        known.add_share(part, found["traced_delta_ns"])
    if isinstance(found.get("ns_a"), float | int) and isinstance(found.get("ns_b"), float | int):
        known.add(found["ns_b"] - found["ns_a"], "time")
    if isinstance(found.get("tracing_ns"), float | int):
        known.add(found["untraced_ns"] + found["tracing_ns"], "time")
    if isinstance(waves := found.get("waves"), float | int):
        known.add(waves % 1, "percent")  # how full the last one is
    factors = [factor["ratio"] for factor in found.get("factors") or []]
    for count in range(1, len(factors) + 1):
        for some in combinations(factors, count):
            known.add(prod(some), "ratio")
    layers = found.get("layers") or {}
    for part in (*layers.values(), sum(layers.get(name, 0.0) for name in BUSY_LAYERS)):
        known.add_share(part, sum(layers.values()))
    for part in (parts := found.get("parts") or []):
        known.add_share(part["ns"], sum(one["ns"] for one in parts))


def list_sentences(document: Document) -> Iterator[str]:
    """Warnings among them, but those that tell what the recorder said."""
    yield document.summary
    yield from document.headlines
    yield from document.verdicts
    yield from (notice.text for notice in document.warnings if "[profiler_" not in notice.text)
    for explanation in document.explanations:
        yield from explanation.sentences


def find_unknown(sentence: str, known: Known) -> list[str]:
    """The numbers of a sentence that the report's data does not have."""
    said = SAID.findall(QUOTED.sub("", sentence))
    times = [time for text in said for time in known.times.get(text, ())]
    return [
        text
        for text in said
        if text not in known.texts | CONSTANTS and not (text[-1] in "×%" and _is_quotient(text, times))
    ]


def _is_quotient(text: str, times: list[float]) -> bool:
    kind: Kind = "ratio" if text.endswith("×") else "percent"
    return any(b and format_value(a / b, kind) == text for a, b in product(times, times))


def analyse(path: Path) -> Document:
    return compose_analysis(analyze_file(path))


def compare(a: Path, b: Path) -> Document:
    return compose_comparison(compare_sides(read_side(str(a)), read_side(str(b))))


def case(folder: str, a: str, b: str) -> Callable[[], Document]:
    return lambda: compare(*(DATA / "cases" / folder / f"{name}.sqlite.xz" for name in (a, b)))


REPORTS: dict[str, Callable[[], Document]] = {
    **{make.__name__: lambda make=make: compose(make()) for make in (gpu_run, cpu_run, lossy_run)},
    **{
        make.__name__: lambda make=make: compose(make())
        for make in (copying_run, failed_run, uncontrolled_run)
    },
    **{name: lambda name=name: analyse(recorded(name)) for name in GPU},
    "two GPUs": lambda: analyse(DATA / "cases" / "gpu_on_one_side" / "two_gpus.sqlite.xz"),
    "axes of CuPy": lambda: compare(recorded("cupy_axis0"), recorded("cupy_axis1")),
    "libraries": lambda: compare(recorded("torch_axis1"), recorded("cupy_axis1")),
    "slower": case("numbered_steps", "a", "b_slower"),
    "warm-up": case("warmup_delta", "a", "b"),
    "no ranges": case("no_nvtx", "a", "b"),
    "itself": case("no_nvtx", "a", "a"),
    "a GPU more": case("gpu_on_one_side", "one_gpu", "two_gpus"),
}


@pytest.mark.parametrize("name", REPORTS)
def test_sentences_say_no_number_that_the_data_has_not(name: str):
    document = REPORTS[name]()
    known = learn(document)
    assert [(one, told) for told in list_sentences(document) for one in find_unknown(told, known)] == []


@pytest.fixture(scope="module")
def h200(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("h200")
    with tarfile.open(DATA / "h200_sum_axes.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "sum_axes"


def test_the_same_of_a_run_on_a_gpu_and_its_halves(h200: Path):
    run = account_run(h200)
    by = [compose_comparison(compare_by(run, name)) for name in ("axis", "backend")]
    for document in (compose(run), *by):
        known = learn(document)
        assert [(one, told) for told in list_sentences(document) for one in find_unknown(told, known)] == []


def test_a_number_that_is_another_is_noticed(h200: Path):
    """Each number of each sentence, planted a twentieth too high: most have no other of their kind to hide behind."""
    document = compose(account_run(h200))
    known, noticed = learn(document), list[bool]()
    for told in list_sentences(document):
        for said in SAID.finditer(QUOTED.sub("", told)):
            if said[0] not in CONSTANTS:
                noticed.append(bool(find_unknown(f"It is {_raise(said[0])}.", known)))
    assert len(noticed) > 100
    assert sum(noticed) >= 0.8 * len(noticed)


def _raise(text: str) -> str:
    """With as many decimals, and never the same."""
    digits = re.findall(r"\d+(?:\.\d+)?", text)[0]
    decimals = len(digits.partition(".")[2])
    return text.replace(digits, f"{float(digits) * 1.05 + 10**-decimals:.{decimals}f}", 1)


def test_a_ratio_between_times_of_other_sentences_is_noticed():
    known = learn(compose(gpu_run()))
    assert find_unknown("cupy takes 4.85× the time (1947 µs against 401 µs)", known) == []
    assert find_unknown("cupy takes 4.75× the time (1947 µs against 401 µs)", known) == ["4.75×"]
    assert find_unknown("cupy takes 4.85× the time (1948 µs against 401 µs)", known) == ["1948 µs"]
