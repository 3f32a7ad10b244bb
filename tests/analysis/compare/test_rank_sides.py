"""A job of ranks as a side: its ranges, each by its own domain."""

from __future__ import annotations

from pathlib import Path

from drawing.jobs import Job, Program, SimRank
from flopprof.analysis.compare.compare import compare_sides
from flopprof.analysis.compare.rank_sides import read_rank_side
from flopprof.analysis.compare.sides import Side, SideName
from running.engines import Inline


def forward_of(*domains: str) -> Program:
    def program(rank: SimRank, step: int) -> None:
        for place, domain in enumerate(domains, start=1):
            with rank.range("forward", domain=domain):
                rank.kernel(place * 400_000)
        rank.collective("AllReduce", 150_000, after=rank.ops[-1:])

    return program


def read(folder: Path, *domains: str) -> Side:
    folder.mkdir()
    Job(2, seed=1).run_in_ranges(forward_of(*domains), 12).write(folder)
    return read_rank_side(SideName(text=folder.name, path=folder, selection={}), Inline())


def labels_of(a: Side, b: Side) -> set[str]:
    return {pair.label for pair in compare_sides(a, b).pairs if pair.label.startswith("median rank")}


def test_ranges_of_one_name_in_two_domains_are_two_things(tmp_path: Path) -> None:
    a, b = (read(tmp_path / name, "train", "aux") for name in "ab")
    assert labels_of(a, b) == {
        "median rank / step",
        "median rank / train:step / train:forward",
        "median rank / train:step / aux:forward",
    }


def test_a_range_is_paired_by_its_domain_where_one_side_alone_has_two(tmp_path: Path) -> None:
    a, b = read(tmp_path / "a", "train"), read(tmp_path / "b", "train", "aux")
    comparison = compare_sides(a, b)
    (pair,) = [one for one in comparison.pairs if one.label.startswith("median") and "forward" in one.label]
    assert (pair.a.key, pair.b.key) == (
        "median rank / step / forward",
        "median rank / train:step / train:forward",
    )
    assert comparison.unmatched_b == (
        "median rank / train:step / aux:forward",
        "worst rank / train:step / aux:forward",
    )
