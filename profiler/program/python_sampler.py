"""Where a Python program is, seen so often a second by a thread inside it.

It is loaded alone, into programs whose Python has no flopprof (starter.py), so it imports the standard library only. It
writes what it saw once a second, as a program may end without a word; a fork takes no thread along, so it begins anew
in the child.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import sysconfig
import threading
import time
from types import CodeType, FrameType
from typing import Any

LOADED_AS = "_flopprof_sampler"
"""Its name in the program."""

FOLDER, HZ = "FLOPPROF_SAMPLES", "FLOPPROF_SAMPLES_HZ"

_DEEPEST, _MOST_STACKS, _MOST_THREADS, _WRITE_SECONDS = 100, 5000, 64, 1.0

_LIBRARIES = tuple(
    {
        path
        for name, path in sysconfig.get_paths().items()
        if name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)

_Stack = tuple[int, ...]


class Sampler:
    """Looks at every thread but its own, until it is stopped."""

    def __init__(self, folder: str, hz: float, starter: str) -> None:
        self._folder, self._hz = folder, hz
        self._not_the_programs = (__file__, starter)
        self._looked = 0.0
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._codes: dict[CodeType, int] = {}
        self._functions: list[list[Any]] = []
        self._stacks: dict[tuple[int, str, bool], dict[_Stack, list[int]]] = {}
        self._cpu: dict[int, int] = {}

    def start(self) -> None:
        """Begin, or go on."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flopprof", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, what it saw written."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def start_in_child(self) -> None:
        """Begin anew in a process that was forked off."""
        self._forget()
        self.start()

    def _run(self) -> None:
        period = 1.0 / self._hz
        written = due = self._looked = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + period, time.monotonic())
            self._look()
            if due - written >= _WRITE_SECONDS:
                written = due
                self._write()
        self._write()

    def _look(self) -> None:
        now = time.monotonic()
        elapsed, self._looked = round((now - self._looked) * 1e9), now
        own = threading.get_ident()
        known = {thread.ident: thread for thread in threading.enumerate()}
        for ident, frame in list(sys._current_frames().items())[:_MOST_THREADS]:
            thread = known.get(ident)
            if ident != own and thread is not None:
                self._count(thread, frame, elapsed)

    def _count(self, thread: threading.Thread, frame: FrameType | None, elapsed: int) -> None:
        stack: list[int] = []
        while frame is not None and len(stack) < _DEEPEST:
            if frame.f_code.co_filename in self._not_the_programs:
                return  # it is starting, or stopping, this
            stack.append(self._code(frame.f_code))
            frame = frame.f_back
        main = thread is threading.main_thread()
        stacks = self._stacks.setdefault((thread.ident or 0, thread.name, main), {})
        key = tuple(reversed(stack))
        if key not in stacks and len(stacks) >= _MOST_STACKS:
            key = key[:1]
        seen = stacks.setdefault(key, [0, 0, 0])
        seen[0] += 1
        seen[1] += elapsed
        now = _cpu_ns(thread.native_id)
        before = self._cpu.get(thread.native_id or 0)
        if now is None:
            seen[2] = -1  # unknown
            return
        self._cpu[thread.native_id or 0] = now
        if seen[2] >= 0 and before is not None:
            seen[2] += now - before

    def _code(self, code: CodeType) -> int:
        found = self._codes.get(code)
        if found is None:
            found = self._codes[code] = len(self._functions)
            name = getattr(code, "co_qualname", code.co_name)
            file = code.co_filename
            own = not file.startswith(("<frozen", *_LIBRARIES)) and "site-packages" not in file
            self._functions.append([name, os.path.basename(file), code.co_firstlineno, own])  # noqa: PTH119
        return found

    def _write(self) -> None:
        threads = [
            {"pid": self._pid, "name": name, "main": main, "stacks": [[k, *v] for k, v in stacks.items()]}
            for (_, name, main), stacks in self._stacks.items()
        ]
        path = f"{self._folder}/{self._pid}.json"
        try:
            with open(f"{path}.new", "w", encoding="utf-8") as file:  # noqa: PTH123
                json.dump({"hz": self._hz, "functions": self._functions, "threads": threads}, file)
            os.replace(f"{path}.new", path)  # noqa: PTH105
        except OSError:  # the program must not notice
            return


def _cpu_ns(native_id: int | None) -> int | None:
    """What a thread has computed so far."""
    try:
        with open(f"/proc/self/task/{native_id}/schedstat", "rb") as file:  # noqa: PTH123
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def begin() -> None:
    """Sample this process from now on, if its environment says where to."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    starter = sys._getframe(1).f_code.co_filename
    sampler = Sampler(folder, float(os.environ.get(HZ, "100")), starter)
    sampler.start()
    os.register_at_fork(
        before=sampler.stop, after_in_parent=sampler.start, after_in_child=sampler.start_in_child
    )
    atexit.register(sampler.stop)
