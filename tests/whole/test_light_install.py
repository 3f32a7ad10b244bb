"""flopprof without its dependencies, as `pip install --no-deps flopprof nvtx` leaves it: programs can be annotated."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

FOLDERS = ("scenarios", "profiler", "analysis", "reports")

ANNOTATED = """
import flopprof
from flopprof import annotate, mark_step

@annotate(flops=lambda n: 2 * n**2 - n, bytes=lambda n: 8 * n)
def matvec(n):
    with annotate("inside", flops=7, color="green"):
        return n

@annotate
def forward(n):
    return matvec(n)

for number in range(3):
    mark_step()
    print(forward(number), end=" ")
print(flopprof.FlopprofError.__name__, flopprof.__version__)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with flopprof and nvtx, and nothing else that may be imported."""
    package = tmp_path / "site" / "flopprof"
    package.mkdir(parents=True)
    for file in Path(str(resources.files("flopprof"))).glob("*.py"):
        (package / file.name).symlink_to(file)
    for folder in FOLDERS:
        (package / folder).symlink_to(Path(str(resources.files(f"flopprof.{folder}"))).resolve())
    spec = importlib.util.find_spec("nvtx")
    assert spec is not None and spec.origin is not None
    (package.parent / "nvtx").symlink_to(Path(spec.origin).resolve().parent)
    return package.parent


def python(site: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Code in a Python that has the folder and the standard library."""
    only = f"import sys; sys.path.append({str(site)!r}); sys.argv = ['flopprof', *sys.argv[1:]]\n{code}"
    command = [sys.executable, "-I", "-S", "-c", only]
    return subprocess.run(command, capture_output=True, text=True, cwd=site)


def test_a_program_is_annotated_with_nvtx_alone(site: Path) -> None:
    done = python(site, ANNOTATED)
    assert done.stderr == ""
    assert done.stdout.startswith("0 1 2 FlopprofError ")


def test_nothing_else_is_there(site: Path) -> None:
    for name in ("pandas", "numpy", "matplotlib", "scipy", "typer", "pydantic"):
        assert "ModuleNotFoundError" in python(site, f"import {name}").stderr


@pytest.mark.parametrize("words", [["--help"], ["doctor"], ["analyze", "trace.sqlite"]])
def test_a_command_says_in_one_line_what_to_install(site: Path, words: list[str]) -> None:
    done = python(site, f"sys.argv[1:] = {words}\nfrom flopprof.profiler.__main__ import main; main()")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "is not installed, which this needs; install it by: " in done.stderr
    assert done.stderr.startswith("flopprof: the package of '")
