"""Ranges and marks of this process, kept in memory on the clock of ``time.perf_counter_ns`` until it ends."""

from __future__ import annotations

import itertools
import json
import threading
import time
from pathlib import Path

LOADED_AS = "_flopprof_inside"
"""The name of begin.py in a program that records itself, where this room is no part of the program's flopprof."""

RANGES = "ranges.jsonl"

PUSH_POP, START_END, MARK = 59, 60, 34
"""Kinds of events, as Nsight Systems numbers them."""

Row = tuple[int, int, int | None, str, str, float | None, int, int | None]
"""Kind, start, end (None: it was still open), name, domain, payload, thread, thread that ended it."""

Begun = tuple[int, str, float | None]


class KeptRanges:
    """Every thread has a stack for each domain; rows are appended by all of them, which Python makes one at a time."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._stacks: dict[tuple[int, str], list[Begun]] = {}
        self._started: dict[int, tuple[int, str, str, float | None, int]] = {}
        self._numbers = itertools.count(1)

    def push(self, name: str, domain: str = "", payload: float | None = None) -> int:
        """Begin a range of this thread; its depth."""
        stack = self._stacks.setdefault((threading.get_native_id(), domain), [])
        stack.append((time.perf_counter_ns(), name, payload))
        return len(stack) - 1

    def pop(self, domain: str = "") -> int:
        """End the range begun last; where none is open, nothing."""
        end, thread = time.perf_counter_ns(), threading.get_native_id()
        stack = self._stacks.get((thread, domain))
        if not stack:
            return -1
        start, name, payload = stack.pop()
        self._rows.append((PUSH_POP, start, end, name, domain, payload, thread, None))
        return len(stack)

    def mark(self, name: str, domain: str = "", payload: float | None = None) -> None:
        """Mark this instant."""
        now = time.perf_counter_ns()
        self._rows.append((MARK, now, None, name, domain, payload, threading.get_native_id(), None))

    def start(self, name: str, domain: str = "", payload: float | None = None) -> int:
        """Begin a range that another thread may end; what to end it by."""
        number = next(self._numbers)
        self._started[number] = (time.perf_counter_ns(), name, domain, payload, threading.get_native_id())
        return number

    def end(self, number: int) -> None:
        """End such a range."""
        now = time.perf_counter_ns()
        begun = self._started.pop(number, None)
        if begun is not None:
            start, name, domain, payload, thread = begun
            row = (START_END, start, now, name, domain, payload, thread, threading.get_native_id())
            self._rows.append(row)

    def save(self, folder: Path) -> None:
        """Write all of it, also what is still open."""
        still = [
            (PUSH_POP, start, None, name, domain, payload, thread, None)
            for (thread, domain), stack in self._stacks.items()
            for start, name, payload in stack
        ]
        begun = [
            (START_END, start, None, name, domain, payload, thread, None)
            for start, name, domain, payload, thread in self._started.values()
        ]
        with (folder / RANGES).open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in (*self._rows, *still, *begun))
