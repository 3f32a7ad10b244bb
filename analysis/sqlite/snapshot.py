"""A SQLite file as it is at one moment: one connection, one read transaction, and proof that nothing changed.

SQLite's locks are POSIX locks, which end when any descriptor of the file in this process is closed
(sqlite.org/howtocorrupt.html, 2.2). So the descriptor from which pages are read is opened before the connection
and closed after the last connection to that file. A link is followed once, here: what SQLite keeps beside a file
lies beside its target.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, RLock
from typing import Any

from ..errors import TraceError
from .pages import PageFile
from .unusual import Unusual

MAGIC = b"SQLite format 3\x00"

CHUNK_ROWS = 65536

MAX_VALUE_BYTES = 1 << 20
"""No name is longer; a longer text is a program's output, an environment, or damage."""

READ_FAILURES = (sqlite3.Error, OverflowError, UnicodeError)
"""What sqlite3 raises on a damaged file; the last when its message quotes bytes that are no text."""

AGAIN = "export it again from its .nsys-rep"

WAL_SALT = slice(16, 24)

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What changes when somebody writes to the file or, with `salt`, begins its write-ahead log anew."""

    size: int
    modified_ns: int
    counter: bytes
    salt: bytes


class _Descriptors:
    """Those of this process's snapshots, by file: none is closed while another snapshot of its file is open."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[tuple[int, int], set[int]] = {}
        self._finished: dict[tuple[int, int], set[int]] = {}

    def open(self, real: Path) -> int:
        with self._lock:
            descriptor = os.open(real, os.O_RDONLY | os.O_CLOEXEC)
            self._open.setdefault(_identify(descriptor), set()).add(descriptor)
            return descriptor

    def close(self, descriptor: int) -> None:
        with self._lock:
            file = _identify(descriptor)
            self._open[file].discard(descriptor)
            finished = self._finished.setdefault(file, set())
            finished.add(descriptor)
            if not self._open[file]:
                for one in finished:
                    os.close(one)
                del self._open[file], self._finished[file]


