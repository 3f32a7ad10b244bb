"""Counters and samples are tried for real where there is a GPU, and what is said becomes one line with its remedy."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from flopprof.analysis.trace.nsys import Nsys
from flopprof.profiler.doctor import evidence
from flopprof.profiler.doctor.evidence import count_samples, examine_evidence, try_counting, try_sampling
from flopprof.profiler.recorders.ncu import NcuRecorder

COUNTED = '"ID","Process ID","Kernel Name","dram__bytes_read.sum"\n"","","","byte"\n"0","1","probe","32"\n'


@pytest.fixture
def ncu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in that writes `said` as its table."""
    path = tmp_path / "ncu"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nat = sys.argv.index('--log-file') + 1\n"
        f"open(sys.argv[at], 'w').write(open({str(tmp_path / 'said')!r}).read())\n"
    )
    path.chmod(0o755)
    found = NcuRecorder(path=path, version="2025.3", metrics=("dram__bytes_read.sum",))
    monkeypatch.setattr(evidence, "open_ncu", lambda: found)
    return tmp_path / "said"


def test_without_a_gpu_nothing_is_tried(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evidence, "cuda_devices", list)
    assert list(examine_evidence()) == []


def test_a_kernel_that_was_counted_is_well(ncu: Path):
    ncu.write_text(COUNTED)
    found = try_counting()
    assert (found.name, found.state) == ("counters", "ok")
    assert found.message.startswith("a kernel counted by Nsight Compute 2025.3 at ")


def test_a_refusal_is_a_warning_with_its_remedy(ncu: Path):
    ncu.write_text("==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access counters\n")
    found = try_counting()
    assert found.state == "warning"
    assert found.message.startswith("no hardware counters: the driver lets only administrators read")
    assert found.remedy == "run --evidence none needs neither counters nor samples"


def test_without_ncu_the_remedy_is_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evidence, "open_ncu", lambda: "ncu is not on PATH (…)")
    assert try_counting().remedy == "install Nsight Compute and put ncu on PATH"


def test_a_gpu_that_cannot_be_sampled_says_why(monkeypatch: pytest.MonkeyPatch):
    nsys = Nsys(path=Path("/nowhere/nsys"), version="2025.3")
    monkeypatch.setattr(evidence, "find_usable_nsys", lambda: (nsys, None))
    monkeypatch.setattr(evidence, "sampling_options", lambda *_: "another profiler samples the GPU: end it")
    found = try_sampling()
    assert (found.name, found.state, found.message) == (
        *("samples", "warning"),
        "no GPU metrics: another profiler samples the GPU: end it",
    )


def test_samples_are_counted_in_either_table(tmp_path: Path):
    path = tmp_path / "t.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT)")
        connection.commit()
        assert count_samples(path) == 0
        connection.execute("CREATE TABLE GPU_METRICS (timestamp INTEGER, value INTEGER)")
        connection.execute("INSERT INTO GPU_METRICS VALUES (1, 2), (2, 3)")
        connection.commit()
    assert count_samples(path) == 2


def test_the_probe_is_a_program_that_needs_the_driver_alone():
    done = subprocess.run(
        [sys.executable, "-c", "import ast, sys; ast.parse(sys.stdin.read())"],
        input=evidence.PROBE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "torch" not in evidence.PROBE
