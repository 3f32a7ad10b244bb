"""Ranges that are called the same in two domains: the domain is shown where nothing else tells them apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from drawing.drawn import Call, Drawn, Range, Work
from flopprof.analysis.attribution.steady_instances import Instances
from flopprof.analysis.breakdown.analyze import Analysis, analyze_trace
from flopprof.analysis.compare.sides import side_of_trace
from flopprof.analysis.compare.trace_caveats import describe_set_aside
from flopprof.analysis.evidence.counted_ranges import CountedRange, ProgramCounters
from flopprof.analysis.evidence.counters import Counters
from flopprof.analysis.many.many_traces import ManyTraces, TraceRow
from flopprof.analysis.many.trace_summary import RangeUse, TraceSummary
from flopprof.reports.document.document import Document, Name, Table
from flopprof.reports.render.formats import render_document
from flopprof.reports.render.screen import PLAIN
from flopprof.reports.trace.compose import compose_analysis
from flopprof.reports.trace.counters_report import compose_counters
from flopprof.reports.trace.many_traces import compose_many

MS = 1_000_000

TABLES = ("step", "windows", "owners", "ranges", "range_kernels")


def draw(domains: Sequence[str], times: int = 6) -> Drawn:
    """So many times a `step` in each domain, one after the other; in each a `data` of every domain with a kernel."""
    calls: list[Call] = []
    work: list[Work] = []
    ranges: list[Range] = []
    for at in range(times * len(domains)):
        begin = at * 2 * MS
        ranges.append(Range(begin, begin + MS, "step", domain=domains[at % len(domains)]))
        for place, domain in enumerate(domains):
            now = begin + place * MS // 4
            ranges.append(Range(now, now + MS // 5, "data", domain=domain))
            calls.append(Call(now + 10, now + 20))
            work.append(Work(now + 30, now + 40 + at % len(domains), call=len(calls) - 1))
    return Drawn(calls, work, ranges)


def analyse(*domains: str, skip: int | None = None) -> Analysis:
    return analyze_trace(draw(domains).trace(), range_glob="step", wanted=Instances(skip=skip))


def table_of(document: Document, name: str) -> Table:
    return next(table for one in document.sections for table in one.tables if table.name == name)


def names_in(table: Table, columns: int) -> set[tuple[str, ...]]:
    """What the first columns of the rows say, with the groups that they stand in."""
    return {
        (row.group, *(str(cell.short if isinstance(cell, Name) else cell) for cell in row.cells[:columns]))
        for row in table.rows
    }


@pytest.mark.parametrize(("domains", "named"), [(("", "flopprof"), "flopprof:"), (("a", "b"), "b:")])
def test_no_two_rows_of_a_table_are_called_the_same(domains: tuple[str, ...], named: str) -> None:
    document = compose_analysis(analyse(*domains))
    assert len(names_in(table_of(document, "step"), 1)) == 3  # with the rest
    assert len(names_in(table_of(document, "windows"), 2)) == 12
    assert {row.group for row in table_of(document, "owners").rows} == {
        f"6 × {'' if not domain else domain + ':'}step, GPU 0" for domain in domains
    }
    picture = document.picture
    assert picture is not None
    assert [bar.label for bar in picture.groups[0].bars] == [
        f"{domains[0]}:data" if domains[0] else "data",
        f"{named}data",
        "(the rest)",
    ]


def test_domains_that_go_without_saying_are_said_where_rows_would_be_alike() -> None:
    document = compose_analysis(analyse("", "flopprof"))
    assert names_in(table_of(document, "ranges"), 2) == {
        ("", "step", "None"),
        ("", "flopprof:step", "None"),
        ("", "data", "step"),
        ("", "flopprof:data", "step"),
        ("", "data", "flopprof:step"),
        ("", "flopprof:data", "flopprof:step"),
    }
    measured = [sentence.partition(": ")[0] for sentence in document.verdicts[:2]]
    assert sorted(measured) == ["flopprof:step", "step"]
    for format in ("text", "html"):
        assert "flopprof:step" in render_document(document, format, PLAIN)


@pytest.mark.parametrize("domains", [("", "flopprof"), ("a", "b"), ("", "a"), ("flopprof", "a", "")])
def test_ranges_whose_parents_alone_differ_by_domain_are_told_apart(domains: tuple[str, ...]) -> None:
    drawn = draw(domains)
    ranges = [replace(r, name="read", domain="io", end=r.end - 1) for r in drawn.ranges if r.name == "data"]
    analysis = analyze_trace(replace(drawn, ranges=[*drawn.ranges, *ranges]).trace())
    document = compose_analysis(analysis)
    count = len(domains) + 2 * len(domains) ** 2
    for name in ("ranges", "range_kernels"):
        table = table_of(document, name)
        assert len(table.rows) == len(names_in(table, 2)) == count
    owners = table_of(document, "owners")
    assert len(owners.rows) == len(names_in(owners, 2)) == count + 1  # no range
    windows = table_of(compose_analysis(analyze_trace(analysis.trace, range_glob="read")), "windows")
    assert len({name for _, name, _ in names_in(windows, 2)}) == len(domains) ** 2


def test_the_rest_of_a_report_says_domains_as_the_tables_do() -> None:
    document = compose_analysis(analyse("a", "b"))
    said = render_document(document, "text", PLAIN)
    assert "A steady a:step takes" in said and "To speed up a:step:" in said
    assert not re.search(r"\b[ab]: ", said.replace("a:step: ", "").replace("b:step: ", ""))


def test_what_is_told_apart_already_says_nothing_more() -> None:
    document = compose_analysis(analyse("a", "b"))
    assert names_in(table_of(document, "ranges"), 2) == {
        ("", "a:step", "None"),
        ("", "b:step", "None"),
        ("", "data", "a:step"),
        ("", "b:data", "a:step"),
        ("", "a:data", "b:step"),
        ("", "data", "b:step"),
    }
    alone = compose_analysis(analyse("flopprof"))
    assert "flopprof:" not in render_document(alone, "text", PLAIN)


def test_the_domain_is_named_where_all_instances_are_skipped() -> None:
    told = [one.message for one in analyse("warm", "train", skip=9).quality if one.code == "skipped_all"]
    kept = "has 6 instances, --skip 9 was asked, 1 is kept)"
    assert sorted(one.rpartition("(")[2] for one in told) == [f"train:step {kept}", f"warm:step {kept}"]


def test_the_domain_is_named_where_a_comparison_sets_instances_aside() -> None:
    side = side_of_trace(draw(["warm", "train"]).trace(), "A", wanted=Instances(skip=2))
    (told,) = describe_set_aside({"A": side})
    assert told.message == "set aside by --skip in A: the first 2 of 6 of warm:step, 2 of 6 of train:step"


ALIKE = {("", "step"), ("", "flopprof:step")}


def test_many_traces_tell_them_apart() -> None:
    use = RangeUse(instances=1, wall_ns=MS, busy_ns=0, kernel_sum_ns=0)
    summary = TraceSummary(
        sha256=None,
        duration_ns=MS,
        device_ns=0,
        attributed_ns=0,
        ranges={(("",), ("step",)): use, (("flopprof",), ("step",)): use},
        kernels={},
        quality=(),
    )
    row = TraceRow(path=Path("a.sqlite"), summary=summary, reason=None)
    assert names_in(table_of(compose_many(ManyTraces(rows=(row,), quality=())), "ranges"), 1) == ALIKE


def test_counted_ranges_are_told_apart() -> None:
    ranges = tuple(
        CountedRange(
            domain=domain,
            path=("step",),
            kernel=None,
            launches=1,
            grid=None,
            block=None,
            counters=Counters(source="ncu"),
        )
        for domain in ("", "flopprof")
    )
    counted = ProgramCounters(
        program="train", tool=None, range=None, instances=None, launches=2, ranges=ranges, kernels=()
    )
    assert names_in(table_of(compose_counters(counted), "counted_ranges"), 1) == ALIKE
