"""Random and damaged databases are read as sqlite3 reads them, or refused; bench/fuzz_sqlite.py says how."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from drawing.tree import DATA, ROOT
from running.patience import PATIENCE_SECONDS

SCRIPT = ROOT / "bench" / "fuzz_sqlite.py"


@pytest.mark.parametrize("draws", [20, pytest.param(400, marks=pytest.mark.slow)])
def test_no_answer_differs_from_sqlites_without_a_word(tmp_path: Path, draws: int):
    command = [sys.executable, str(SCRIPT), f"--databases={draws}", f"--corruptions={draws}"]
    done = subprocess.run(
        [*command, "--seed", "7", "--traces", str(DATA), "--write", str(tmp_path / "found.json")],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert {kind: (part["draws"], part["differ"]) for kind, part in found.items()} == {
        "databases": (draws, 0),
        "corruptions": (draws, 0),
    }
    assert found["corruptions"]["refused"] > 0
