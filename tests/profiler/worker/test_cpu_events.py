"""Cycles and instructions are counted where the system lets one, and unknown elsewhere, never 0."""

from __future__ import annotations

import os
import struct

import pytest
from flopprof.profiler.worker import cpu_events
from flopprof.profiler.worker.cpu_events import CpuEvents, count_cpu


def test_what_is_counted_grows_with_the_work_or_is_unknown():
    with count_cpu() as events:
        before = events.read()
        sum(range(200_000))
        after = events.read()
    if before is None:
        assert after is None
    else:
        assert after is not None
        assert after[1] - before[1] > 200_000


def test_a_system_that_refuses_has_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cpu_events, "_open", lambda *_: -1)
    with count_cpu() as events:
        assert events.read() is None


def test_an_unknown_machine_has_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cpu_events.platform, "machine", lambda: "abacus")
    with count_cpu() as events:
        assert events == CpuEvents()


def test_all_threads_add_up_and_a_shared_counter_is_made_up_to_the_whole_time(tmp_path):
    rows = {"a": (100, 50, 50), "b": (100, 50, 25), "c": (7, 0, 0)}
    descriptors = []
    for name, row in rows.items():
        (tmp_path / name).write_bytes(struct.pack("=QQQ", *row))
        descriptors.append(os.open(tmp_path / name, os.O_RDONLY))
    try:
        a, b, c = descriptors
        assert CpuEvents((a, b), (c,)).read() == (300, 7)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
