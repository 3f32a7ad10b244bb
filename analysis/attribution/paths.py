"""Paths of ranges: instances with the same messages from the outermost inwards, on one thread, are one path.

A path of more than MOST_LEVELS messages is spelled by its outermost and its innermost ones; between them stands how
many were left out, and a digest of those, so that two paths are never spelled alike. Ranges that are opened and never
closed lie in one another without end: spelled whole, their paths would grow with the square of their number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Codes, Ints, ints
from ..arithmetic.nesting import split_levels
from ..plain import NOT_WRITTEN
from ..trace.trace import Trace

MOST_LEVELS = 32

OUTERMOST = INNERMOST = MOST_LEVELS // 2
"""Messages of a deeper path that are spelled, beside what is said of those left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathName:
    """How a path is called: its last message, all messages from the outermost, its domain, its thread."""

    range: str = ""
    path: tuple[str, ...] = ()
    domain: str = ""
    """"" is NVTX's default domain."""
    pid: int | None = None
    tid: int | None = None
    domains: tuple[str, ...] = field(default=(), metadata=NOT_WRITTEN)
    """Of every message of the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Every distinct path of a trace; the row `first` is the first range on it."""

    of_range: Codes
    """The path of each row of trace.ranges."""
    parent: Ints
    """The path without its last message, -1 for an outermost one."""
    first: Ints
    """A row of trace.ranges that lies on it: its name, domain, thread and style are the path's."""

    def __len__(self) -> int:
        return len(self.first)


class PathNames:
    """How the paths of a trace are called, each spelled once."""

    def __init__(self, trace: Trace, paths: Paths) -> None:
        self._trace = trace
        self._parent = paths.parent
        self._message, self._domain, self._thread = (
            ints(trace.ranges, column)[paths.first] for column in ("name", "domain", "thread")
        )
        self._spellings: dict[int, _Spelling] = {NONE: _Spelling()}
        self._names: dict[int, PathName] = {NONE: PathName()}
        self._stacks: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._ids: dict[int, tuple[int | None, int | None]] = {}

    def __getitem__(self, path: int) -> PathName:
        """How a path is called; -1 is no path at all."""
        name = self._names.get(path)
        if name is None:
            name = self._names[path] = self._spell(path)
        return name

    def _spell(self, path: int) -> PathName:
        thread = int(self._thread[path])
        if thread not in self._ids:
            self._ids[thread] = thread_ids(self._trace, thread)
        pid, tid = self._ids[thread]
        spelling = self._spelling(path)
        domains = spelling.domains()
        return PathName(
            range=self._trace.name(int(self._message[path])),
            path=spelling.messages(),
            domain=self._trace.name(int(self._domain[path])),
            pid=pid,
            tid=tid,
            domains=self._stacks.setdefault(domains, domains),
        )

    def _spelling(self, path: int) -> _Spelling:
        """Of a path, by way of the nearest one around it that is spelled already."""
        inwards: list[int] = []
        while path not in self._spellings:
            inwards.append(path)
            path = int(self._parent[path])
        spelling = self._spellings[path]
        for path in reversed(inwards):
            domain, message = (self._trace.name(int(of[path])) for of in (self._domain, self._message))
            spelling = self._spellings[path] = spelling.with_inner(domain, message)
        return spelling


@dataclass(frozen=True, slots=True)
class _Spelling:
    """The messages of a path and their domains, but for those in the middle of a deep one."""

    outer: tuple[str, ...] = ()
    outer_domains: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    inner_domains: tuple[str, ...] = ()
    left_out: int = 0
    digest: bytes = b""
    """Of those left out."""

    def with_inner(self, domain: str, message: str) -> _Spelling:
        """The spelling of the path that goes one range further in."""
        if not self.inner and len(self.outer) < OUTERMOST:
            return _Spelling((*self.outer, message), (*self.outer_domains, domain))
        inner, domains = (*self.inner, message), (*self.inner_domains, domain)
        if len(inner) + self.left_out <= INNERMOST:
            return _Spelling(self.outer, self.outer_domains, inner, domains)
        told = inner[0] if domains[0] == self.outer_domains[-1] else f"{domains[0]}\0{inner[0]}"
        digest = blake2b(self.digest + told.encode("utf-8", "surrogatepass"), digest_size=4).digest()
        return _Spelling(self.outer, self.outer_domains, inner[1:], domains[1:], self.left_out + 1, digest)

    def messages(self) -> tuple[str, ...]:
        """As they are shown."""
        if not self.left_out:
            return self.outer + self.inner
        return (*self.outer, f"… {self.left_out} more, {self.digest.hex()} …", *self.inner)

    def domains(self) -> tuple[str, ...]:
        """Of what is shown; those left out pass for ranges of the domain around them, else the digest tells."""
        if not self.left_out:
            return self.outer_domains + self.inner_domains
        return (*self.outer_domains, self.outer_domains[-1], *self.inner_domains)


def thread_ids(trace: Trace, thread: int) -> tuple[int | None, int | None]:
    """(pid, tid) of a thread, None for none."""
    if thread < 0:
        return None, None
    return int(ints(trace.threads, "pid")[thread]), int(ints(trace.threads, "tid")[thread])


def find_paths(trace: Trace) -> Paths:
    """All paths, numbered by depth and then in the order of their first range."""
    frame = trace.ranges
    parents, depth = ints(frame, "parent"), ints(frame, "depth")
    kind = _pair(ints(frame, "name"), ints(frame, "domain"))
    kind = _pair(_pair(kind, ints(frame, "thread")), ints(frame, "style"))
    of_range = np.full(len(frame) + 1, NONE, np.int64)
    parent, first, count = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for level in split_levels(depth):
        outer = of_range[parents[level]]
        where = _number_level(
            of_range, level, _pair(outer + 1, kind[level]) if len(level) > 1 else outer, count
        )
        parent.append(outer[where])
        first.append(level[where])
        count += len(where)
    return Paths(
        of_range=of_range[:-1].astype(np.int32), parent=np.concatenate(parent), first=np.concatenate(first)
    )


def _number_level(of_range: Codes, level: Ints, kind: Ints, count: int) -> Ints:
    """Give the ranges of one level their paths, from ``count`` on; the place in the level of the first of each."""
    if len(level) == 1:
        of_range[level] = count
        return np.zeros(1, np.int64)
    codes, unique = pd.factorize(kind)
    of_range[level] = count + codes
    where = np.full(len(unique), len(level), np.int64)
    np.minimum.at(where, codes, np.arange(len(level)))
    return where


def _pair(one: Ints, other: Ints) -> Ints:
    """A code for each distinct pair."""
    first, second = pd.factorize(one)[0], pd.factorize(other)
    return pd.factorize(first * np.int64(max(len(second[1]), 1)) + second[0])[0]
