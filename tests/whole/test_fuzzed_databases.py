"""Random and damaged databases are read as sqlite3 reads them, or refused; bench/fuzz_sqlite.py says how."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from drawing.tree import DATA, ROOT

SCRIPT = ROOT / "bench" / "fuzz_sqlite.py"


@pytest.mark.skipif(not SCRIPT.exists(), reason="bench/fuzz_sqlite.py is not beside the tests")
def test_no_answer_differs_from_sqlites_without_a_word(tmp_path: Path):
    command = [sys.executable, str(SCRIPT), "--databases", "40", "--corruptions", "80", "--traces", str(DATA)]
    done = subprocess.run(
        [*command, "--seed", "7", "--write", str(tmp_path / "found.json")],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert {kind: (part["draws"], part["differ"]) for kind, part in found.items()} == {
        "databases": (40, 0),
        "corruptions": (80, 0),
    }
    assert found["corruptions"]["refused"] > 0
