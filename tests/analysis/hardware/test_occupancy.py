"""Occupancy and waves against NVIDIA's occupancy calculator, and what Nsight Compute says of real launches."""

from __future__ import annotations

import csv
import lzma

import pytest
from drawing.nsys_file import Export
from drawing.traces import DATA, read_recorded
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.breakdown.rows import Launch
from flopprof.analysis.export.devices import GpuInfo, limit_sms, read_sm_counts
from flopprof.analysis.hardware.occupancy import (
    LIMITS,
    SmLimits,
    find_limits,
    place_launch,
)
from flopprof.analysis.sqlite.file import SqliteFile
from flopprof.reports.trace.compose import compose_analysis


@pytest.mark.parametrize(
    ("capability", "threads", "registers", "shared_bytes", "occupancy"),
    [
        ((9, 0), 1024, 32, 0, 1.0),
        ((9, 0), 1024, 40, 0, 0.5),  # 1280 registers a warp: 51 warps, one block of 32
        ((9, 0), 256, 64, 0, 0.5),
        ((9, 0), 256, 255, 0, 0.125),
        ((9, 0), 256, 32, 100 * 1024, 0.25),  # two blocks of 101 KiB in 228
        ((9, 0), 32, 16, 0, 0.5),  # 32 block slots
        ((8, 6), 128, 32, 0, 1.0),
        ((8, 6), 1024, 32, 0, 2 / 3),
        ((7, 5), 1024, 64, 0, 1.0),
        ((7, 0), 256, 32, 48 * 1024, 0.25),
        ((8, 0), 96, 200, 0, 0.09375),  # registers for ten warps, eight in fours: two blocks of 3
    ],
)
def test_blocks_are_limited_by_the_scarcest_resource(
    capability: tuple[int, int], threads: int, registers: int, shared_bytes: int, occupancy: float
):
    found = place(LIMITS[capability], threads=threads, registers=registers, shared_bytes=shared_bytes)
    assert found is not None
    assert found.occupancy == pytest.approx(occupancy)


def place(limits: SmLimits, *, threads: int, registers: int, shared_bytes: int):
    return place_launch(
        limits, 132, blocks=1000, threads=threads, registers=registers, shared_bytes=shared_bytes
    )


def test_a_launch_that_cannot_be_has_no_place():
    limits = LIMITS[9, 0]
    assert place(limits, threads=0, registers=32, shared_bytes=0) is None
    assert place(limits, threads=1024, registers=255, shared_bytes=0) is None
    assert place(limits, threads=32, registers=32, shared_bytes=1 << 20) is None


def test_the_traces_own_limits_come_first_and_unknown_parts_have_none():
    assert find_limits(GpuInfo(id=0)) is None
    assert find_limits(GpuInfo(id=0, compute_major=99, compute_minor=0)) is None
    limits = find_limits(GpuInfo(id=0, compute_major=9, compute_minor=0, max_warps_per_sm=32))
    assert limits is not None
    assert (limits.warps, limits.blocks) == (32, 32)


def test_without_a_count_of_sms_there_are_blocks_per_sm_but_no_slots():
    found = place_launch(LIMITS[9, 0], None, blocks=10, threads=512, registers=24, shared_bytes=0)
    assert found is not None
    assert (found.blocks_per_sm, found.slots, found.waves) == (4, None, None)


