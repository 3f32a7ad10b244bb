"""What `flopprof doctor` says of machines that lack something, each made here."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from flopprof.analysis.trace.nsys import Nsys
from flopprof.profiler.commands.app import app
from flopprof.profiler.doctor import libraries, machine, probe
from flopprof.profiler.doctor import nsys as recorder
from flopprof.profiler.doctor.findings import (
    Finding,
    broken,
    findings_as_json,
    findings_as_text,
    ok,
    warning,
    works,
)
from flopprof.profiler.machine.installation import install_extra, install_packages
from flopprof.reports.render.screen import Screen
from running.patience import PATIENCE_SECONDS
from running.profiled_programs import FLOPPROF


def doctor(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FLOPPROF, "doctor", *options], capture_output=True, text=True, env={**os.environ, **environment}
    )


@pytest.mark.nsys
def test_a_machine_that_works_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(probe, "PROBE_SECONDS", PATIENCE_SECONDS)
    app(["doctor", "--json"], standalone_mode=False)
    document = json.loads(capsys.readouterr().out)
    states = {finding["name"]: finding["state"] for finding in document["findings"]}
    assert (document["flopprof"], document["works"]) == (1, True), document
    assert states["recording"] == states["importer"] == states["nsys"] == states["python"] == "ok"
    assert all((finding["remedy"] is None) == (finding["state"] == "ok") for finding in document["findings"])


def nsys_script(folder: Path, script: str) -> Path:
    """A folder for PATH with an nsys of our own, and an importer beside it that lacks a library."""
    (folder / "target").mkdir(parents=True)
    nsys = folder / "target" / "nsys"
    nsys.write_text(
        f"#!/bin/sh\n[ $1 = --version ] && echo 'NVIDIA Nsight Systems version 2099.1.1' && exit\n{script}\n"
    )
    nsys.chmod(0o755)
    return nsys


@pytest.mark.skipif(not Path("/usr/bin/ldd").exists(), reason="ldd is not here")
def test_a_library_the_importer_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nsys_script(tmp_path, "exit 1")
    (tmp_path / "host").mkdir()
    importer = tmp_path / "host" / "QdstrmImporter"
    importer.write_bytes(Path("/bin/true").read_bytes())
    importer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'target'}:{os.environ['PATH']}")
    lacks = "\tlinux-vdso.so.1 (0x7)\n\tlibdw.so.1 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x7)\n"
    (tmp_path / "target" / "ldd").write_text(f"#!/bin/sh\nprintf '{lacks}'\n")
    (tmp_path / "target" / "ldd").chmod(0o755)
    findings = list(recorder.examine_nsys())
    assert findings[1] == broken("importer", f"{importer} lacks libdw.so.1", "apt-get install libdw1")
    assert findings[2].message.startswith("nsys profile failed with exit code 1")
    assert not works(findings)


def test_a_library_of_no_known_package_is_not_taken_for_one() -> None:
    finding = recorder.broken_importer(Path("/x/QdstrmImporter"), ["libdw.so.1", "libpapi.so.5"])
    assert finding.remedy == (
        "apt-get install libdw1; reinstall Nsight Systems, or install what `apt-file search` names for libpapi.so.5"
    )


def test_agents_that_wait_for_a_dead_one_are_told_apart(tmp_path: Path) -> None:
    nsys = Nsys(path=nsys_script(tmp_path, "echo Agent launcher failed.; exit 1"), version="2099.1.1")
    finding = recorder.try_recording(nsys)
    assert (finding.state, finding.message) == (
        "broken",
        "nsys profile failed with exit code 1: Agent launcher failed.",
    )
    assert "rm -f /dev/shm/NSys-*" in str(finding.remedy)


def test_without_nsys_a_run_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "find_nsys", lambda: None)
    monkeypatch.setenv("PATH", "")
    assert list(recorder.examine_nsys()) == [
        warning("nsys", "not found; `run` records ranges only, no GPU activity", recorder.how_to_install())
    ]


def test_an_nsys_that_does_not_answer_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "nsys"
    fake.write_text("#!/bin/sh\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setattr(recorder, "find_nsys", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    (finding,) = recorder.examine_nsys()
    assert finding.message.startswith(f"nsys at {fake} does not answer; ")


def test_without_an_importer_the_remedy_is_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "find_nsys", lambda: Nsys(path=Path("/x/nsys"), version="1.2"))
    monkeypatch.setattr(recorder, "find_importer", lambda _: None)
    _, importer = recorder.examine_nsys()
    assert importer.state == "warning"
    assert importer.message.startswith("QdstrmImporter is not beside /x/nsys")


def test_under_nsys_it_does_not_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NSYS_PROFILING_SESSION_ID", "1")
    (finding,) = recorder.examine_nsys()
    assert (finding.name, finding.state) == ("nsys", "warning")


@pytest.mark.nsys
def test_an_nvtx_that_records_nothing_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "PROBE", "import time")
    monkeypatch.setattr(probe, "PROBE_SECONDS", PATIENCE_SECONDS)
    found = recorder.find_nsys()
    assert found is not None
    finding = recorder.try_recording(found)
    assert finding.state == "broken"
    assert f"records nothing under nsys {found.version}" in finding.message
    assert finding.remedy == f"{install_packages('nvtx>=0.2.11,<0.3')}, or a newer Nsight Systems"


def test_an_nsys_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PROBE_SECONDS", 0.2)
    finding = recorder.try_recording(Nsys(path=nsys_script(tmp_path, "exec sleep 600"), version="2099.1.1"))
    assert (finding.state, finding.message) == (
        "broken",
        f"nsys at {tmp_path}/target/nsys does not answer: it has not ended in 0 s",
    )


PACKAGES = [
    ({}, None, ok("cupy", "not installed, and no GPU for it")),
    ({}, "12.4", warning("cupy", "not installed; its steps are skipped", install_extra("cuda12"))),
    ({"cupy-cuda13x": "14.2"}, "13.0", ok("cupy", "14.2 (cupy-cuda13x)")),
    (
        {"cupy-cuda13x": "14.2"},
        "12.8",
        warning(
            "cupy",
            "14.2 (cupy-cuda13x); the driver supports CUDA 12.8 at most",
            "update the driver, or install cupy for CUDA 12",
        ),
    ),
    (
        {"cupy-cuda12x": "13", "cupy-cuda13x": "14"},
        "13.0",
        broken(
            "cupy",
            "cupy-cuda12x and cupy-cuda13x are both installed and overwrite each other",
            "pip uninstall cupy-cuda12x cupy-cuda13x, then install one",
        ),
    ),
]


@pytest.mark.parametrize(("packages", "driver", "finding"), PACKAGES)
def test_cupy_is_held_against_the_driver(
    packages: dict[str, str], driver: str | None, finding: Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "installed", packages.get)
    assert libraries.examine_cupy(driver) == finding


@pytest.mark.parametrize(
    ("cuda", "driver", "state", "words"),
    [
        ("13.0", "13.0", "ok", "2.11, built for CUDA 13.0"),
        ("13.0", "12.8", "warning", "2.11, built for CUDA 13.0; the driver supports CUDA 12.8 at most"),
        ("13.0", None, "warning", "2.11, built for CUDA 13.0; there is no GPU driver"),
        (None, None, "ok", "2.11, a CPU build"),
        (None, "13.0", "warning", "2.11, a CPU build, though there is a GPU driver"),
    ],
)
def test_torch_is_held_against_the_driver(
    cuda: str | None, driver: str | None, state: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "installed", {"torch": "2.11"}.get)
    monkeypatch.setattr(libraries, "torch_cuda", lambda: cuda)
    finding = libraries.examine_torch(driver)
    assert (finding.state, finding.message) == (state, words)


def test_an_nvtx_that_is_too_new_or_too_old_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "installed", {"nvtx": "0.3.0"}.get)
    assert libraries.examine_nvtx().state == "warning"
    monkeypatch.setattr(libraries, "installed", {"nvtx": "0.2.17"}.get)
    assert libraries.examine_nvtx() == ok("nvtx", "0.2.17")
    monkeypatch.setattr(libraries, "installed", {"nvtx": "0.2.10"}.get)
    assert libraries.examine_nvtx().state == "broken"


def test_a_full_or_forbidden_folder_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.examine_folder("runs", tmp_path / "no", "remedy") == broken(
        "runs", f"{tmp_path / 'no'} cannot be written: No such file or directory", "remedy"
    )
    usage = machine.shutil.disk_usage(tmp_path)
    states = []
    for free in (4 << 30, 1 << 30, 1 << 20):
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda _, free=free: usage._replace(free=free))
        states.append(machine.examine_folder("runs", tmp_path, "remedy").state)
    assert states == ["ok", "warning", "broken"]


def test_runs_are_looked_for_where_they_will_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOPPROF_STORE", str(tmp_path / "not" / "yet"))
    assert next(iter(machine.examine_places())).message.startswith(f"{tmp_path}: ")


def test_a_temporary_folder_with_a_long_path_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 60)
    deep.mkdir()
    monkeypatch.setattr(machine.tempfile, "gettempdir", lambda: str(deep))
    assert list(machine.examine_places())[1].state == "broken"


def test_other_processes_on_the_gpu_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\nprintf '123, 4096\\n456, 10\\n'\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(machine, "SMI_SECONDS", PATIENCE_SECONDS)
    finding = machine.examine_neighbours()
    assert (finding.state, finding.message) == (
        "warning",
        "2 other on the GPUs: pid 123 (4096 MiB), pid 456 (10 MiB)",
    )
    smi.write_text("#!/bin/sh\n")
    assert machine.examine_neighbours() == ok("gpu use", "no other process")


def test_broken_things_end_with_exit_code_2(tmp_path: Path) -> None:
    deep = tmp_path / ("y" * 70)
    deep.mkdir()
    done = doctor(TMPDIR=str(deep))
    assert done.returncode == 2
    assert "broken   temp" in done.stdout
    assert "→ export TMPDIR=/tmp" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("`flopprof run` cannot work here")


@pytest.mark.parametrize("width", [60, 100])
def test_lines_fit_the_terminal_and_what_is_to_be_copied_stays_whole(width: int) -> None:
    path = "/a/folder/whose/name/is/longer/than/many/a/terminal/is/wide"
    findings = [
        ok("importer", f"{path}/QdstrmImporter"),
        warning("load", "other processes kept 1.5 cores busy, " * 3, f"wait, or type export TMPDIR={path}"),
    ]
    lines = findings_as_text(findings, Screen(width=width)).splitlines()
    assert [line for line in lines if len(line) > width and path not in line] == []
    assert all(line.startswith((" " * 19, "ok  ", "warning  ")) for line in lines[:-2])
    assert f"TMPDIR={path}" in "\n".join(lines)
    assert sum("→" in line for line in lines) == 1


def test_text_and_json_say_the_same() -> None:
    findings = [ok("a", "fine"), warning("b", "less", "do this")]
    assert findings_as_text(findings) == (
        "ok       a         fine\n"
        "warning  b         less\n                   → do this\n\n"
        "`flopprof run` works here; 1 of 2 lines ask for attention."
    )
    assert json.loads(findings_as_json(findings)) == {
        "flopprof": 1,
        "works": True,
        "findings": [
            {"name": "a", "state": "ok", "message": "fine", "remedy": None},
            {"name": "b", "state": "warning", "message": "less", "remedy": "do this"},
        ],
    }
