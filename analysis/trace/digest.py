"""The digest of a file, made while other things happen."""

from __future__ import annotations

import hashlib
from io import FileIO
from pathlib import Path
from threading import Thread

PIECE = 8 << 20
"""Bytes digested at once: after each the thread has to wait for whoever is using the interpreter."""


class Digest:
    """SHA-256 of a file as it lies on the disk; a thread, which no process waits for at its end, begins at once.

    The file stays open until the digest is asked for: closing it would end the locks of who reads it meanwhile
    (see sqlite/snapshot.py).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: str | None = None
        self._file: FileIO | None = None
        self._thread = Thread(target=self._digest, daemon=True)
        self._thread.start()

    def result(self) -> str | None:
        """Hexadecimal digits; None when the file has gone or cannot be read. Ask when the file has been read."""
        self._thread.join()
        if self._file is not None:
            self._file.close()
        return self._found

    def _digest(self) -> None:
        hasher, buffer = hashlib.sha256(), memoryview(bytearray(PIECE))
        try:
            self._file = self._path.open("rb", buffering=0)
            while count := self._file.readinto(buffer):
                hasher.update(buffer[:count])
        except OSError:
            return
        self._found = hasher.hexdigest()
