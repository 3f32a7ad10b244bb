"""Sessions of torch.profiler in a process: what they leave, also where there is no CUDA device."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from flopprof.analysis.archives.scrub import scrub_trace
from flopprof.analysis.kineto.sessions import find_sessions
from flopprof.analysis.trace.reading import read_trace
from flopprof.profiler.inside.torch_activity import BURST, SPACES, TorchActivity, take_stamps
from flopprof.profiler.machine.machine import cuda_devices
from flopprof.profiler.recorders.recorder import EmbeddedRecorder
from flopprof.profiler.worker.embedded import EmbeddedTrace
from flopprof.profiler.worker.range_writer import MemoryRanges


@pytest.mark.skipif(bool(cuda_devices()), reason="there is a CUDA device here")
def test_without_a_device_the_trace_says_that_nothing_was_recorded(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    activity, ranges = TorchActivity(tmp_path), MemoryRanges()
    with EmbeddedTrace(tmp_path / "raw.sqlite") as trace:
        with activity.session(), ranges.range("step"):
            pass
        trace.append(ranges.take())
    scrub_trace(EmbeddedRecorder().collect(tmp_path), tmp_path / "trace.sqlite")
    quality = {note.code: note for note in read_trace(tmp_path / "trace.sqlite").quality}
    assert list(quality) == ["activity_not_recorded", "missing_device_work", "embedded_recorder"]
    assert quality["activity_not_recorded"].message.endswith(
        "(torch.profiler recorded no device activity: torch finds no CUDA device.)"
    )


def test_a_session_that_could_not_begin_is_one_all_the_same(tmp_path: Path) -> None:
    activity = TorchActivity(tmp_path)
    activity.problem = "the device is another's"
    for _ in range(2):
        with activity.session():
            pass
    assert [session.problem for session in find_sessions(tmp_path)] == ["the device is another's"] * 2
    (record, _) = sorted(tmp_path.glob("*.clock.json"))
    threads = json.loads(record.read_text(encoding="utf-8"))["threads"]
    assert threading.get_native_id() in threads.values()


def test_stamps_hold_their_calls_in_order() -> None:
    calls: list[int] = []
    stamps = take_stamps(lambda: calls.append(len(calls)))
    assert len(stamps) == len(calls) == BURST * len(SPACES)
    assert stamps == sorted(stamps) and all(before <= after for before, after in stamps)
