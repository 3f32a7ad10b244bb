from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.profiler.program.recording import warn_of_death
from running.commands import run_here
from running.patience import wait_until
from running.profiled_programs import (
    FLOPPROF,
    Profiled,
    finish,
    profile,
    python,
    start_profile,
    strays,
)

pytestmark = pytest.mark.nsys

RESULTS = {
    "trace.sqlite",
    "profile.json",
    "machine.json",
    "analysis.json",
    "report.txt",
    "report.md",
    "report.html",
}
CANARY = "canary-5f1c9e"
TALKS = """
import json, os, sys
from flopprof.profiler import annotate
print("out: ünï\\0\\x1b[1m", end="")
print("err", file=sys.stderr, end="\\n")
given = sys.stdin.buffer.read()
with annotate("outer", flops=7, bytes=100):
    for n in (3, 4):
        with annotate("inner", flops=2 * n): pass
facts = {"given": given.decode(), "cwd": os.getcwd(), "environment": dict(os.environ), "arguments": sys.argv[1:]}
json.dump(facts, open(os.environ["FACTS"], "w"))
sys.exit(7)
"""
MARKED = 100_000
"""More ranges than fit the recorder's buffers, which it writes when they are full; what comes after that is lost."""
MARKS = f"""
import os, pathlib, signal, sys, time
from flopprof.profiler import annotate
for _ in range({MARKED}):
    with annotate("part"): pass
"""
WAITS = """
import pathlib, signal, sys, time
ready = pathlib.Path(sys.argv[1])
{before}
ready.touch()
time.sleep(600)
"""
NOTES_INTERRUPTS = """
def note(*_):
    with ready.with_name("noted").open("a") as file: file.write("x")
signal.signal(signal.SIGINT, note)
"""


@pytest.fixture(scope="module")
def talked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Profiled, dict[str, object]]:
    """One program that uses everything it has: streams, arguments, environment."""
    folder = tmp_path_factory.mktemp("talked")
    environment = {
        **os.environ,
        "FACTS": str(folder / "facts.json"),
        "FLOPPROF_TEST_CANARY": CANARY,
        "TMPDIR": str(folder),
        "ODD": "comma, = and \\ and \udcff",
        "PASSED_ON": "x",
    }
    command = [*python(TALKS), "--out", "a b", CANARY]
    process = start_profile(
        folder / "out", command, "--env", "PASSED_ON", stdin=subprocess.PIPE, env=environment, cwd=folder
    )
    profiled = finish(process, folder / "out", b"given to it")
    return profiled, json.loads((folder / "facts.json").read_text())


def test_the_exit_code_is_the_programs_own(talked: tuple[Profiled, dict[str, object]]) -> None:
    assert talked[0].code == 7
    assert json.loads((talked[0].out / "profile.json").read_text())["exit_code"] == 7


def test_streams_pass_through_and_the_report_comes_after_them(
    talked: tuple[Profiled, dict[str, object]],
) -> None:
    profiled, facts = talked
    assert profiled.stdout == "out: ünï\0\x1b[1m"
    assert profiled.stderr.startswith("err\nflopprof profile python")
    assert facts["given"] == "given to it"
    assert facts["arguments"] == ["--out", "a b", CANARY]


def test_the_program_has_its_whole_environment(talked: tuple[Profiled, dict[str, object]]) -> None:
    facts = talked[1]
    environment = facts["environment"]
    assert isinstance(environment, dict)
    assert environment["FLOPPROF_TEST_CANARY"] == CANARY
    assert environment["TMPDIR"] == str(talked[0].out.parent) == facts["cwd"]
    assert environment["ODD"] == "comma, = and \\ and \udcff"


def test_no_secret_reaches_the_results(talked: tuple[Profiled, dict[str, object]]) -> None:
    out = talked[0].out
    assert talked[0].files == RESULTS
    assert [file.name for file in out.iterdir() if CANARY.encode() in file.read_bytes()] == []


def test_declared_flops_and_bytes_are_summed(talked: tuple[Profiled, dict[str, object]]) -> None:
    rows = json.loads((talked[0].out / "analysis.json").read_text())["ranges"]
    assert [(row["path"], row["domain"], row["instances"], row["flops"], row["bytes"]) for row in rows] == [
        (["outer"], "flopprof", 1, 7, 100),
        (["outer", "inner"], "flopprof", 2, 14, None),
    ]


