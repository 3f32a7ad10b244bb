"""Two who want torch's one profiler: the program's own comes first, and the recording goes on around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flopprof.analysis.archives.scrub import scrub_trace
from flopprof.analysis.kineto.sessions import find_sessions
from flopprof.analysis.trace.reading import read_trace
from flopprof.profiler.inside.giving_way import GivingWay
from flopprof.profiler.inside.torch_activity import TorchActivity
from flopprof.profiler.recorders.recorder import EmbeddedRecorder
from flopprof.profiler.worker.embedded import EmbeddedTrace
from flopprof.profiler.worker.range_writer import MemoryRanges

torch = pytest.importorskip("torch")
profiler = torch.autograd.profiler


class CpuActivity(TorchActivity):
    """Sessions of the CPU's operators, for machines without a device; what each has recorded is kept."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.recorded: list[list[str]] = []

    def _start(self) -> None:
        self._profile = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])
        self._profile.start()

    def _stop(self, profile: Any, gives_way: bool) -> None:
        profile.stop()
        self.recorded.append(names_of(profile))
        self._write_clock([], gives_way)


@pytest.fixture
def activity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CpuActivity]:
    for name in ("_prepare_profiler", "_enable_profiler", "_disable_profiler"):
        monkeypatch.setattr(profiler, name, getattr(profiler, name))
    for name in ("__enter__", "__exit__"):
        monkeypatch.setattr(profiler.emit_nvtx, name, getattr(profiler.emit_nvtx, name))
    yield CpuActivity(tmp_path)
    assert not torch.autograd._profiler_enabled()


def watched(activity: TorchActivity) -> GivingWay:
    giving = GivingWay(activity)
    giving.watch(profiler)
    return giving


def names_of(profile: Any) -> list[str]:
    return [event.name for event in profile.events() if event.name in ("aten::sin", "aten::cos")]


def profile_cos() -> list[str]:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as own:
        torch.ones(3).cos()
    return names_of(own)


def test_what_the_program_profiles_itself_is_its_own(activity: CpuActivity, tmp_path: Path) -> None:
    giving = watched(activity)
    giving.begin()
    torch.ones(3).sin()
    assert profile_cos() == ["aten::cos"]
    torch.ones(3).sin().sin()
    giving.end()
    assert activity.recorded == [["aten::sin"], ["aten::sin"] * 2]
    assert [(one.gives_way, one.problem) for one in find_sessions(tmp_path)] == [(True, None), (False, None)]


def test_a_profile_by_a_schedule_is_given_way_to_in_each_of_its_cycles(activity: CpuActivity) -> None:
    giving = watched(activity)
    giving.begin()
    found: list[list[str]] = []
    schedule = torch.profiler.schedule(wait=1, warmup=1, active=1, repeat=2)
    keep: Callable[[Any], None] = lambda own: found.append(names_of(own))  # noqa: E731
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], schedule=schedule, on_trace_ready=keep
    ) as own:
        for _ in range(6):
            torch.ones(3).cos()
            own.step()
    giving.end()
    assert found == [["aten::cos"]] * 2
    assert activity.recorded == [["aten::cos"]] * 2 + [[]], "the steps waited for are nobody else's"


def test_a_device_first_used_inside_the_programs_profile_is_recorded_after_it(
    activity: CpuActivity, tmp_path: Path
) -> None:
    giving = watched(activity)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]):
        giving.begin()
    torch.ones(3).sin()
    giving.end()
    assert activity.recorded == [["aten::sin"]]
    assert [(one.gives_way, one.problem) for one in find_sessions(tmp_path)] == [(True, None), (False, None)]


def test_a_profile_that_cannot_begin_takes_nothing_away(activity: CpuActivity) -> None:
    giving = watched(activity)
    giving.begin()
    with pytest.raises(TypeError):
        profiler._enable_profiler("nonsense")
    torch.ones(3).sin()
    giving.end()
    assert activity.recorded == [[], ["aten::sin"]]


def test_ranges_made_in_cpp_where_nothing_reads_them_take_nothing_away(activity: CpuActivity) -> None:
    giving = watched(activity)
    giving.begin()
    with profiler.emit_nvtx():
        torch.ones(3).sin()
    giving.end()
    assert activity.recorded == [["aten::sin"]]


def test_a_trace_with_a_gap_says_that_the_program_used_the_profiler(tmp_path: Path) -> None:
    ranges = MemoryRanges()
    with EmbeddedTrace(tmp_path / "raw.sqlite") as trace:
        TorchActivity(tmp_path).leave_out()
        with ranges.range("step"):
            pass
        trace.append(ranges.take())
    scrub_trace(EmbeddedRecorder().collect(tmp_path), tmp_path / "trace.sqlite")
    (cut, *_) = read_trace(tmp_path / "trace.sqlite").quality
    assert (cut.code, cut.count) == ("activity_cut_short", 1)
    assert "(torch.profiler was used by the program itself, and recorded nothing" in cut.message
