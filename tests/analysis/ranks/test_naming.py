"""Which files are a job's traces, and which rank each is."""

from __future__ import annotations

from pathlib import Path

import pytest
from flopprof.analysis.errors import RanksError
from flopprof.analysis.ranks.naming import (
    find_traces,
    list_folder,
    parse_pattern,
    rank_by_name,
    rank_by_pattern,
)


@pytest.mark.parametrize(
    ("name", "rank"),
    [
        ("rank10.sqlite", 10),
        ("strag_rank0.sqlite.xz", 0),
        ("rank3_20260101.sqlite", 3),
        ("job-7.2.nsys-rep", 2),
        ("Rank=5_node0.sqlite", 5),
        ("trace.sqlite", None),
    ],
)
def test_the_rank_is_the_number_after_the_word_else_the_last(name: str, rank: int | None) -> None:
    assert rank_by_name(Path(name), [Path(name)]) == rank


def test_folders_tell_apart_what_names_do_not(tmp_path: Path) -> None:
    paths = [tmp_path / "run9" / folder / "trace.sqlite" for folder in ("rank0", "rank12")]
    assert [rank_by_name(path, paths) for path in paths] == [0, 12]


def test_two_comes_before_ten_and_a_recording_beside_its_export_is_not_read_twice(tmp_path: Path) -> None:
    for name in ("rank10.sqlite", "rank2.sqlite", "rank2.nsys-rep", "notes.txt", ".rank3.sqlite"):
        (tmp_path / name).touch()
    assert [path.name for path in list_folder(tmp_path)] == ["rank2.sqlite", "rank10.sqlite"]


def test_traces_in_folders_of_the_folder_are_found(tmp_path: Path) -> None:
    for rank in (0, 1):
        (tmp_path / f"rank{rank}").mkdir()
        (tmp_path / f"rank{rank}" / "trace.sqlite").touch()
        (tmp_path / f"rank{rank}" / "raw.nsys-rep").touch()  # --keep-rep
    assert [path.parent.name for path in find_traces([tmp_path])] == ["rank0", "rank1"]


def test_a_folder_without_a_trace_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RanksError, match="holds no trace; give"):
        find_traces([tmp_path])


def test_a_pattern_finds_the_group_named_rank_else_the_first() -> None:
    named, first = parse_pattern(r"(\d+)-of-(?P<rank>\d+)"), parse_pattern(r"n(\d+)")
    assert named is not None and first is not None
    assert rank_by_pattern(Path("4-of-7.sqlite"), named) == 7
    assert rank_by_pattern(Path("n4-8.sqlite"), first) == 4
    assert rank_by_pattern(Path("x.sqlite"), first) is None