def _identify(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


_DESCRIPTORS = _Descriptors()


class Snapshot:
    """One state of a database file, which several threads may ask at once; close it when done."""

    def __init__(self, path: Path) -> None:
        """Open `path`, or raise TraceError: missing, a directory, empty, not SQLite, cut short, damaged."""
        self.path = path
        self._real = resolve_file(path)
        self._descriptor = _open(path, self._real)
        self._lock = RLock()
        try:
            _check_header(path, self._descriptor)
            self.uri, self._connection = _begin(path, self._real)
        except BaseException:
            _DESCRIPTORS.close(self._descriptor)
            raise
        self._in_log = _size_of(_beside(self._real, "-wal")) > 0
        self._stamp = self._read_stamp()
        self.pages = self._open_pages()
        self._open = True

    def close(self) -> None:
        """Close the file, its descriptor last; closing twice is fine."""
        if self._open:
            self._open = False
            self._connection.close()
            _DESCRIPTORS.close(self._descriptor)

    def ask(self, sql: str, params: Sequence[Any] = ()) -> Rows:
        """All rows of a query; raises what sqlite3 raises."""
        with self._lock:
            return self._connection.execute(sql, params).fetchall()

    def stream(self, sql: str) -> Iterator[Rows]:
        """The rows of a query, many at a time; raises what sqlite3 raises."""
        with self._lock:
            cursor = self._connection.execute(sql)
        while True:
            with self._lock:
                rows = cursor.fetchmany(CHUNK_ROWS)
            if not rows:
                return
            yield rows

    def size(self) -> int:
        """Bytes of the file and of its write-ahead log."""
        return os.fstat(self._descriptor).st_size + _size_of(_beside(self._real, "-wal"))

    def check_unchanged(self) -> None:
        """Raise TraceError when somebody wrote to what was read: past the locks, or where there are none."""
        if self._read_stamp() != self._stamp:
            raise TraceError(
                self.path, "was written to while it was read; wait until its writer has finished"
            )

    def _read_stamp(self) -> Stamp:
        """A log keeps its salt while it is read; the file under it may take in what nobody here looks at."""
        if self._in_log:
            return Stamp(size=0, modified_ns=0, counter=b"", salt=_read_salt(_beside(self._real, "-wal")))
        found = os.fstat(self._descriptor)
        head = os.pread(self._descriptor, 28, 0)
        return Stamp(size=found.st_size, modified_ns=found.st_mtime_ns, counter=head[24:], salt=b"")

    def _open_pages(self) -> PageFile | None:
        """The pages, unless the file alone does not say what is in the database."""
        if self._in_log or _size_of(_beside(self._real, "-journal")):
            return None
        try:
            return PageFile(self._descriptor)
        except (Unusual, OSError):
            return None


def resolve_file(path: Path) -> Path:
    """What a path stands for, links followed; the path itself where that cannot be told (an open but deleted file)."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return path
    return real


def _beside(real: Path, suffix: str) -> Path:
    return real.with_name(real.name + suffix)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read_salt(log: Path) -> bytes:
    try:
        with log.open("rb") as file:
            return file.read(WAL_SALT.stop)[WAL_SALT]
    except OSError:
        return b""


def _open(path: Path, real: Path) -> int:
    try:
        if path.is_dir():
            raise TraceError(path, "is a directory, not a trace file")
        return _DESCRIPTORS.open(real)
    except FileNotFoundError:
        raise TraceError(path, "no such file") from None
    except OSError as error:
        raise TraceError(path, f"cannot be read: {error.strerror}") from None


def _check_header(path: Path, descriptor: int) -> None:
    """Name the plain cases in plain words before SQLite says `file is not a database` to all of them."""
    try:
        head, size = os.pread(descriptor, 100, 0), os.fstat(descriptor).st_size
    except OSError as error:
        raise TraceError(path, f"cannot be read: {error.strerror}") from None
    if not head:
        raise TraceError(path, f"is empty (an export on a full disk looks like this); {AGAIN}")
    if head[:16] != MAGIC[: len(head)]:
        raise TraceError(
            path,
            "is not a SQLite file; flopprof reads .sqlite, .nsys-rep, .qdstrm and the .json of torch.profiler",
        )
    if len(head) < 100 or size < _size_by_header(head):
        raise TraceError(path, f"is cut short; {AGAIN}")


def _size_by_header(head: bytes) -> int:
    """Bytes the header promises; 0 where an old writer left that field unset (SQLite file format, 1.3.7)."""
    page_size = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    if head[24:28] != head[92:96]:
        return 0
    return pages * (65536 if page_size == 1 else page_size)


def _begin(path: Path, real: Path) -> tuple[str, sqlite3.Connection]:
    """A connection in a read transaction, and what it was opened as."""
    uri = real.absolute().as_uri() + "?mode=ro"
    try:
        try:
            return uri, _usable(uri)
        except sqlite3.OperationalError as error:
            # A read-only folder or a file system without locks; but not over a half-done transaction.
            if _size_of(journal := _beside(real, "-journal")):
                raise _half_written(path, journal, error) from None
            if _size_of(log := _beside(real, "-wal")):
                remedy = "copy both to a folder that may be written to"
                raise TraceError(
                    path, f"is not whole without {log.name}, which SQLite cannot read here; {remedy}"
                ) from None
            return f"{uri}&immutable=1", _usable(f"{uri}&immutable=1")
    except READ_FAILURES as error:
        raise translate_error(path, error) from None


def _half_written(path: Path, journal: Path, error: sqlite3.OperationalError) -> TraceError:
    """What a journal that is still to be undone means, unless its writer is at work."""
    problem = translate_error(path, error)
    if "is locked" in problem.problem:
        return problem
    return TraceError(
        path,
        f"was left half written: {journal.name} beside it holds what was there before; open it once with a "
        f"program that may write, which undoes that (sqlite3 {path.name} .tables), or {AGAIN}",
    )


def _usable(uri: str) -> sqlite3.Connection:
    """Set up a connection and touch the file, which is when SQLite finds out that it cannot."""
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def translate_error(path: Path, error: Exception) -> TraceError:
    """What SQLite said about `path`, as one line that names the remedy."""
    text = "unreadable schema" if isinstance(error, UnicodeError) else str(error)
    if "locked" in text or "busy" in text:
        return TraceError(path, "is locked by another program; wait until its export has finished")
    if isinstance(error, sqlite3.DataError):
        return TraceError(
            path, f"holds a text of over {MAX_VALUE_BYTES >> 20} MiB, which is no name; {AGAIN}"
        )
    plain = "".join(c if c.isprintable() else " " for c in text)
    return TraceError(path, f"is damaged ({' '.join(plain.split())[:200]}); {AGAIN}")
