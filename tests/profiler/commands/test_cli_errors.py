"""The user's errors: one line on stderr, exit code 2, nothing on stdout, nothing written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from running.commands import run_here
from running.patience import PATIENCE_SECONDS

SCENARIO = """\
name: tiny
variants:
  matvec: [matvec]
backends: [numpy]
devices:  [cpu]
dtypes:   [float32]
sweep:    {n: [8]}
reps:     {count: 5, warmup: 1, max_seconds: 0.01}
"""


def flopprof(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flopprof.profiler", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def complaint(*arguments: str, cwd: Path, alone: bool = False) -> str:
    """What flopprof says of an error, perhaps in a process of its own; it is one line and the exit code is 2."""
    before = sorted(cwd.rglob("*"))
    if alone:
        done = flopprof(*arguments, cwd=cwd)
        assert done.returncode == 2, done
        out, err = done.stdout, done.stderr
    else:
        out, err = run_here(*arguments, code=2, folder=cwd)
    assert out == ""
    assert err.count("\n") == 1, err
    assert sorted(cwd.rglob("*")) == before
    return err.strip()


def scenario_with(tmp_path: Path, old: str, new: str) -> Path:
    assert old in SCENARIO
    (tmp_path / "s.yaml").write_text(SCENARIO.replace(old, new), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("dtypes:", "dtype:", "s.yaml:6: "),
        ("n: [8]", "n: [-8]", "s.yaml:7: "),
        ("[numpy]", "[nunpy]", "s.yaml:4: "),
        ("count: 5", "count: 0", "s.yaml:8: reps.count must be at least 1, got 0"),
        ("[matvec]", "[matvek]", "s.yaml:3: "),
    ],
    ids=["unknown key", "negative size", "unknown backend", "no reps", "unknown operation"],
)
def test_a_wrong_scenario_is_named_with_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert says in complaint("run", "s.yaml", cwd=scenario_with(tmp_path, old, new))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "nowhere.yaml" in complaint("run", "nowhere.yaml", cwd=tmp_path, alone=True)


def test_a_directory_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    assert "folder.yaml" in complaint("run", "folder.yaml", cwd=tmp_path)


def test_an_unwritable_output_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    said = complaint("run", "s.yaml", "--out", "/proc/flopprof-run", cwd=tmp_path)
    assert said.startswith("flopprof: /proc/flopprof-run: cannot be written")


def test_nsys_demanded_and_absent_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("FLOPPROF_NSYS_PLACES", "")
    said = complaint("run", "s.yaml", "--recorder", "nsys", cwd=tmp_path)
    assert "--recorder nsys" in said
    assert "make nsys" in said


def test_under_nsys_a_nested_recording_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("NSYS_PROFILING_SESSION_ID", "1")
    said = complaint("run", "s.yaml", "--recorder", "nsys", cwd=tmp_path)
    assert "cannot be nested" in said


def test_nothing_that_can_run_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    said = complaint("run", "s.yaml", cwd=scenario_with(tmp_path, "[cpu]", "[cuda]"))
    assert "nothing of it can run here" in said


@pytest.mark.parametrize("command", [["report", "absent"], ["compare", "absent", "--by", "axis"]])
def test_a_missing_run_is_named(tmp_path: Path, command: list[str]) -> None:
    assert "absent: " in complaint(*command, cwd=tmp_path)


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    assert "photos: is not a run folder" in complaint("report", "photos", cwd=tmp_path)


def test_a_damaged_run_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "plan.json").write_text('{"flopprof": 1, "run"', encoding="utf-8")
    assert "r/plan.json" in complaint("report", "r", cwd=tmp_path)


def test_an_unknown_command_or_option_is_one_line(tmp_path: Path) -> None:
    told = complaint("rnu", cwd=tmp_path)
    assert told.startswith("flopprof: No such command 'rnu'") and "?;" not in told
    assert complaint("nosuch", cwd=tmp_path) == "flopprof: No such command 'nosuch'; see 'flopprof --help'"
    assert "--recoder" in complaint("run", "smoke", "--recoder", "nsys", cwd=tmp_path)


def test_the_help_imports_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom flopprof.profiler.commands.app import app\n"
        "code = app(['--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'numpy', 'pandas', 'matplotlib', 'scipy', 'pydantic', 'sqlite3'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "run" in done.stdout


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert flopprof("--version", cwd=tmp_path).stdout.startswith("flopprof ")


def test_no_command_at_all_shows_the_help_and_complains_of_nothing(tmp_path: Path):
    done = flopprof(cwd=tmp_path)
    assert "Usage: flopprof" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("analyze", "a.sqlite", "--format", "csv"),
            "'--format': 'csv' is not one of 'text', 'markdown', 'html'",
        ),
        (("compare", "a", "b", "--fail-above", "x"), "'--fail-above': should be a valid number; see"),
        (("analyze", "a.sqlite", "--skip", "x"), "'--skip': "),
    ],
)
def test_a_wrong_value_is_told_without_the_words_of_a_library(arguments: tuple[str, ...], said: str) -> None:
    _, err = run_here(*arguments, code=2)
    assert said in err
    assert "Value error" not in err and "unable to parse" not in err and "Input" not in err
