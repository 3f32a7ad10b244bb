"""A user's own program under what counts: by range and kernel, its streams and its exit code as they are."""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.evidence.counted_ranges import count_range_kernels, count_ranges
from flopprof.analysis.evidence.ncu_csv import parse_ncu_csv
from flopprof.profiler.errors import CommandNotFound, ProfileError
from flopprof.profiler.program.count_program import (
    CountRequest,
    count_program,
    filter_instances,
    filter_range,
)
from flopprof.reports.render.formats import render_document
from flopprof.reports.trace.counters_report import compose_counters

REAL = lzma.decompress((DATA / "ncu_h200.csv.xz").read_bytes()).decode()

LAUNCHES = len(parse_ncu_csv(REAL.splitlines()))

STAND_IN = """#!{python}
import subprocess, sys
if "--query-metrics" in sys.argv:
    sys.exit(print("dram__bytes_read Counter\\nsm__warps_active Counter"))
if "--version" in sys.argv:
    sys.exit(print("Version 2025.3.0.0 (build 1)"))
table = sys.argv.index("--log-file") + 1
done = subprocess.run(sys.argv[table + 1 :])
text = open({csv!r}).read()
if done.returncode:
    text += f"==ERROR== The application returned an error code ({{done.returncode}}).\\n"
open(sys.argv[table], "w").write(text)
open({said!r}, "w").write("\\n".join(sys.argv[1:table]))
"""


@pytest.fixture
def ncu(tmp_path: Path) -> dict[str, str]:
    """An environment with a stand-in that runs the program and then writes a table; `table.csv` is the real one."""
    path = tmp_path / "bin" / "ncu"
    path.parent.mkdir()
    (tmp_path / "table.csv").write_text(REAL)
    csv, said = str(tmp_path / "table.csv"), str(tmp_path / "said")
    path.write_text(STAND_IN.format(python=sys.executable, csv=csv, said=said))
    path.chmod(0o755)
    return {**os.environ, "PATH": f"{path.parent}{os.pathsep}{os.environ['PATH']}"}


def request(code: str, range: str | None = None, instances: int | None = None) -> CountRequest:
    return CountRequest(command=(sys.executable, "-c", code), range=range, instances=instances)


def test_kernels_are_counted_per_launch_and_ranges_in_all(ncu: dict[str, str]):
    outcome = count_program(request("pass"), ncu)
    assert outcome.exit_code == 0
    assert outcome.counters is not None
    launches = parse_ncu_csv(REAL.splitlines())
    assert outcome.counters.launches == len(launches)
    (sums,) = [row for row in outcome.counters.kernels if row.kernel and "cupy_sum" in row.kernel][:1]
    mine = [
        one for one in launches if "cupy_sum" in one.kernel and one.ranges == sums_ranges(launches, sums.path)
    ]
    assert sums.launches == len(mine)
    assert sums.counters.dram_read_bytes == pytest.approx(
        sum(one.metrics["dram__bytes_read.sum"] for one in mine) / len(mine)
    )


def sums_ranges(launches: list, path: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return next(one.ranges for one in launches if tuple(message for _, message in one.ranges) == path)


def test_every_launch_is_counted_once_in_its_outermost_range():
    launches = parse_ncu_csv(REAL.splitlines())
    ranges = count_ranges(launches)
    outermost = [row for row in ranges if len(row.path) == 1]
    assert sum(row.launches for row in outermost) == len([one for one in launches if one.ranges])
    assert sum(row.launches for row in count_range_kernels(launches)) == len(launches)
    read = [row.counters.dram_read_bytes or 0.0 for row in outermost]
    assert sum(read) == pytest.approx(
        sum(one.metrics["dram__bytes_read.sum"] for one in launches if one.ranges)
    )


def test_the_program_keeps_its_exit_code(ncu: dict[str, str]):
    assert count_program(request("raise SystemExit(3)"), ncu).exit_code == 3


def test_only_the_range_and_so_many_launches_are_asked_for(ncu: dict[str, str], tmp_path: Path):
    count_program(request("pass", range="train", instances=2), ncu)
    said = (tmp_path / "said").read_text().splitlines()
    assert said[1:13] == [
        *("--nvtx-include", "train/", "--nvtx-include", "train"),
        *("--nvtx-include", "flopprof@train/", "--nvtx-include", "flopprof@train"),
        *("--filter-mode", "per-launch-config", "--launch-count", "2"),
    ]
    assert filter_instances(None) == filter_range(None) == ()


def test_a_range_that_never_was_and_a_refusal_are_one_line(ncu: dict[str, str], tmp_path: Path):
    (tmp_path / "table.csv").write_text("==PROF== Disconnected\n")
    missed = count_program(request("pass", range="nothing"), ncu)
    assert missed.counters is None
    assert missed.problem == (
        "no kernel was launched in a range 'nothing'; give NAME@DOMAIN for another domain than the default one, "
        "or leave --range out"
    )
    (tmp_path / "table.csv").write_text("==ERROR== ERR_NVGPUCTRPERM - The user does not have permission\n")
    refused = count_program(request("pass"), ncu)
    assert (refused.problem or "").startswith("no kernel was counted: the driver lets only administrators")


def test_without_ncu_or_program_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flopprof.profiler.recorders.ncu.PLACES", ())
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    with pytest.raises(ProfileError, match=r"ncu is not on PATH .* samples the GPU instead") as raised:
        count_program(CountRequest(command=(str(program),)), {"PATH": str(tmp_path)})
    assert raised.value.exit_code == 125
    with pytest.raises(CommandNotFound):
        count_program(CountRequest(command=("no-such-program",)), {"PATH": str(tmp_path)})


def test_the_command_writes_its_reports_and_leaves_standard_output_to_the_program(
    ncu: dict[str, str], tmp_path: Path
):
    words = [sys.executable, "-m", "flopprof.profiler", "counters", "--out", str(tmp_path / "out"), "--"]
    done = subprocess.run(
        [*words, sys.executable, "-c", "print('mine')"], env=ncu, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "mine\n"), done.stderr
    assert f"{LAUNCHES} kernel launches counted." in done.stderr
    document = json.loads((tmp_path / "out" / "counters.json").read_text())
    assert (document["flopprof"], document["tool"], document["launches"]) == (1, "2025.3.0.0", LAUNCHES)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        *("report.md", "report.html", "report.txt", "counters.json"),
    }


def test_the_report_has_what_a_reader_looks_for(ncu: dict[str, str]):
    counted = count_program(request("pass"), ncu).counters
    assert counted is not None
    text = render_document(compose_counters(counted), "text")
    assert "Kernels of each range, per launch" in text
    assert "cupy_sum" in text
    assert "DRAM read" in text
