"""The rows of a recorded program: its steps and their parts, each by a name and a key of its own."""

from __future__ import annotations

from pathlib import Path

from drawing.drawn import Drawn, Range
from drawing.programs import put_program
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.programs.folder import read_program_folder
from flopprof.analysis.store.program_rows import known_row, rows_of_program
from flopprof.analysis.store.run_rows import FirstIds

MS = 1_000_000


def test_steps_and_parts_of_one_name_have_their_domains_and_keys(tmp_path: Path) -> None:
    ranges: list[Range] = []
    for at in range(12):
        begin = at * 10 * MS
        ranges.append(Range(begin, begin + 8 * MS, "step", domain=("", "flopprof")[at % 2]))
        ranges += [
            Range(begin + place * MS, begin + (place + 1) * MS, "load", domain=domain)
            for place, domain in enumerate(["", "io"])
        ]
    folder = read_program_folder(put_program(tmp_path, "no_nvtx_2024.2"))
    rows = rows_of_program(folder, analyze_trace(Drawn(ranges=ranges).trace()), FirstIds()).steps
    assert sorted(str(row["label"]) for row in rows) == [
        "(whole program)",
        "flopprof:step",
        "flopprof:step › io:load",
        "flopprof:step › load",
        "step",
        "step › io:load",
        "step › load",
    ]
    assert len({row["key"] for row in rows}) == len(rows)


def test_a_range_of_another_domain_keeps_the_key_that_its_history_has(tmp_path: Path) -> None:
    ranges = [Range(at * 10 * MS, at * 10 * MS + 8 * MS, "step", domain="train") for at in range(6)]
    folder = read_program_folder(put_program(tmp_path, "no_nvtx_2024.2"))
    step = rows_of_program(folder, analyze_trace(Drawn(ranges=ranges).trace()), FirstIds()).steps[0]
    assert step["label"] == "train:step"
    assert step["key"] == known_row("train: step", "program", "cpu", 0, None)["key"]
