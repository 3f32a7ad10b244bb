"""What is begun inside a program: every Python begins it, and goes on as it would alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flopprof.profiler.program.inside_recorder import InsideRecorder
from flopprof.profiler.program.python_samples import Sampling

FEATURES = ("sampler", "recorder", "both")


def run_started(
    folder: Path, feature: str, code: str, own: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """A program's code under a feature, run in the folder, with a sitecustomize of its own."""
    environment = {**os.environ, **more}
    if own is not None:
        (folder / "own").mkdir()
        (folder / "own" / "sitecustomize.py").write_text(own)
        environment["PYTHONPATH"] = os.pathsep.join([str(folder / "own"), os.environ.get("PYTHONPATH", "")])
    if feature in ("sampler", "both"):
        environment = Sampling(folder=folder / "python", hz=200.0).extend(environment)
    if feature in ("recorder", "both"):
        environment = InsideRecorder().extend(environment, folder / "staging", folder)
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(
        command,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("feature", FEATURES)
def test_the_programs_own_sitecustomize_is_the_one_it_imports(tmp_path: Path, feature: str) -> None:
    code = "import sitecustomize\nprint(sitecustomize.marked, sitecustomize.__file__)"
    done = run_started(tmp_path, feature, code, own="print(__name__)\nmarked = 'yes'\n")
    assert done.stdout.split() == ["sitecustomize", "yes", str(tmp_path / "own" / "sitecustomize.py")]


@pytest.mark.parametrize("feature", FEATURES)
def test_a_sitecustomize_that_cannot_import_is_told_of_as_ever(tmp_path: Path, feature: str) -> None:
    done = run_started(tmp_path, feature, "print('on')", own="import missing_from_here\n")
    assert done.stdout == "on\n"
    assert "ModuleNotFoundError: No module named 'missing_from_here'" in done.stderr


@pytest.mark.parametrize("feature", FEATURES)
def test_a_program_without_one_notices_nothing(tmp_path: Path, feature: str) -> None:
    code = f"import sys\nprint([path for path in sys.path if path.startswith({str(tmp_path)!r})])"
    done = run_started(tmp_path, feature, code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


@pytest.mark.parametrize("feature", FEATURES)
def test_what_is_begun_sees_the_program(tmp_path: Path, feature: str) -> None:
    assert run_started(tmp_path, feature, "import time\ntime.sleep(0.1)").returncode == 0
    seen = (
        list((tmp_path / "python" / "seen").glob("*.json")),
        list(tmp_path.glob("staging/inside/*/ended")),
    )
    assert [len(found) for found in seen] == [int(feature != "recorder"), int(feature != "sampler")]
