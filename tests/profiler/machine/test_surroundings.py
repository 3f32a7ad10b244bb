"""What else a machine does is read from its own counters, and from the driver's of a GPU."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
from flopprof.analysis.runs.records import Surroundings
from flopprof.profiler.doctor.busyness import REMEDY, examine_load
from flopprof.profiler.doctor.findings import ok, warning
from flopprof.profiler.machine.gpu_state import GpuState, read_gpu_state
from flopprof.profiler.machine.surroundings import CpuReading, Watch, compare_readings, parse_cpu_times

STAT = "cpu  900 0 0 0\ncpu0 100 10 40 800 50 2 3 20 7 0\ncpu1 500 0 0 500 0 0 0 0 0 0\nintr 1 2 3\n"


def reading(at: float, *, busy: float, own: float = 0.0, stolen: float = 0.0) -> CpuReading:
    return CpuReading(at=at, busy=busy, stolen=stolen, total=2 * at, own=own)


def test_only_the_cpus_of_this_process_count():
    assert parse_cpu_times(STAT, [0], 100) == (1.55, 0.2, 10.25)
    assert parse_cpu_times(STAT, [0, 1], 100) == (6.55, 0.2, 20.25)


def test_what_is_neither_ours_nor_idle_is_others():
    before, after = reading(10.0, busy=4.0), reading(12.0, busy=7.0, own=1.0, stolen=0.1)
    assert compare_readings(before, after) == (1.0, 0.025)
    assert compare_readings(before, reading(10.1, busy=9.0)) is None


def test_a_short_step_is_watched_over_the_half_second_that_ends_with_it():
    readings = iter(
        [reading(0.0, busy=0.0), reading(1.0, busy=0.0), reading(1.4, busy=0.4), reading(1.5, busy=0.5)]
    )
    watch = Watch(lambda: next(readings))
    watch.begin()
    watch.begin()
    assert watch.end().others_cores == 1.0


def test_a_system_without_counters_says_nothing():
    watch = Watch(lambda: None)
    watch.begin()
    seen = watch.end()
    assert (seen.others_cores, seen.steal_share, seen.gpu_mhz) == (None, None, None)


class Driver:
    """The calls of NVML that are used, on one GPU."""

    def __init__(self, *, reasons: int = 0, refuses: bool = False) -> None:
        self.reasons, self.refuses = reasons, refuses

    def nvmlDeviceGetHandleByUUID(self, uuid: bytes, device: Any) -> int:  # noqa: N802
        assert uuid == b"GPU-1"
        device._obj.value = 7
        return 0

    def nvmlDeviceGetClockInfo(self, device: ctypes.c_void_p, kind: int, clock: Any) -> int:  # noqa: N802
        assert (device.value, kind) == (7, 1)
        clock._obj.value = 1980
        return 3 if self.refuses else 0

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, device: ctypes.c_void_p, reasons: Any) -> int:  # noqa: N802
        assert device.value == 7
        reasons._obj.value = self.reasons
        return 3 if self.refuses else 0

    def nvmlDeviceGetComputeRunningProcesses(self, device: ctypes.c_void_p, count: Any, infos: None) -> int:  # noqa: N802
        assert (device.value, infos) == (7, None)
        count._obj.value = 2
        return 3 if self.refuses else 7


def test_a_gpu_says_its_clock_and_what_holds_it_down():
    state = read_gpu_state(lambda: Driver(reasons=0x1 | 0x4 | 0x40), "GPU-1")
    assert state == GpuState(mhz=1980.0, limits=("power cap", "heat (hardware)"), processes=2)


def test_a_driver_that_refuses_leaves_it_unknown():
    assert read_gpu_state(lambda: Driver(refuses=True), "GPU-1") == GpuState(
        mhz=None, limits=(), processes=None
    )
    assert read_gpu_state(lambda: None) is None


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (
            Surroundings(others_cores=1.0, load=2.1),
            warning("load", "other processes kept 1.0 cores busy (load 2.1 over the last minute)", REMEDY),
        ),
        (
            Surroundings(others_cores=0.1, load=0.2),
            ok("load", "other processes keep 0.1 cores busy (load 0.2 over the last minute)"),
        ),
        (Surroundings(), ok("load", "the system does not say what other processes do")),
    ],
)
def test_doctor_judges_a_busy_machine(seen: Surroundings, said: object):
    assert list(examine_load(lambda: seen)) == [said]
