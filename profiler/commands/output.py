"""Where results go: standard output, or a file written whole or not at all; and words to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from ..errors import OutputFolderError


def emit(text: str, out: Path | None) -> None:
    """Print ``text``, or write it to ``out``. Raises OutputFolderError."""
    if out is None:
        print(text)
        return
    write_output((text + "\n").encode(), out)


def print_pieces(pieces: Iterable[str]) -> None:
    """Print a text that comes in pieces."""
    for piece in pieces:
        print(piece, end="")
    print()


def write_output(data: bytes, out: Path) -> None:
    """Write a file whole or not at all. Raises OutputFolderError."""
    temporary = out.with_name(f".{out.name}.new")
    try:
        temporary.write_bytes(data)
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputFolderError(out, f"cannot be written ({error.strerror})") from error


def tell(text: str) -> None:
    """Write to standard error, if it is open and can take it: an exit code must not depend on who listens."""
    if sys.stderr is None:  # closed; print would take standard output instead
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        # What is still in the buffer would fail once more at exit, and make the exit code 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
