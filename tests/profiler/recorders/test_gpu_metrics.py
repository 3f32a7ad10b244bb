"""Whether nsys can sample the GPU is asked of it, and what it answers becomes options or one sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from flopprof.profiler.recorders.gpu_metrics import sampling_options


def stand_in(folder: Path, *, option: str, answer: str) -> Path:
    path = folder / "nsys"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nprint({f'--{option}='!r} if '--help' in sys.argv else {answer!r})\n"
    )
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("option", ["gpu-metrics-device", "gpu-metrics-devices"])
def test_every_version_is_asked_in_its_own_words(tmp_path: Path, option: str):
    answer = f"Possible --{option} values are:\n\t0: NVIDIA H200 PCI[0000:00:06.0]\n\tall: Select all supported GPUs"
    nsys = stand_in(tmp_path, option=option, answer=answer)
    assert sampling_options(nsys, 20000) == [f"--{option}=all", "--gpu-metrics-frequency=20000"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            "Possible --gpu-metrics-device values are:\n\tNVIDIA GPUs not found, feature is not available",
            "Nsight Systems finds no GPU that it can sample",
        ),
        (
            "None of the installed GPUs are supported: Insufficient privilege, see ERR_NVGPUCTRPERM",
            "the driver lets",
        ),
        ("Something new.", "Nsight Systems lists no GPU that it can sample (Something new.)"),
    ],
)
def test_a_refusal_becomes_its_reason(tmp_path: Path, answer: str, reason: str):
    found = sampling_options(stand_in(tmp_path, option="gpu-metrics-devices", answer=answer), 20000)
    assert isinstance(found, str)
    assert found.startswith(reason)


def test_an_nsys_that_cannot_be_run_is_a_reason(tmp_path: Path):
    assert isinstance(sampling_options(tmp_path / "missing", 20000), str)
