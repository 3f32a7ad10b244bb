"""Records of a run folder are files of a size that records have; nothing else is read, or waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from drawing.stored_runs import copy_real_run
from flopprof.analysis.errors import RunError
from flopprof.analysis.runs import folder
from flopprof.analysis.runs.folder import read_run_folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return copy_real_run(tmp_path)


@pytest.mark.parametrize("name", ["shards/numpy-cpu/control.json", "counters/numpy-cpu-1.json"])
def test_a_fifo_or_a_device_in_a_runs_folder_is_not_waited_for(run: Path, name: str):
    record = run / name
    record.parent.mkdir(exist_ok=True)
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        record.unlink(missing_ok=True)
        make(record)
        with pytest.raises(RunError, match="is not a file"):
            read_run_folder(run)


def test_a_record_of_no_records_size_is_not_read(run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folder, "MOST_BYTES", 10)
    with pytest.raises(RunError, match=r"plan\.json: has \d+ bytes, more than any record"):
        read_run_folder(run)
