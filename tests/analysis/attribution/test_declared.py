"""What ranges declare by marks: their FLOPs by kind of arithmetic, what those leave out, why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drawing.nsys_file import NVTX, Export, global_tid
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.analysis.breakdown.rows import RangeRow

PUSHED, STARTED, MARKED, DOMAIN_MADE = 59, 60, 34, 75

Event = tuple[str, int, int | None, int | None, int]
"""Name, start, end (None: a mark), number, kind."""


def ranges(folder: Path, events: Sequence[Event]) -> dict[str, RangeRow]:
    made = Export()
    shared = {"domainId": 1, "globalTid": global_tid(0, 1), "textId": None}
    made.add(
        NVTX,
        **{
            **shared,
            "start": -1,
            "end": None,
            "eventType": DOMAIN_MADE,
            "text": "flopprof",
            "int64Value": None,
        },
    )
    for name, start, end, number, kind in events:
        event = {"start": start, "end": end, "eventType": kind, "text": name, "int64Value": number}
        made.add(NVTX, **{**shared, **event})
    return {row.path[-1]: row for row in analyze_file(made.write(folder / "t.sqlite")).ranges}


def opened(name: str, start: int, end: int, kind: int = PUSHED) -> Event:
    return name, start, end, None, kind


def mark(name: str, at: int, number: int | None = None) -> Event:
    return name, at, None, number, MARKED


def test_kinds_of_arithmetic_add_up_and_are_told_apart(tmp_path: Path) -> None:
    found = ranges(
        tmp_path,
        [
            opened("a", 0, 50),
            *(mark("flops:bfloat16", 10, 70), mark("flops:float32", 11, 30), mark("flops", 12, 1)),
            opened("a", 60, 90),
            mark("flops:bfloat16", 80, 5),
        ],
    )
    assert (found["a"].flops, found["a"].flops_by_rate) == (106, {"bfloat16": 75, "float32": 30})


def test_sums_beyond_64_bits_are_exact(tmp_path: Path) -> None:
    most = 2**63 - 1
    marks = [mark("flops:float32", 10, most), mark("flops:float32", 11, most), mark("flops", 12, most)]
    found = ranges(tmp_path, [opened("a", 0, 50), *marks, opened("a", 60, 90), mark("flops", 80, most)])
    assert (found["a"].flops, found["a"].flops_by_rate) == (4 * most, {"float32": 2 * most})


def test_a_mark_belongs_to_the_innermost_range(tmp_path: Path) -> None:
    events = [opened("out", 0, 90), opened("in", 10, 20), mark("flops", 19, 3), mark("flops", 80, 5)]
    found = ranges(tmp_path, events)
    assert (found["in"].flops, found["out"].flops) == (3, 5)


def test_what_computes_much_beside_its_products_has_no_flops(tmp_path: Path) -> None:
    events = [
        *(opened("little", 0, 9), mark("flops", 1, 100), mark("elements", 2, 2)),
        *(opened("much", 10, 19), mark("flops", 11, 100), mark("elements", 12, 3)),
        *(opened("only", 20, 29), mark("elements", 21, 1)),
        *(opened("nothing", 30, 39), mark("flops", 31, 0)),
    ]
    found = ranges(tmp_path, events)
    assert {name: (row.flops, row.elements) for name, row in found.items()} == {
        "little": (100, 2),
        "much": (None, 3),
        "only": (None, 1),
        "nothing": (0, 0),
    }


def test_one_pass_without_a_figure_leaves_its_path_without(tmp_path: Path) -> None:
    events = [opened("a", 0, 9), mark("flops", 1, 100), opened("a", 10, 19)]
    events += [mark("no flops: mine::op has no formula", 11), mark("no flops: it failed", 12)]
    row = ranges(tmp_path, events)["a"]
    assert (row.flops, set(row.no_flops)) == (None, {"mine::op has no formula", "it failed"})


def test_what_a_step_computed_is_the_steps_and_not_the_ranges_in_it(tmp_path: Path) -> None:
    events = [
        *(opened("step", 0, 100, STARTED), opened("train", 5, 120), opened("fc.forward", 10, 20)),
        *(mark("flops:float32", 19, 4), mark("step flops:float32", 99, 4), mark("step elements", 99, 0)),
    ]
    found = ranges(tmp_path, events)
    assert {name: row.flops for name, row in found.items()} == {"step": 4, "train": None, "fc.forward": 4}
    assert found["step"].flops_by_rate == {"float32": 4}


def test_a_step_says_why_it_has_no_figure(tmp_path: Path) -> None:
    events = [opened("step", 0, 100, STARTED), opened("a", 5, 120), mark("step no flops: it failed", 99)]
    found = ranges(tmp_path, events)
    assert (found["step"].no_flops, found["a"].no_flops) == (("it failed",), ())
