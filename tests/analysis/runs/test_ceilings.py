"""Stored ceilings: whose they are, how they are read, and what a roof is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drawing.scenario_steps import make_step
from flopprof.analysis.errors import CeilingsError
from flopprof.analysis.export.devices import GpuInfo
from flopprof.analysis.runs.ceilings import (
    Ceiling,
    Ceilings,
    MeasuredRate,
    ceilings_path,
    read_ceilings,
    write_ceilings,
)
from flopprof.analysis.runs.peaks import measured_peaks, peaks_of_device
from flopprof.analysis.runs.records import Gpu, Machine
from flopprof.analysis.runs.roof import Roof, Timing, roof_of_step
from flopprof.scenarios.operations.ops import Matvec
from flopprof.scenarios.plan.work import step_work
from hypothesis import given
from hypothesis import strategies as st

UUID = "1589f921-efde-b773-f607-cae575e89544"
H200 = GpuInfo(
    id=0,
    name="NVIDIA H200",
    uuid=UUID,
    sm_count=132,
    clock_hz=1_980_000_000,
    bandwidth_bytes_per_s=4_814_304_000_000,
    l2_bytes=62_914_560,
    compute_major=9,
    compute_minor=0,
)
MACHINE = Machine(
    system="Linux",
    cpu="AMD EPYC",
    cores=16,
    memory_bytes=1 << 37,
    python="3.11",
    versions={},
    gpus=[Gpu(ordinal=0, name="NVIDIA H200", uuid=f"GPU-{UUID}")],
)


def rate(dtype: str, unit, teraflops: float) -> MeasuredRate:
    return MeasuredRate(dtype=dtype, unit=unit, flops_per_s=teraflops * 1e12, n=8192)


def of_gpu(backend: str = "torch", *, read: float = 4.35e12) -> Ceiling:
    """What the experiment's machine reached."""
    return Ceiling(
        device="cuda",
        name="NVIDIA H200",
        uuid=f"GPU-{UUID}",
        backend=backend,
        version="2.11.0",
        measured_at="2026-11-24T04:00:00+00:00",
        copy_bytes_per_s=4.30e12,
        read_bytes_per_s=read,
        write_bytes_per_s=4.68e12,
        array_bytes=1 << 31,
        cache_bytes=62_914_560,
        rates=[rate("float32", "fma", 51), rate("float64", "tensor", 64)],
        launch_ns=2000.0,
    )


def of_cpu(**changes) -> Ceiling:
    plain = of_gpu().model_dump() | {"device": "cpu", "name": "AMD EPYC", "uuid": None, "cores": 16}
    scaled = {
        "copy_bytes_per_s": 30e9,
        "read_bytes_per_s": 40e9,
        "write_bytes_per_s": 20e9,
        "cache_bytes": 32 << 20,
        "rates": [rate("float32", "fma", 1.5).model_dump(), rate("float16", "fma", 0.001).model_dump()],
    }
    return Ceiling.model_validate(plain | scaled | changes)


def test_a_measured_roof_is_the_fastest_of_copy_read_and_write():
    peaks = measured_peaks([of_gpu()], None, None)
    assert peaks.bytes_per_s == 4.68e12
    assert peaks.source == "NVIDIA H200 measured on 2026-11-24 with torch 2.11.0: 4.68 TB/s (write)"


def test_every_librarys_best_counts():
    peaks = measured_peaks([of_gpu(), of_gpu("cupy", read=4.7e12)], None, None)
    assert peaks.bytes_per_s == 4.7e12
    assert peaks.source.endswith("with torch 2.11.0 and cupy 2.11.0: 4.70 TB/s (read)")


def test_a_measured_ceiling_wins_over_the_data_sheet_which_fills_its_gaps():
    peaks = peaks_of_device("cuda", H200, MACHINE, Ceilings(ceilings=[of_gpu()]))
    assert peaks is not None
    assert peaks.flops_rate("float32", "fma") == 51e12
    assert peaks.flops_rate("float64", "tensor") == 64e12
    assert peaks.flops_rate("float64", "fma") == 2 * 64 * 132 * 1_980_000_000
    assert peaks.l2_bytes == 62_914_560
    assert "by its data sheet: bfloat16 fma, bfloat16 tensor, float16 fma, float16 tensor, float64 fma" in (
        peaks.source
    )


def test_without_a_data_sheet_the_matrix_product_bounds_the_ordinary_lanes():
    assert measured_peaks([of_gpu()], None, None).flops_rate("float64", "fma") == 64e12


def test_anothers_ceiling_is_not_used():
    stranger = of_gpu().model_copy(update={"uuid": "GPU-00000000-0000-0000-0000-000000000000"})
    peaks = peaks_of_device("cuda", H200, MACHINE, Ceilings(ceilings=[stranger, of_cpu(cores=8)]))
    assert peaks is not None
    assert peaks.source.startswith("NVIDIA H200 by its data sheet")
    assert peaks_of_device("cpu", None, MACHINE, Ceilings(ceilings=[of_gpu(), of_cpu(cores=8)])) is None


