"""Which recorder is chosen, and what is quoted of a recorded program's output."""

from __future__ import annotations

from pathlib import Path

import pytest
from flopprof.analysis.runs.records import Gpu
from flopprof.analysis.trace.nsys import Nsys
from flopprof.profiler.recorders import recorder
from flopprof.profiler.recorders.recorder import NsysRecorder, last_line

NSYS_ENDING = """\
Importer error status: The importer binary and its dependencies were not found.
Unable to retrieve the importer version: skipping importation of the QDSTRM file.
Generating '/tmp/flopprof-1-x/nsys-report-2f98.qdstrm'
[1/1] [========================100%] raw.nsys-rep
Generated:
    /home/someone/a run/.staging-1/numpy-cpu-traced-1/raw.qdstrm
"""
CRASH = """\
Fatal Python error: Segmentation fault

Current thread 0x00007ff83cdd0740 (most recent call first):
  File "<string>", line 1 in <module>

Extension modules: numpy._core._multiarray_umath, numpy.linalg._umath_linalg (total: 2)
"""


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("", "(nothing)"),
        ("first\n\nlast\n\n", "last"),
        (NSYS_ENDING, "(nothing)"),
        ("ValueError: no\n" + NSYS_ENDING, "ValueError: no"),
        (CRASH, "Fatal Python error: Segmentation fault"),
        ("before\n" + CRASH + NSYS_ENDING, "Fatal Python error: Segmentation fault"),
        ("No such file or directory: /nonexist\n", "No such file or directory: /nonexist"),
    ],
    ids=["nothing", "a line", "only nsys", "before nsys", "a crash", "a crash under nsys", "nsys' own error"],
)
def test_last_words_are_the_programs_own(tmp_path: Path, output: str, said: str) -> None:
    log = tmp_path / "output.txt"
    log.write_text(output, encoding="utf-8")
    assert last_line(log) == said


def test_no_output_has_no_last_words(tmp_path: Path) -> None:
    assert last_line(tmp_path / "absent.txt") == "(nothing)"


GPU = Gpu(ordinal=0, name="a GPU")

WITHOUT = "GPU activity is not recorded, that needs Nsight Systems (make nsys)"


@pytest.mark.parametrize(
    ("devices", "needed", "environment", "note", "device_recorder"),
    [
        ([], None, {}, f"asked for; {WITHOUT}", None),
        ([GPU], None, {}, "asked for; torch.profiler records GPU activity", "torch.profiler"),
        ([GPU], "torch: pip install it", {}, f"asked for; {WITHOUT} or torch: pip install it", None),
        ([GPU], None, {"NSYS_PROFILING_SESSION_ID": "1"}, f"asked for; {WITHOUT}", None),
    ],
    ids=["no GPU", "a GPU", "no torch", "recorded already"],
)
def test_the_embedded_recorder_says_what_it_sees(
    monkeypatch: pytest.MonkeyPatch,
    devices: list[Gpu],
    needed: str | None,
    environment: dict[str, str],
    note: str,
    device_recorder: str | None,
) -> None:
    monkeypatch.setattr(recorder, "cuda_devices", lambda: devices)
    monkeypatch.setattr(recorder, "needed_for_activity", lambda: needed)
    chosen = recorder.choose_recorder("embedded", environment)
    assert (chosen.name, chosen.note, chosen.device_recorder) == ("embedded", note, device_recorder)


@pytest.mark.parametrize(
    ("output", "failed"),
    [
        ("Agent launcher failed.\n", True),
        ("Connection to the Agent lost\n", True),
        ("End of file\n", True),
        ("[boost::errinfo_api_function_*] = sem_open\n", True),
        ("unpickling: End of file\n", False),
        ("End of file reached\n", False),
        ("", False),
    ],
)
def test_nsys_says_when_it_lost_its_agent_before_it_began(tmp_path: Path, output: str, failed: bool):
    (tmp_path / "output.txt").write_text("before\n" + output)
    nsys = NsysRecorder(nsys=Nsys(path=Path("/nowhere/nsys"), version="2022.4.2"))
    assert nsys.failed_to_start(tmp_path) is failed
