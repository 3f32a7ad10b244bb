"""Signals from the first line on: 128 + their number, no traceback, no private folder left."""

from __future__ import annotations

import lzma
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from drawing.draws import one_in
from flopprof.profiler.__main__ import ENDING, SignalCatcher, Stopped

FLOPPROF = [sys.executable, "-m", "flopprof"]

SENDS_ITSELF = """
import os, signal
from flopprof.profiler import __main__ as main
from flopprof.analysis.trace import open as opening
def send(*_):
    os.kill(os.getpid(), int(os.environ["NUMBER"]))
    signal.pause()
opening.unpack = send
main.main()
"""


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    file = tmp_path / "trace.sqlite.xz"
    file.write_bytes(lzma.compress(b"SQLite format 3\0" + bytes(4096)))
    return file


@pytest.mark.parametrize("number", one_in(3, ENDING))
def test_a_signal_while_unpacking_leaves_nothing_and_is_the_exit_code(packed: Path, number: int):
    room = packed.parent / "tmp"
    room.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SENDS_ITSELF, "analyze", str(packed)],
        env={**os.environ, "TMPDIR": str(room), "NUMBER": str(int(number))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, list(room.iterdir())) == (128 + number, [])
    assert "Traceback" not in done.stderr


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    catcher = SignalCatcher()
    try:
        catcher.catch()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGUSR1)
        assert catcher.first == signal.SIGUSR1
    finally:
        catcher.release()
        signal.signal(signal.SIGHUP, before)
        signal.signal(signal.SIGINT, signal.default_int_handler)


IN_A_DESTRUCTOR = """
import os, signal, sys, time
from flopprof.profiler.__main__ import SignalCatcher, Stopped

class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)

signals = SignalCatcher()
signals.catch()
try:
    dying = Dying()
    del dying
    time.sleep(60)
except Stopped:
    signals.release()
    sys.exit(signals.first)
"""


def test_a_signal_that_python_swallows_comes_again():
    done = subprocess.run([sys.executable, "-c", IN_A_DESTRUCTOR], stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (signal.SIGTERM, b"")


def test_what_a_killed_process_left_goes_with_the_next_start(tmp_path: Path):
    left = tmp_path / "flopprof-trace-dead"
    left.mkdir()
    (left / "unpacked.sqlite").write_text("environment")
    subprocess.run([*FLOPPROF, "scenarios"], env={**os.environ, "TMPDIR": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []


def test_what_a_living_process_holds_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import tempfile

    from flopprof.analysis.packing.private import private_folder, remove_abandoned

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with private_folder() as folder:
        remove_abandoned()
        assert folder.exists()
    assert not folder.exists()
