"""`flopprof calibrate`: a real measurement of this CPU, and what a run then says of it."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from flopprof.analysis.runs.account import account_run
from flopprof.analysis.runs.ceilings import Ceiling, Ceilings, read_ceilings, write_ceilings
from flopprof.analysis.runs.results import Costs
from flopprof.profiler.capture import calibration
from flopprof.profiler.capture.calibration import NothingToCalibrate, calibrate
from flopprof.profiler.commands.app import app
from flopprof.profiler.machine.machine import last_level_cache_bytes
from flopprof.profiler.worker import ceilings as ceiling_worker
from flopprof.profiler.worker.ceilings import MEBIBYTE, CeilingJob, array_bytes
from flopprof.scenarios.errors import StepFailure
from flopprof.scenarios.libraries.opening import open_backend
from running.commands import run_here

CACHE_BYTES = 1 << 16
SCENARIO = """\
name: tiny
variants:
  matvec: [matvec]
backends: [numpy]
devices:  [cpu]
dtypes:   [float32]
sweep:    {n: [16, 600]}
reps:     {count: 5, warmup: 1, max_seconds: 60}
"""


def flopprof(folder: Path, *arguments: str, ceilings: Path | None = None) -> str:
    with pytest.MonkeyPatch.context() as here:
        here.setenv("FLOPPROF_CEILINGS", str(ceilings or folder / "ceilings.json"))
        return run_here(*arguments, folder=folder)[0]


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with NumPy's ceilings measured here, but for the size of the cache: not every machine's leaves room."""
    folder = tmp_path_factory.mktemp("calibrated")
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as here, contextlib.redirect_stdout(out):
        here.setenv("FLOPPROF_CEILINGS", str(folder / "ceilings.json"))
        here.setattr(calibration, "last_level_cache_bytes", lambda: CACHE_BYTES)
        here.setattr(calibration, "PLACES", (("numpy", "cpu"),))
        app(["calibrate", "--devices", "cpu", "--seconds", "0.01", "--json"], standalone_mode=False)
    (folder / "calibrate.json").write_text(out.getvalue(), encoding="utf-8")
    (folder / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(calibrated: Path) -> dict[str, Any]:
    out = flopprof(calibrated, "run", "s.yaml", "--recorder", "embedded", "--out", "run", "--json")
    return json.loads(out)


def numpys(folder: Path) -> Ceiling:
    (found,) = [one for one in read_ceilings(folder / "ceilings.json").ceilings if one.backend == "numpy"]
    return found


@pytest.mark.slow
def test_what_is_printed_is_what_is_stored(calibrated: Path) -> None:
    printed = json.loads((calibrated / "calibrate.json").read_text(encoding="utf-8"))
    stored = json.loads((calibrated / "ceilings.json").read_text(encoding="utf-8"))
    assert (printed["flopprof"], printed["failed"]) == (1, [])
    assert printed["ceilings"] == stored["ceilings"]
    assert printed["path"] == str(calibrated / "ceilings.json")


def test_a_cpu_has_all_its_ceilings(calibrated: Path) -> None:
    ceiling = numpys(calibrated)
    assert (ceiling.device, ceiling.uuid) == ("cpu", None)
    assert [rate.dtype for rate in ceiling.rates] == ["float16", "float32", "float64"]
    assert {rate.unit for rate in ceiling.rates} == {"fma"}
    assert ceiling.cache_bytes == CACHE_BYTES
    assert ceiling.array_bytes > 2 * CACHE_BYTES


def test_ceilings_are_bytes_and_flops_of_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock by which all takes a millisecond."""
    monkeypatch.setattr(ceiling_worker, "array_bytes", lambda free, cache: MEBIBYTE)
    monkeypatch.setattr(ceiling_worker, "median_ns", lambda backend, run, seconds: 1e6)
    monkeypatch.setattr(ceiling_worker, "timed_batch", lambda backend, run, size: 1e-3)
    job = CeilingJob(
        backend="numpy",
        device="cpu",
        name="a CPU",
        uuid=None,
        cores=2,
        cache_bytes=64,
        measured_at="2026-01-02T03:04:05+00:00",
        seconds=1e-3,
        progress=str(tmp_path / "progress"),
        outcome=str(tmp_path / "outcome"),
    )
    ceiling = ceiling_worker.measure_ceiling(job, open_backend("numpy", "cpu"))
    bandwidths = (ceiling.copy_bytes_per_s, ceiling.read_bytes_per_s, ceiling.write_bytes_per_s)
    assert bandwidths == pytest.approx((2 * MEBIBYTE * 1e3, MEBIBYTE * 1e3, MEBIBYTE * 1e3))
    reached = [(rate.dtype, rate.n, rate.flops_per_s) for rate in ceiling.rates]
    flops = pytest.approx((2 * 256**3 - 256**2) * 1e3)
    assert reached == [(dtype, 256, flops) for dtype in ("float16", "float32", "float64")]
    assert ceiling.launch_ns == 1e6


@pytest.mark.slow
def test_every_library_that_is_here_is_calibrated(tmp_path: Path) -> None:
    out = json.loads(flopprof(tmp_path, "calibrate", "--devices", "cpu", "--seconds", "0.01", "--json"))
    here = {name for name in ("torch", "numpy") if find_spec(name) is not None}
    assert {one["backend"] for one in out["ceilings"]} == here


@pytest.mark.slow
def test_a_run_takes_the_ceilings_with_it(calibrated: Path, run: dict[str, Any]) -> None:
    carried = read_ceilings(calibrated / "run" / "ceilings.json")
    assert carried.ceilings == read_ceilings(calibrated / "ceilings.json").ceilings
    (line,) = run["ceilings"]
    assert " measured on 20" in line


def test_a_report_elsewhere_says_the_same(calibrated: Path, run: dict[str, Any]) -> None:
    elsewhere = calibrated / "none.json"
    again = json.loads(flopprof(calibrated, "report", "run", "--format", "json", ceilings=elsewhere))
    assert (again["ceilings"], again["steps"]) == (run["ceilings"], run["steps"])


def costs_under(run: Path, copy: Path, *, rate: float) -> list[Costs]:
    """What a run's two steps cost under ceilings of which each is so many bytes or FLOPs a second."""
    shutil.copytree(run, copy)
    carried = read_ceilings(copy / "ceilings.json").ceilings
    bandwidths = dict.fromkeys(("copy_bytes_per_s", "read_bytes_per_s", "write_bytes_per_s"), rate)
    drawn = [
        one.model_copy(
            update={
                **bandwidths,
                "rates": [reached.model_copy(update={"flops_per_s": rate}) for reached in one.rates],
            }
        )
        for one in carried
    ]
    write_ceilings(copy / "ceilings.json", Ceilings(ceilings=drawn))
    return [step.costs for step in account_run(copy).steps]


@pytest.mark.usefixtures("run")
def test_a_cpu_step_stands_under_its_roof(calibrated: Path, tmp_path: Path) -> None:
    """Under one that no machine reaches; one that every machine passes is no ceiling, and what was reached is."""
    small, large = costs_under(calibrated / "run", tmp_path / "high", rate=1e18)
    assert (small.roof_share, small.roof_note) == (None, "l3_resident")
    assert large.roof_source is not None and "measured on 20" in large.roof_source
    assert large.roof_note is None and large.roof_share is not None and 0 < large.roof_share < 1
    small, large = costs_under(calibrated / "run", tmp_path / "low", rate=1.0)
    assert (small.roof_share, small.roof_note) == (None, "l3_resident")
    assert large.roof_share is not None and 0 < large.roof_share <= 1 + 1e-9
    assert large.roof_note is None and "; raised to " in (large.roof_source or "")


@pytest.mark.slow
def test_a_run_made_before_takes_what_is_stored_later(calibrated: Path) -> None:
    arguments = ("run", "s.yaml", "--recorder", "embedded", "--out", "old", "--json")
    before = json.loads(flopprof(calibrated, *arguments, ceilings=calibrated / "none.json"))
    assert {step["roof_note"] for step in before["steps"]} == {"no_ceiling"}
    assert not (calibrated / "old" / "ceilings.json").exists()
    after = json.loads(flopprof(calibrated, "report", "old", "--format", "json"))
    assert "no_ceiling" not in {step["roof_note"] for step in after["steps"]}


def test_a_bad_file_ends_a_run_before_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOPPROF_CEILINGS", str(tmp_path / "ceilings.json"))
    (tmp_path / "ceilings.json").write_text("{}x", encoding="utf-8")
    (tmp_path / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    for arguments in (["run", "s.yaml", "--out", "run"], ["calibrate", "--devices", "cpu"]):
        _, complaint = run_here(*arguments, code=2, folder=tmp_path)
        assert complaint.startswith(f"flopprof: {tmp_path / 'ceilings.json'}: ")
        assert complaint.endswith("; delete it and calibrate again\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("names", ["gpu", "cpu,tpu", ""])
def test_an_unknown_device_is_named(tmp_path: Path, names: str) -> None:
    _, complaint = run_here("calibrate", "--devices", names, code=2, folder=tmp_path)
    assert complaint.count("\n") == 1
    assert "choose from cuda, cpu" in complaint


def test_without_any_library_the_reasons_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "flopprof.profiler.capture.calibration.missing_reason", lambda backend, device: f"no {backend} here"
    )
    with pytest.raises(NothingToCalibrate, match=r"torch on cpu: no torch here; numpy on cpu: no numpy here"):
        calibrate(["cpu"], seconds=0.01)


def test_a_worker_that_dies_is_a_failure_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = (sys.executable, "-c", "import os, sys; print('ouch', flush=True); os.kill(os.getpid(), 9)")
    monkeypatch.setattr("flopprof.profiler.capture.calibration.WORKER", dying)
    monkeypatch.setattr("flopprof.profiler.capture.calibration.PLACES", (("numpy", "cpu"),))
    monkeypatch.setenv("FLOPPROF_CEILINGS", str(tmp_path / "ceilings.json"))
    with pytest.raises(NothingToCalibrate, match=r"numpy on cpu: the worker was killed by SIGKILL .* ouch"):
        calibrate(["cpu"], seconds=0.01)
    assert not (tmp_path / "ceilings.json").exists()


@pytest.mark.parametrize(
    ("free", "cache", "size"),
    [
        (128 << 30, 32 << 20, 256 << 20),
        (128 << 30, 128 << 20, 1024 << 20),
        (128 << 30, 1 << 30, None),  # 2 GiB at most are no more than twice this cache
        (128 << 30, None, 256 << 20),
        (1 << 30, 32 << 20, 128 << 20),
        (256 << 20, 32 << 20, None),
        (MEBIBYTE, None, None),
    ],
)
def test_arrays_are_beyond_the_cache_and_within_memory(
    free: int, cache: int | None, size: int | None
) -> None:
    if size is None:
        with pytest.raises(StepFailure, match="too little"):
            array_bytes(free, cache)
    else:
        assert array_bytes(free, cache) == size


def test_caches_shared_by_cores_count_once(tmp_path: Path) -> None:
    for cpu, sharers in enumerate(["0-1", "0-1", "2-3", "2-3"]):
        for index, (level, size, own) in enumerate([(1, "32K", str(cpu)), (3, "16384K", sharers)]):
            folder = tmp_path / f"cpu{cpu}" / "cache" / f"index{index}"
            folder.mkdir(parents=True)
            for name, text in (("level", str(level)), ("size", size), ("shared_cpu_list", own)):
                (folder / name).write_text(f"{text}\n", encoding="utf-8")
    assert last_level_cache_bytes(tmp_path) == 2 * 16384 * 1024
    assert last_level_cache_bytes(tmp_path / "none") is None


@pytest.mark.gpu
def test_a_gpu_reaches_most_of_its_data_sheet(tmp_path: Path) -> None:
    out = json.loads(flopprof(tmp_path, "calibrate", "--devices", "cuda", "--seconds", "0.2", "--json"))
    for one in out["ceilings"]:
        assert one["uuid"].startswith("GPU-")
        assert {rate["dtype"] for rate in one["rates"]} >= {"float16", "float32", "float64"}
        # A copy moves its bytes about as fast as a sum reads them. (CuPy's fill is no measure: 0.85 of 4.6 TB/s.)
        assert 0.6 < one["copy_bytes_per_s"] / one["read_bytes_per_s"] < 1.4
        assert one["array_bytes"] > 2 * one["cache_bytes"]


def test_half_types_are_measured_where_the_library_has_them() -> None:
    assert ceiling_worker.measured_dtypes("numpy", "cpu") == ["float16", "float32", "float64"]
    assert ceiling_worker.measured_dtypes("torch", "cpu") == ["float16", "bfloat16", "float32", "float64"]