def test_a_failing_program_is_not_a_failing_flopprof(tmp_path: Path) -> None:
    profiled = profile(tmp_path / "out", ["false"])
    assert (profiled.code, profiled.own_lines, profiled.stdout) == (1, [], "")
    assert profiled.files == RESULTS


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["full", "left", "closed"])
def test_the_exit_code_is_the_programs_own_also_when_nobody_reads(tmp_path: Path, stream: str) -> None:
    reading, left = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)
    shell = ["sh", "-c", 'exec "$@" 2>&-', "sh"] if stream == "closed" else []
    command = [*FLOPPROF, "profile", f"--out={tmp_path / 'out'}", "--", "sh", "-c", "echo said; exit 7"]
    errors = full if stream == "full" else left
    done = subprocess.run([*shell, *command], stdout=subprocess.PIPE, stderr=errors, check=False)
    os.close(left)
    os.close(full)
    assert (done.returncode, done.stdout) == (7, b"said\n")
    assert {file.name for file in (tmp_path / "out").iterdir()} == RESULTS


def refusal(tmp_path: Path, *arguments: str, code: int = 125) -> str:
    """What is said of a program that is not started, in the tests' own process; it leaves nothing."""
    said = run_here("profile", f"--out={tmp_path / 'out'}", *arguments, code=code, folder=tmp_path)
    assert said[0] == ""
    assert not (tmp_path / "out").exists()
    return said[1]


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        ("nonexistent", 127, "flopprof: nonexistent: no such command; give a path, or a program on PATH"),
        ("/", 126, "flopprof: /: is a folder"),
        ("./text", 126, "flopprof: ./text: is not executable"),
        ("./broken", 126, "flopprof: ./broken: cannot be executed: Exec format error"),
    ],
)
def test_what_cannot_be_run_is_one_line(tmp_path: Path, command: str, code: int, line: str) -> None:
    (tmp_path / "text").write_text("x")
    (tmp_path / "broken").write_text("x")
    (tmp_path / "broken").chmod(0o755)
    assert refusal(tmp_path, "--", command, code=code) == f"{line}\n"
    assert strays(tmp_path) == []


@pytest.mark.slow
def test_a_crash_keeps_what_was_recorded(tmp_path: Path) -> None:
    profiled = profile(tmp_path / "out", python(f"{MARKS}os.kill(os.getpid(), 11)"))
    assert profiled.code == 139
    assert profiled.own_lines == [f"flopprof: {warn_of_death(139)}"]
    assert "SIGSEGV" in profiled.own_lines[0]
    (part,) = analyze_file(profiled.out / "trace.sqlite").ranges
    assert part.range == "part"
    assert 0 < part.instances <= MARKED


def start_waiting(tmp_path: Path, before: str = "") -> subprocess.Popen[bytes]:
    """A program that has done what it does ``before``, and waits."""
    command = [*python(WAITS.format(before=before)), str(tmp_path / "ready")]
    process = start_profile(tmp_path / "out", command)
    wait_until((tmp_path / "ready").exists)
    return process


def wait_and_send(tmp_path: Path, before: str, number: signal.Signals) -> Profiled:
    process = start_waiting(tmp_path, before)
    process.send_signal(number)
    return finish(process, tmp_path / "out")


def test_ctrl_c_reaches_the_program_and_keeps_its_trace(tmp_path: Path) -> None:
    profiled = wait_and_send(tmp_path, "", signal.SIGINT)
    assert (profiled.code, profiled.own_lines) == (130, [f"flopprof: {warn_of_death(130)}"])
    assert "KeyboardInterrupt" in profiled.stderr
    assert profiled.files == RESULTS
    assert strays(tmp_path) == []


def test_a_program_may_answer_a_signal_as_it_likes(tmp_path: Path) -> None:
    profiled = wait_and_send(
        tmp_path, "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))", signal.SIGTERM
    )
    assert (profiled.code, profiled.own_lines) == (9, [])
    assert profiled.files == RESULTS


def noted(tmp_path: Path) -> int:
    """Interrupts that the program has had."""
    file = tmp_path / "noted"
    return len(file.read_text()) if file.exists() else 0


@pytest.mark.slow
def test_the_third_ctrl_c_kills_a_program_that_ignores_them(tmp_path: Path) -> None:
    process = start_waiting(tmp_path, MARKS + NOTES_INTERRUPTS)
    for count in (1, 2):
        process.send_signal(signal.SIGINT)
        wait_until(lambda count=count: noted(tmp_path) == count)
    process.send_signal(signal.SIGINT)
    profiled = finish(process, tmp_path / "out")
    assert noted(tmp_path) == 2
    assert profiled.code == 137
    assert profiled.own_lines == [
        "flopprof: interrupted three times: the program is killed",
        f"flopprof: {warn_of_death(137)}",
    ]
    assert [row.range for row in analyze_file(profiled.out / "trace.sqlite").ranges] == ["part"]
    assert strays(tmp_path) == []


def test_nothing_goes_on_when_flopprof_itself_is_killed(tmp_path: Path) -> None:
    process = start_waiting(tmp_path)
    process.kill()
    finish(process, tmp_path / "out")
    wait_until(lambda: strays(tmp_path) == [])
    assert not RESULTS & {file.name for file in (tmp_path / "out").iterdir()}


