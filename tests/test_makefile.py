"""What the Makefile would type, on machines with and without a driver."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from drawing.tree import ROOT

FILES = ("Makefile", "pyproject.toml", "constraints.txt")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not on PATH")


def install_line(folder: Path, *, driver: str) -> str:
    """The command by which `make run` installs on a fresh clone where nvidia-smi prints ``driver``."""
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    tool = folder / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\necho '{driver}'\n", encoding="utf-8")
    tool.chmod(0o755)
    path = f"{tool.parent}{os.pathsep}{os.environ['PATH']}"
    told = subprocess.run(
        ["make", "--dry-run", "run"],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [line for line in told.stdout.splitlines() if "pip install" in line]
    return line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("driver", "extras"),
    [
        ("Driver Version: 580.65.06  CUDA Version: 13.0", "[torch,cuda13]"),
        ("Driver Version: 550.54.14  CUDA Version: 12.4", "[torch,cuda12]"),
        ("Driver Version: 470.82.01  CUDA Version: 11.4", "[torch]"),
        ("NVIDIA-SMI has failed", "[torch]"),
    ],
    ids=["CUDA 13", "CUDA 12", "CUDA 11", "no driver"],
)
def test_cupy_is_installed_for_the_drivers_cuda(tmp_path: Path, driver: str, extras: str) -> None:
    assert f"'.{extras}'" in install_line(tmp_path, driver=driver)
