"""Kernels that are compared one by one: sentences and notes name them as tables do, not by all of their templates."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from drawing.traces import unpacked
from running.commands import run_here

LONGEST_SENTENCE = 400


def without_ranges(name: str, folder: Path) -> Path:
    (folder / name).mkdir()
    path = unpacked(name, folder / name)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE NVTX_EVENTS")
    return path


def test_sentences_name_long_kernels_as_they_are_spelt_and_the_json_by_their_whole_names(tmp_path: Path):
    sides = [without_ranges(name, tmp_path) for name in ("torch_axis0", "cupy_axis0")]
    text, _ = run_here("compare", *sides)
    before_tables = text.partition("\nVerdicts\n")[0]
    paragraphs = before_tables.replace("\n  ", " ").replace("\nWARNING", "\n\nWARNING").split("\n")
    assert max(map(len, paragraphs)) < LONGEST_SENTENCE
    assert "at::native::reduce_kernel<128, 4, ReduceOp<…>> → cupy_sum" in before_tables.replace("\n  ", " ")
    found = json.loads(run_here("compare", *sides, "--json")[0])
    assert any(len(pair["label"]) > LONGEST_SENTENCE for pair in found["pairs"])