def test_a_trace_without_uuids_means_the_only_gpu():
    bare = GpuInfo(id=0, name="NVIDIA H200")
    stored = Ceilings(ceilings=[of_gpu()])
    peaks = peaks_of_device("cuda", bare, MACHINE, stored)
    assert peaks is not None and peaks.bytes_per_s == 4.68e12
    two = MACHINE.model_copy(update={"gpus": [*MACHINE.gpus, Gpu(ordinal=1, name="NVIDIA H200")]})
    assert peaks_of_device("cuda", bare, two, stored) is None


def test_a_cpu_step_has_a_share_of_measured_ceilings():
    peaks = peaks_of_device("cpu", None, MACHINE, Ceilings(ceilings=[of_cpu()]))
    assert peaks is not None
    work = step_work(make_step(Matvec(), n=20_000))
    roof = roof_of_step(work, Timing(kernel_ns=50e6), peaks)
    assert roof.share == pytest.approx(4 * (20_000**2 + 40_000) / 40e9 / 50e-3)
    assert roof.source == "AMD EPYC measured on 2026-11-24 with torch 2.11.0: 40.0 GB/s (read)"


def test_what_fits_into_the_cpus_cache_has_no_share():
    peaks = peaks_of_device("cpu", None, MACHINE, Ceilings(ceilings=[of_cpu()]))
    assert peaks is not None
    roof = roof_of_step(step_work(make_step(Matvec(), n=1000)), Timing(kernel_ns=1e5), peaks)
    assert roof == Roof(source=peaks.source, note="l3_resident", limit=None)


def test_half_precision_computes_no_slower_than_float32():
    assert measured_peaks([of_cpu()], None, None).flops_rate("float16", "fma") == 1.5e12


def test_calibrating_again_replaces_that_library_on_that_device_only():
    first = Ceilings().with_measured([of_gpu(), of_gpu("cupy"), of_cpu()])
    again = first.with_measured([of_gpu(read=4.4e12)])
    assert again.ceilings == [of_gpu(read=4.4e12), of_gpu("cupy"), of_cpu()]


def test_a_run_takes_only_its_own_machines():
    stored = Ceilings(ceilings=[of_cpu(cores=8), of_gpu(), of_cpu()])
    assert stored.of_machine(MACHINE).ceilings == [of_gpu(), of_cpu()]


@given(
    st.lists(
        st.builds(
            of_cpu,
            cores=st.integers(1, 3),
            backend=st.sampled_from(["torch", "numpy"]),
            launch_ns=st.floats(1, 1e6),
        )
    )
)
def test_ceilings_come_back_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, ones):
    path = tmp_path_factory.mktemp("c") / "new" / "ceilings.json"
    ceilings = Ceilings().with_measured(ones)
    write_ceilings(path, ceilings)
    assert read_ceilings(path) == ceilings
    assert [entry.name for entry in path.parent.iterdir()] == ["ceilings.json"]


def test_no_file_means_no_ceilings(tmp_path: Path):
    assert read_ceilings(tmp_path / "none.json") == Ceilings()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"copy_bytes_per_s": -1.0}, "ceilings.0.copy_bytes_per_s"),
        ({"read_bytes_per_s": "fast"}, "ceilings.0.read_bytes_per_s"),
        ({"write_bytes_per_s": None}, "ceilings.0.write_bytes_per_s"),
        ({"colour": "red"}, "ceilings.0.colour"),
    ],
)
def test_a_bad_entry_is_named_in_one_line(tmp_path: Path, change: dict[str, object], place: str):
    path = tmp_path / "ceilings.json"
    path.write_text(json.dumps({"ceilings": [of_gpu().model_dump() | change]}), encoding="utf-8")
    with pytest.raises(CeilingsError) as caught:
        read_ceilings(path)
    assert str(caught.value).startswith(f"{path}: {place} ")
    assert str(caught.value).endswith("; delete it and calibrate again")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"flopprof": 2}', '{"ceilings": 1}'])
def test_what_is_no_ceilings_file_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "ceilings.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CeilingsError):
        read_ceilings(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CeilingsError, match=r"cannot be written .*; name another file by FLOPPROF_CEILINGS"):
        write_ceilings(tmp_path / "file" / "ceilings.json", Ceilings())


def test_the_file_is_where_the_environment_says():
    assert ceilings_path({"FLOPPROF_CEILINGS": "/a/b.json"}) == Path("/a/b.json")
    assert ceilings_path({"XDG_DATA_HOME": "/data"}) == Path("/data/flopprof/ceilings.json")
    assert ceilings_path({}) == Path.home() / ".local" / "share" / "flopprof" / "ceilings.json"
