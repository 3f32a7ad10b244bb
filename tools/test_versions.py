"""A few tests against the oldest and the newest nvtx, numpy and pandas that pyproject.toml allows.

python tools/test_versions.py [PYTHON] [CELL ...]   every cell, or those named; PYTHON makes the environments

Each cell is a fresh environment: flopprof's dependencies as pip resolves them with these versions, the tree itself, and
a subset of its tests that reads traces, computes with both libraries and records ranges with nvtx.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

NEEDED = ("pytest>=8", "hypothesis>=6.100")

TESTS = (
    *("tests/profiler/annotation/test_annotate.py", "tests/profiler/annotation/test_nvtx_domain.py"),
    *(
        "tests/analysis/arithmetic",
        "tests/analysis/attribution",
        "tests/analysis/breakdown",
        "tests/analysis/labelling",
    ),
    *("tests/analysis/trace/test_trace.py", "tests/analysis/compare/test_compare.py"),
)

SHOWN = ("numpy", "pandas", "nvtx", "scipy", "matplotlib")


def oldest(package: str) -> str:
    """A package at its lower bound, to the digit."""
    (line,) = (line for line in PROJECT["dependencies"] if re.match(rf"{package}\b", line))
    bound = re.search(r">=\s*([\d.]+)", line)
    assert bound is not None, f"{line} has no lower bound"
    return f"{package}=={bound[1]}{'.0' * (2 - bound[1].count('.'))}"


def cells() -> dict[str, list[str]]:
    """What each environment asks for beside the dependencies themselves."""
    old_frames = [oldest("numpy"), oldest("pandas")]
    return {
        "oldest": [*old_frames, oldest("nvtx")],
        "old-frames": old_frames,
        "old-nvtx": [oldest("nvtx")],
        "newest": [],
    }


def test_cell(python: str, name: str, pins: list[str], folder: Path) -> bool:
    """Make the environment and run the tests in it."""
    venv = folder / name
    subprocess.run([python, "-m", "venv", str(venv)], check=True)
    own = str(venv / "bin" / "python")
    install = [own, "-m", "pip", "install", "-q", "--disable-pip-version-check", *NEEDED]
    print(f"== {name}: {' '.join(pins) or 'no pins'}", flush=True)
    if subprocess.run([*install, *PROJECT["dependencies"], *pins], check=False).returncode:
        return False
    code = (
        f"from importlib.metadata import version as v; print(*(f'{{p}} {{v(p)}}' for p in {SHOWN}), sep=', ')"
    )
    subprocess.run([own, "-c", code], check=True)
    # From the tree, which Python finds where it is started; nothing of another environment.
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    tests = [test for test in TESTS if (ROOT / test).exists()]
    return not subprocess.run(
        [own, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=ROOT, env=clean, check=False
    ).returncode


def main() -> int:
    python, *wanted = sys.argv[1:] or [sys.executable]
    known = cells()
    if unknown := [name for name in wanted if name not in known]:
        print(f"there is no cell {', '.join(unknown)}; there is: {', '.join(known)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="flopprof-versions-") as folder:
        failed = [name for name in wanted or known if not test_cell(python, name, known[name], Path(folder))]
    print(f"failed: {', '.join(failed)}" if failed else "every cell passed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
