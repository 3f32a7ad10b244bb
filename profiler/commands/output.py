"""Where results go: standard output, or a file written whole or not at all; and words to standard error."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ...analysis.files import replace_file
from ..errors import OutputFolderError


def emit(text: str, out: Path | None) -> None:
    """Print ``text``, or write it to ``out``. Raises OutputFolderError."""
    if out is None:
        print(text)
        return
    write_output((text + "\n").encode(), out)


def write_output(data: bytes, out: Path) -> None:
    """Write a file whole or not at all. Raises OutputFolderError."""
    try:
        replace_file(out, data, durable=False)
    except OSError as error:
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
