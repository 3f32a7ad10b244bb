"""Where results go: standard output, or a file written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from .errors import OutputFolderError


def emit(text: str, out: Path | None) -> None:
    """Print ``text``, or write it to ``out``. Raises OutputFolderError."""
    if out is None:
        print(text)
        return
    write_output((text + "\n").encode(), out)


def write_output(data: bytes, out: Path) -> None:
    """Write a file whole or not at all. Raises OutputFolderError."""
    temporary = out.with_name(f".{out.name}.new")
    try:
        temporary.write_bytes(data)
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputFolderError(out, f"cannot be written ({error.strerror})") from error
