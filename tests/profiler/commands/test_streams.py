"""What reaches a terminal: nothing that steers it, and no failure over what it cannot show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from drawing.traces import DATA

STEPS = DATA / "cases" / "numbered_steps"

FLOPPROF = [sys.executable, "-m", "flopprof"]


def run(*arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*FLOPPROF, *arguments], env={**os.environ, **environment}, capture_output=True, check=False
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_stream_that_cannot_show_a_character_gets_another(encoding: str, tmp_path: Path):
    done = run("scenarios", "--nö-\u2026", PYTHONIOENCODING=encoding)
    assert (done.returncode, b"Traceback" in done.stderr) == (2, False)


def test_a_file_name_cannot_steer_the_terminal():
    done = run("analyze", "/nowhere/\x1b[31mX\x9b\u202e\nflopprof: all is well.sqlite")
    assert done.returncode == 2
    text = done.stderr.decode()
    assert not {"\x1b", "\x9b", "\u202e"} & set(text)
    assert text.count("\n") == 1


def test_a_file_written_to_standard_output_is_all_there_is():
    done = run("timeline", str(DATA / "streams.sqlite.xz"), "-o", "/dev/stdout")
    assert (done.returncode, json.loads(done.stdout)["displayTimeUnit"]) == (0, "ns")
    assert b"wrote /dev/stdout: " in done.stderr


def test_a_file_name_that_is_no_text_is_told_in_one_line():
    done = run("analyze", b"/nowhere/\xff.sqlite")
    assert (done.returncode, done.stderr.count(b"\n"), b"Traceback" in done.stderr) == (2, 1, False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--help",), 0),
        (("--version",), 0),
        (("compare", STEPS / "a.sqlite.xz", STEPS / "a.sqlite.xz", "--fail-above", "5"), 0),
        (("compare", STEPS / "a.sqlite.xz", STEPS / "b_slower.sqlite.xz", "--fail-above", "5", "--json"), 1),
    ],
)
def test_an_exit_code_does_not_depend_on_who_reads_on(arguments: tuple[str | Path, ...], code: int):
    """1 says that something is slower, and nothing else does."""
    with subprocess.Popen(
        [*FLOPPROF, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, b"Traceback" in said, b"Exception" in said) == (code, False, False)
