"""The digest of a file, made while other things happen."""

from __future__ import annotations

import hashlib
from pathlib import Path
from threading import Thread

PIECE = 8 << 20
"""Bytes digested at once: after each the thread has to wait for whoever is using the interpreter."""


class Digest:
    """SHA-256 of a file as it lies on the disk; a thread, which no process waits for at its end, begins at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: str | None = None
        self._thread = Thread(target=self._digest, daemon=True)
        self._thread.start()

    def result(self) -> str | None:
        """Hexadecimal digits; None when the file has gone or cannot be read."""
        self._thread.join()
        return self._found

    def _digest(self) -> None:
        hasher, buffer = hashlib.sha256(), memoryview(bytearray(PIECE))
        try:
            with self._path.open("rb", buffering=0) as file:
                while count := file.readinto(buffer):
                    hasher.update(buffer[:count])
        except OSError:
            return
        self._found = hasher.hexdigest()