def test_a_capture_range_records_only_itself(tmp_path: Path) -> None:
    code = "from flopprof.profiler import annotate\nfor n in 'abc':\n  with annotate(n):\n    with annotate('in'): pass"
    profiled = profile(tmp_path / "out", python(code), "--capture-range=nvtx:b")
    assert (profiled.code, profiled.own_lines) == (0, [])
    assert {row.range for row in analyze_file(profiled.out / "trace.sqlite").ranges} == {"b", "in"}


def test_a_capture_range_that_never_began_is_said(tmp_path: Path) -> None:
    profiled = profile(tmp_path / "out", ["true"], "--capture-range=nvtx:never")
    assert profiled.code == 125
    assert len(profiled.own_lines) == 1
    assert "the capture range nvtx:never@* never began" in profiled.own_lines[0]
    assert not profiled.out.exists()


def test_a_bad_capture_range_is_one_line(tmp_path: Path) -> None:
    said = refusal(tmp_path, "--capture-range=range", "--", "true")
    assert said == "flopprof: --capture-range 'range' is neither cudaProfilerApi nor nvtx:NAME\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Missing argument 'command'"),
        (("--keep", "--", "true"), "No such option: --keep"),
        (("--out",), "Option '--out' requires an argument"),
    ],
)
def test_a_wrong_command_line_is_no_exit_code_of_a_program(arguments: tuple[str, ...], words: str) -> None:
    out, err = run_here("profile", *arguments, code=125)
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith(f"flopprof: {words}")


@pytest.mark.slow
def test_processes_of_one_program_are_told_apart(tmp_path: Path) -> None:
    worker = "import sys\nfrom flopprof.profiler import annotate\nwith annotate('rank' + sys.argv[1]): pass"
    code = (
        "import subprocess, sys\nfrom flopprof.profiler import annotate\n"
        f"with annotate('launcher'):\n  ps = [subprocess.Popen([sys.executable, '-c', {worker!r}, r]) for r in '01']\n"
        "  sys.exit(max(p.wait() for p in ps))"
    )
    profiled = profile(tmp_path / "out", python(code))
    assert profiled.code == 0, profiled
    rows = analyze_file(profiled.out / "trace.sqlite").ranges
    assert (profiled.code, {row.range for row in rows}) == (0, {"launcher", "rank0", "rank1"})
    assert len({row.pid for row in rows}) == 3


def test_results_that_exist_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    said = run_here("profile", f"--out={tmp_path}", "--", "true", code=125)
    assert said == ("", f"flopprof: {tmp_path}: is not empty; choose another with --out DIR\n")
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_without_nsys_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if Path("/opt/nvidia/nsight-systems").exists():
        pytest.skip("nsys is also where NVIDIA installs it, which flopprof finds without PATH")
    (tmp_path / "true").symlink_to(str(shutil.which("true")))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(tmp_path, "--", "true") == (
        "flopprof: nsys is not on PATH, and only programs of Python record themselves; see `flopprof doctor`\n"
    )


def test_without_out_it_writes_into_the_store(tmp_path: Path) -> None:
    environment = {**os.environ, "FLOPPROF_STORE": str(tmp_path / "store")}
    subprocess.run(
        [*FLOPPROF, "profile", "--", "true"], check=True, cwd=tmp_path, env=environment, capture_output=True
    )
    (folder,) = [entry for entry in (tmp_path / "store").iterdir() if entry.is_dir()]
    assert {file.name for file in folder.iterdir()} == RESULTS
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


def test_under_nsys_it_does_not_nest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NSYS_PROFILING_SESSION_ID", "1")
    assert "cannot be nested" in refusal(tmp_path, "--", "true")


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
@pytest.mark.parametrize("size", [256, 3000])
def test_a_full_disk_leaves_no_half_result(tmp_path: Path, size: int) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.decode().strip()}")
    try:
        ranges = (
            "from flopprof.profiler import annotate\nfor n in range(100000):\n  with annotate(str(n)): pass"
        )
        profiled = profile(small / "out", python(ranges))
        assert (profiled.code, len(profiled.own_lines)) == (125, 1)
        assert f"its trace was lost: {profiled.out}: the disk is full" in profiled.own_lines[0]
        assert not profiled.out.exists()
        failed = profile(small / "out", python(f"{ranges}\nexit(3)"))
        assert (failed.code, len(failed.own_lines)) == (3, 1)
        assert strays(tmp_path) == []
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_options_after_the_command_are_the_commands(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *FLOPPROF,
            "profile",
            f"--out={tmp_path / 'out'}",
            sys.executable,
            "-c",
            "import sys; print(sys.argv)",
            "--help",
        ],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "['-c', '--help']\n")
