"""Windows of one name taken together have what their rows have."""

from __future__ import annotations

from collections import Counter

import pytest
from drawing.drawn import Call, Drawn, Range, Work
from drawing.traces import read_recorded
from flopprof.analysis.breakdown import window_cuts
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.breakdown.window_groups import group_windows
from flopprof.analysis.breakdown.window_rows import Windows

EVERY = 1 << 30


def by_rows(windows: Windows) -> dict[object, tuple[int, int, Counter[object]]]:
    """(windows, wall, owned) of each name on each device, by the rows."""
    found: dict[object, tuple[int, int, Counter[object]]] = {}
    for row in windows:
        if row.owners:
            place = row.name.domains, row.name.path, row.device
            count, wall, owned = found.get(place, (0, 0, Counter[object]()))
            for one in row.owners:
                owned[one.name.domains, one.name.path, one.layer, one.attribution] += one.ns
            found[place] = count + 1, wall + int(row.times.wall_ns), owned
    return found


def by_arrays(windows: Windows, most: int) -> dict[object, tuple[int, int, Counter[object]]]:
    found: dict[object, tuple[int, int, Counter[object]]] = {}
    for group in group_windows(windows, most):
        owned: Counter[object] = Counter()
        for one in group.owned:
            owned[one.name.domains, one.name.path, one.layer, one.attribution] += one.ns
        first = group.first
        found[first.name.domains, first.name.path, first.device] = group.windows, group.wall_ns, owned
    return found


RECORDED = pytest.mark.parametrize(
    "name", ["torch_axis0", "streams", "threads", "ddp", "graph_node", "crash"]
)


@RECORDED
@pytest.mark.parametrize("glob", ["*", None])
def test_groups_are_the_sums_of_their_rows(name: str, glob: str | None) -> None:
    windows = analyze_trace(read_recorded(name), range_glob=glob).windows
    expected = by_rows(windows)
    assert by_arrays(windows, EVERY) == expected
    assert list(by_arrays(windows, EVERY)) == list(expected)


@RECORDED
def test_windows_whose_owners_are_not_listed_are_summed_by_layer(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_cuts, "MOST_TIMES_COVERED", 0)
    monkeypatch.setattr(window_cuts, "ALWAYS_LISTED", 40)
    windows = analyze_trace(read_recorded(name), range_glob="*").windows
    assert by_arrays(windows, EVERY) == by_rows(windows)


def test_no_more_groups_are_made_than_are_asked_for() -> None:
    windows = analyze_trace(read_recorded("threads"), range_glob="*").windows
    whole = by_arrays(windows, EVERY)
    assert list(by_arrays(windows, 2).items()) == list(whole.items())[:2]
    assert len(whole) > 2


def test_windows_in_ranges_of_one_name_in_two_domains_are_two_groups() -> None:
    ranges: list[Range] = []
    for begin, domain in ((0, "a"), (100, "b"), (200, "b")):
        ranges += [
            Range(begin, begin + 90, "step", domain=domain),
            Range(begin + 1, begin + 80, "read", domain="io"),
        ]
    calls = [Call(begin + 10, begin + 20) for begin in (0, 100, 200)]
    work = [Work(begin + 30, begin + 40, call=at) for at, begin in enumerate((0, 100, 200))]
    windows = analyze_trace(Drawn(calls, work, ranges).trace(), range_glob="read").windows
    groups = {place: count for place, (count, *_) in by_arrays(windows, EVERY).items()}
    assert groups == {(("a", "io"), ("step", "read"), 0): 1, (("b", "io"), ("step", "read"), 0): 2}
    assert by_arrays(windows, EVERY) == by_rows(windows)
