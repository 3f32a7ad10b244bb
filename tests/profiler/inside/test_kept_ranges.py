"""Ranges that a process keeps itself, and the calls of NVTX that end up there."""

from __future__ import annotations

import importlib
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
from flopprof.analysis.kineto.events import NvtxEvent
from flopprof.profiler.inside.kept_ranges import MARK, PUSH_POP, START_END, KeptRanges
from flopprof.profiler.inside.nvtx_bridges import AfterImport, bridges
from flopprof.profiler.program.inside_recorder import read_ranges


def saved(ranges: KeptRanges, folder: Path) -> list[NvtxEvent]:
    place = folder / "7"
    place.mkdir()
    ranges.save(place)
    return list(read_ranges(place))


def test_ranges_nest_by_thread_and_domain(tmp_path: Path) -> None:
    ranges = KeptRanges()
    assert (ranges.push("a"), ranges.push("b", "mine", 7), ranges.push("c")) == (0, 0, 1)
    other = threading.Thread(target=lambda: (ranges.push("d"), ranges.pop()))
    other.start()
    other.join()
    assert (ranges.pop(), ranges.pop("mine"), ranges.pop(), ranges.pop()) == (1, 0, 0, -1)
    rows = saved(ranges, tmp_path)
    assert [(row.name, row.domain, row.payload, row.kind) for row in rows] == [
        ("d", "", None, PUSH_POP),
        ("c", "", None, PUSH_POP),
        ("b", "mine", 7, PUSH_POP),
        ("a", "", None, PUSH_POP),
    ]
    assert {row.pid for row in rows} == {7}
    assert rows[0].tid != rows[1].tid == rows[3].tid == threading.get_native_id()
    assert all(row.end is not None and row.start <= row.end for row in rows)


def test_what_is_open_at_the_end_has_no_end(tmp_path: Path) -> None:
    ranges = KeptRanges()
    ranges.push("open")
    ranges.start("begun", payload=1.5)
    rows = saved(ranges, tmp_path)
    assert [(row.name, row.end, row.payload, row.kind) for row in rows] == [
        ("open", None, None, PUSH_POP),
        ("begun", None, 1.5, START_END),
    ]


def test_a_range_may_end_on_another_thread(tmp_path: Path) -> None:
    ranges = KeptRanges()
    number = ranges.start("across", "mine")
    other = threading.Thread(target=lambda: (ranges.mark("there"), ranges.end(number), ranges.end(number)))
    other.start()
    other.join()
    mark, across = saved(ranges, tmp_path)
    assert (mark.kind, mark.name, mark.end) == (MARK, "there", None)
    assert (across.kind, across.name, across.domain, across.tid) == (
        *(START_END, "across", "mine"),
        threading.get_native_id(),
    )
    assert across.end_tid == mark.tid != across.tid


@pytest.fixture
def bridged(monkeypatch: pytest.MonkeyPatch) -> KeptRanges:
    """Modules that are loaded anew for this test, with their calls answered here."""
    ranges = KeptRanges()
    for name in ("nvtx", "nvtx.nvtx", "torch.cuda.nvtx"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [AfterImport(bridges(ranges)), *sys.meta_path])
    return ranges


def test_the_nvtx_package_is_answered(bridged: KeptRanges, tmp_path: Path) -> None:
    nvtx = importlib.import_module("nvtx")

    @nvtx.annotate(domain="mine", payload=3)
    def product() -> int:
        with nvtx.annotate("inner", color="green"):
            return 4

    nvtx.push_range("pushed", domain="mine")
    assert product() == 4
    nvtx.mark("here")
    nvtx.pop_range(domain="mine")
    nvtx.end_range(nvtx.start_range(message="started"))
    assert [(row.name, row.domain, row.payload) for row in saved(bridged, tmp_path)] == [
        ("inner", "", None),
        ("product", "mine", 3),
        ("here", "", None),
        ("pushed", "mine", None),
        ("started", "", None),
    ]


def test_torchs_nvtx_is_answered(bridged: KeptRanges, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    nvtx: ModuleType = importlib.import_module("torch.cuda.nvtx")
    with nvtx.range("step {}", 3):
        assert nvtx.range_push("inner") == 1
        nvtx.mark("here")
        assert nvtx.range_pop() == 1
    nvtx.range_end(nvtx.range_start("started"))
    assert [row.name for row in saved(bridged, tmp_path)] == ["here", "inner", "step 3", "started"]
