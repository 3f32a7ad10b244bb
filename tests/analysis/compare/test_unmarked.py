"""Recorded programs that marked nothing and used no GPU: compared as wholes, and by where their Python was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drawing.programs import put_program, sampled
from flopprof.analysis.compare.compare import Comparison, compare_sides
from flopprof.analysis.compare.sides import read_side
from flopprof.analysis.errors import CompareError
from flopprof.analysis.programs.samples import PythonSamples
from running.commands import run_here

BARE = "no_nvtx_2024.2"
BEFORE = sampled(("main load", 1.0, 0.25), ("main compute", 2.0, 2.0))
AFTER = sampled(("main load", 1.0, 0.25), ("main compute Lib", 3.0, 2.5), ("main save", 0.5, 0.0))


def compare(folder: Path, a: PythonSamples | None, b: PythonSamples | None) -> Comparison:
    one, other = (str(put_program(folder, BARE, at, samples)) for at, samples in enumerate((a, b)))
    return compare_sides(read_side(one), read_side(other))


def test_functions_share_out_the_time_and_what_they_call_in_libraries(tmp_path: Path) -> None:
    compared = compare(tmp_path, BEFORE, AFTER)
    told = [(pair.label, pair.ns_a, pair.ns_b, pair.verdict) for pair in compared.pairs]
    assert told == [
        ("(whole program)", 2.5e9, 2.5e9, "same"),
        ("compute (work.py)", 2e9, 3e9, "unsure"),
        ("load (work.py)", 1e9, 1e9, "same"),
    ]
    assert compared.unmatched_b == ("save (work.py)",)
    known = {part: ns for part, ns in compared.pairs[1].delta_ns.items() if ns is not None}
    assert known == {"compute": 0.5e9, "host": 0.5e9}


def test_what_it_is_of_and_what_to_do_is_said(tmp_path: Path) -> None:
    caveats = {caveat.code: caveat.message for caveat in compare(tmp_path, BEFORE, AFTER).comparable}
    assert "nothing is decided: mark the parts with flopprof.annotate" in caveats["no_ranges"]


def test_without_samples_the_whole_times_are_left(tmp_path: Path) -> None:
    compared = compare(tmp_path, BEFORE, None)
    assert [pair.label for pair in compared.pairs] == ["(whole program)"]
    assert compared.unmatched_a == ("compute (work.py)", "load (work.py)")


def test_one_that_has_ranges_is_compared_with_none_that_has_not(tmp_path: Path) -> None:
    bare, marked = (
        str(put_program(tmp_path, trace, at)) for at, trace in enumerate((BARE, "ranks/strag_rank0"))
    )
    for a, b in ((bare, marked), (marked, bare)):
        with pytest.raises(CompareError) as refused:
            compare_sides(read_side(a), read_side(b))
        assert str(refused.value) == (
            f"{bare} has neither ranges nor kernels, {marked} has: mark the parts of both programs with "
            "flopprof.annotate and record them again"
        )


def test_a_domain_that_was_asked_for_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(CompareError, match="neither NVTX ranges nor kernels"):
        read_side(str(put_program(tmp_path, BARE)), domains=("mine",))


def test_a_selected_function_is_compared_at_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, other = (put_program(tmp_path, BARE, at, samples).name for at, samples in enumerate((BEFORE, AFTER)))
    pick = "function=compute*"
    told = json.loads(run_here("compare", f"{one}:{pick}", f"{other}:{pick}", "--json")[0])
    assert [(pair["label"], pair["ratio"]) for pair in told["pairs"]] == [("compute (work.py)", 1.5)]
