"""What a kept folder holds decides what its report says: a job's ranks are set against each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawing.programs import put_program
from flopprof.analysis.errors import TraceError
from flopprof.analysis.programs.folder_kind import is_job_folder, is_program_folder
from flopprof.analysis.trace.open import find_trace
from flopprof.reports.program.folder_report import compose_folder


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """What `flopprof profile --ranks` leaves: a program's folder for each rank."""
    folder = tmp_path / "job"
    folder.mkdir()
    for rank in (0, 1):
        put_program(tmp_path, f"ranks/strag_rank{rank}", rank).rename(folder / f"rank{rank}")
    return folder


def test_the_report_of_a_job_says_who_is_late(job: Path):
    document = compose_folder(job)
    assert (document.title, document.folder) == ("flopprof ranks: 2 ranks", str(job))
    assert any("rank 1 is late, forward" in said for said in document.verdicts)


def test_a_job_is_neither_a_program_nor_one_trace(job: Path):
    assert (is_job_folder(job), is_program_folder(job)) == (True, False)
    assert (is_job_folder(job / "rank0"), is_program_folder(job / "rank0")) == (False, True)
    with pytest.raises(TraceError, match=r"a job of several ranks; .* flopprof analyze one: rank0, rank1"):
        find_trace(job)
