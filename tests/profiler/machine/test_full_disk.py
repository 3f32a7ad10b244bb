"""A full disk: one clear line, exit code 2, nothing half written that counts, and the store goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from flopprof.profiler.machine.disk import DiskFullError, explain_full_disk, is_disk_full
from running.full_disks import FullDisk, can_mount, small_disk

SIZE_KIB = 4096


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="a small disk can be mounted by root only")
@pytest.mark.parametrize("kib", [4, 60, 200])
def test_wherever_the_disk_is_full_it_is_one_line_and_the_run_can_be_finished(kib: int) -> None:
    with small_disk(SIZE_KIB) as disk:
        told = FullDisk(disk=disk, recorder="embedded").run_with(kib)
    assert "exit 2" in told and told.endswith("complete")


@pytest.mark.slow
@pytest.mark.nsys
@pytest.mark.skipif(not can_mount(), reason="a small disk can be mounted by root only")
def test_nsight_systems_does_not_say_so_and_flopprof_does() -> None:
    with small_disk(4 * SIZE_KIB) as disk:
        told = FullDisk(disk=disk, recorder="nsys").run_with(150)
    assert "exit 2" in told and told.endswith("complete")


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError(122, "Disk quota exceeded"),
        ValueError("cannot export it (Import Failed: No space left on device)"),
    ],
)
def test_a_full_disk_is_recognised_in_every_form(error: Exception, tmp_path: Path) -> None:
    assert is_disk_full(error)
    with pytest.raises(DiskFullError) as raised, explain_full_disk(tmp_path, lambda: "make room"):
        raise RuntimeError("wrapped") from error
    assert str(raised.value) == f"{tmp_path}: the disk is full; make room"


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), explain_full_disk(tmp_path, lambda: "make room"):
        raise PermissionError(13, "Permission denied")
