"""CSV of names from anywhere: no formula, nothing that steers a terminal."""

from __future__ import annotations

import csv
import io

import pytest
from flopprof.reports.data.csv_text import to_csv


def cell(name: str, *, raw: bool = False) -> str:
    return list(csv.reader(io.StringIO(to_csv(["name"], [{"name": name}], raw=raw))))[1][0]


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1+1", "-1+cmd", "@SUM(1)", "\t=1+1", "＝1"])
def test_a_name_that_begins_a_formula_is_text_unless_programs_read_it(name: str):
    assert (cell(name), cell(name, raw=True)) == (f"'{name}", name)


@pytest.mark.parametrize("raw", [True, False])
def test_nul_and_escape_are_never_written(raw: bool):
    assert cell("a\x00b\x1b[31m\x9b", raw=raw) == "a\\x00b\\x1b[31m\\x9b"


def test_negative_numbers_stay_numbers():
    assert to_csv(["ns"], [{"ns": -5}, {"ns": None}]) == 'ns\n-5\n""\n'
