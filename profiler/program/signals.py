"""A program while it runs under Nsight Systems: its signals, its end, and nothing of it left behind.

Nsight Systems runs the program in a session of its own, out of the terminal's reach. So every signal that flopprof
gets is sent on: to the program's group what a terminal would send to all of it, to the program alone what one
process sends to another. A program that ignores Ctrl-C may; the third one in a row kills it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from ..errors import Interrupted, ProfileError
from ..recorders.child import HANGING_SECONDS, PATIENCE_SECONDS, POLL_SECONDS, end_child
from ..recorders.hanging import HangWatch, RecorderHangs
from ..recorders.turns import Turn
from .handover import Handover

TO_GROUP = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGWINCH)

TO_PROGRAM = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)

PATIENCE = 3
"""Ctrl-C so many times kills a program that ignores it."""

Handler = Callable[[int, FrameType | None], Any] | int | None

PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the program ended: 128 + signal for one that a signal ended."""

    exit_code: int
    wall_seconds: float


@dataclass(slots=True)
class SignalPost:
    """Sends signals on to the program; before it runs they end the recorder."""

    recorder: subprocess.Popen[bytes]
    handover: Handover
    announce: Callable[[str], None]
    patient: bool = False
    """Whether SIGTERM is let pass when the program has ended: a launcher sends it to ranks when another has failed."""
    interrupts: int = 0
    seconds: float = 0.0
    """How long the program has run, or ran."""
    before: dict[int, Handler] = field(default_factory=dict)
    """What handled signals before, and does where there is no program."""
    _program: int | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Pass one signal on. Raises Interrupted when there is no program to take it any more."""
        if not self.running():
            self._stop(number, frame)
            return
        self.interrupts += number == signal.SIGINT
        if self.interrupts >= PATIENCE:
            self.announce("interrupted three times: the program is killed")
            number = signal.SIGKILL
        self.send(signal.Signals(number))

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """End as flopprof does at any other time; once the program has ended, only what is meant for flopprof does."""
        if self.patient and number == signal.SIGTERM and self._program is not None:
            return
        if number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) or (
            self._program is None and number not in (signal.SIGWINCH, signal.SIGCONT)
        ):
            before = self.before.get(number)
            if callable(before):
                before(number, frame)
            raise Interrupted

    def running(self) -> bool:
        """Whether the program has begun and not ended; its descriptor stays valid when its id is reused."""
        if self._program is None and self.handover.pid is not None:
            self._began = time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                self._program = os.pidfd_open(self.handover.pid)
        if self._program is None or select.select([self._program], [], [], 0)[0]:
            return False
        self.seconds = time.monotonic() - self._began
        return True

    def send(self, sign: signal.Signals) -> None:
        """To the program's group, if the signal is one for all and the group is its own; else to it alone."""
        assert self.handover.pid is not None and self._program is not None
        with contextlib.suppress(ProcessLookupError):
            if sign not in TO_PROGRAM and os.getpgid(self.handover.pid) == self.handover.pid:
                os.killpg(self.handover.pid, sign)
            else:
                signal.pidfd_send_signal(self._program, sign)

    def close(self) -> None:
        """Let go of the program."""
        if self._program is not None:
            os.close(self._program)


def run_profiled(
    command: Sequence[str],
    handover: Handover,
    turn: Turn,
    *,
    log: Path,
    announce: Callable[[str], None],
    patient: bool = False,
) -> Ending:
    """Run the recorder until it has written its report; what it says itself goes to ``log``.

    Its turn to start ends when the program has begun.

    Raises Interrupted when it was told to end before the program began or after it had ended, ProfileError
    when the recorder itself was killed, RecorderHangs when it does nothing and there is no program.
    """
    recorder = start_recorder(command, handover.given, log)
    post = SignalPost(recorder, handover, announce, patient)
    watch = HangWatch(program=Path(command[0]), private=handover.folder, output=log, written=(log.parent,))
    try:
        with forwarded_signals(post):
            while recorder.poll() is None:
                handover.accept()
                if handover.pid is not None:
                    turn.end()
                running = post.running()
                watch.check("there" if running else "to come" if handover.pid is None else "gone")
                time.sleep(POLL_SECONDS)
    except BaseException as error:
        end_child(recorder, HANGING_SECONDS if isinstance(error, RecorderHangs) else PATIENCE_SECONDS)
        raise
    finally:
        post.close()
    if recorder.pid == handover.pid:  # nothing is around the program
        return Ending(exit_code=as_shells_say(recorder.returncode), wall_seconds=post.seconds)
    if recorder.returncode < 0:
        raise ProfileError(f"Nsight Systems itself was killed by {signal.Signals(-recorder.returncode).name}")
    return Ending(exit_code=recorder.returncode, wall_seconds=post.seconds)


def as_shells_say(code: int) -> int:
    """128 + signal for what a signal ended.

    >>> as_shells_say(-15), as_shells_say(3)
    (143, 3)
    """
    return 128 - code if code < 0 else code


def start_recorder(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """The recorder in a session of its own; it gets SIGTERM, which it passes on, should flopprof be killed."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )


def die_with_parent() -> Callable[[], None]:
    """What a child does before it becomes its program: ask for SIGTERM should flopprof be killed."""
    library = ctypes.CDLL(None, use_errno=True)
    return lambda: library.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))


@contextmanager
def forwarded_signals(post: SignalPost) -> Iterator[None]:
    """Give every signal that is not ignored to ``post``; the handlers before come back afterwards."""
    post.before = {
        number: signal.getsignal(number)
        for number in (*TO_GROUP, *TO_PROGRAM)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    for number in post.before:
        signal.signal(number, post.receive)
    try:
        yield
    finally:
        for number, handler in post.before.items():
            signal.signal(number, handler)