def test_blocks_per_sm_and_waves_are_those_of_nsight_compute():
    """Every kernel of a real pass of `ncu`, whose limits and waves come from the driver."""
    with lzma.open(DATA / "ncu_h200.csv.xz", "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    header = next(row for row in rows if row[:1] == ["ID"])
    launches = [dict(zip(header, row, strict=True)) for row in rows if row[0].isdigit()]
    assert len(launches) == 25

    def number(launch: dict[str, str], name: str) -> float:
        return float(launch[name].replace(",", ""))

    for launch in launches:
        limits = ("registers", "shared_mem", "blocks", "warps", "barriers")
        shared = sum(number(launch, f"launch__shared_mem_per_block_{part}") for part in ("static", "dynamic"))
        found = place_launch(
            LIMITS[9, 0],
            132,
            blocks=int(number(launch, "launch__grid_size")),
            threads=int(number(launch, "launch__block_size")),
            registers=int(number(launch, "launch__registers_per_thread")),
            shared_bytes=int(shared),
        )
        assert found is not None
        assert found.blocks_per_sm == count_by_nvidia(launch, limits)
        if not number(launch, "launch__cluster_size"):
            assert found.waves == pytest.approx(
                number(launch, "launch__waves_per_multiprocessor"), abs=0.00501
            )


def count_by_nvidia(launch: dict[str, str], limits: tuple[str, ...]) -> int:
    """The least of its limits; that of shared memory is for the carve-out in use, and the driver may change it."""
    least = {name: int(launch[f"launch__occupancy_limit_{name}"]) for name in limits if name != "shared_mem"}
    per_block = int(launch["launch__shared_mem_per_block_allocated"].replace(",", ""))
    return min(*least.values(), 233472 // per_block if per_block else 32)


def test_the_waves_of_the_experiment_on_an_h200():
    """Every kernel of the recorded loops at N = 8000."""
    kernels = analyze_trace(read_recorded("gpu_metrics_100khz")).kernels
    found = {
        (row.kernel.split("<")[0].split("(")[0], launch.grid): (
            launch.blocks_per_sm,
            launch.slots,
            round(launch.waves or 0, 2),
        )
        for row in kernels
        for launch in row.launches
    }
    cub = "void cub::CUB_300102_SM_750_800_860_890_900_1000_1200::detail::reduce::DeviceFixedSizeSegmentedReduceKernel"
    assert found == {
        ("cupy_sum", (250, 1, 1)): (4, 528, 0.47),
        ("void gemv2T_kernel_val", (1000, 1, 1)): (7, 924, 1.08),
        ("void cutlass::Kernel2", (2000, 8, 1)): (6, 792, 20.2),
        ("void at::native::reduce_kernel", (63, 34, 1)): (9, 1188, 1.8),
        ("void at::native::reduce_kernel", (500, 1, 1)): (4, 528, 0.95),
        (cub, (8000, 1, 1)): (8, 1056, 7.58),
    }


def drawn_launch(blocks: int, slots: int | None) -> Launch:
    return Launch(
        grid=(blocks, 1, 1),
        block=(512, 1, 1),
        registers=24,
        static_shared_bytes=0,
        dynamic_shared_bytes=0,
        occupancy=1.0,
        blocks_per_sm=4,
        slots=slots,
        waves=None if slots is None else blocks / slots,
        instances=1,
        total_ns=1,
        median_ns=1.0,
    )


@pytest.mark.parametrize(
    ("blocks", "fill", "tail", "underfilled"),
    [
        (250, 250 / 528, None, True),
        (500, 500 / 528, None, False),
        (528, 1.0, None, False),
        (625, 1.0, 625 / 1056, True),
        (950, 1.0, 950 / 1056, False),
        (528 * 5 + 1, 1.0, (528 * 5 + 1) / (528 * 6), False),  # five full waves outweigh an empty one
    ],
)
def test_a_launch_fills_one_wave_or_has_a_tail(
    blocks: int, fill: float, tail: float | None, underfilled: bool
):
    launch = drawn_launch(blocks, 528)
    assert (launch.fill, launch.tail, launch.underfilled) == (fill, tail, underfilled)


def test_without_slots_nothing_is_said_of_waves():
    launch = drawn_launch(250, None)
    assert (launch.waves, launch.fill, launch.tail, launch.underfilled) == (None, None, None, False)


def test_a_part_of_a_gpu_has_the_sms_that_its_processes_see(tmp_path):
    export = Export()
    for gpu, pid, count in ((0, 7, 66), (0, 8, 66), (1, 7, 132), (2, 7, 16), (2, 8, 32)):
        export.add("TARGET_INFO_CUDA_DEVICE", gpuId=gpu, cudaId=0, pid=pid, numMultiprocessors=count)
    with SqliteFile(export.write(tmp_path / "mig.sqlite")) as file:
        counts = read_sm_counts(file)
    assert counts == {0: 66, 1: 132}  # of GPU 2 two processes have different parts
    gpus = limit_sms({id: GpuInfo(id=id, sm_count=132) for id in (0, 1, 2)}, counts)
    assert {id: gpu.sm_count for id, gpu in gpus.items()} == {0: 66, 1: 132, 2: 132}


def test_a_traces_report_says_which_kernels_leave_the_gpu_empty():
    document = compose_analysis(analyze_trace(read_recorded("gpu_metrics_100khz")))
    (table,) = (table for section in document.sections for table in section.tables if table.name == "kernels")
    assert table.notes[1:] == (
        "#1: 250 blocks fill 47.3 % of 528 slots.",
        "#2: 1000 blocks are 1.08 waves of 924 slots, the last 8.2 % full.",
    )
