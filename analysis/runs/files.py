"""Files of a run, written beside their place and renamed into it."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from ..errors import RunError


def write_record(path: Path, record: BaseModel) -> None:
    """Write a record as JSON, whole or not at all, and through to the disk."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
        _write_through(temporary)
        temporary.replace(path)
        _write_through(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _write_through(path: Path) -> None:
    """Have the kernel write a file, or a folder's list of names, to the disk now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_texts(texts: Mapping[str, str], folder: Path) -> list[Path]:
    """Files by name into a folder, which is made if need be. Raises RunError when it cannot be written."""
    _make_folder(folder)
    return [_write(folder / name, text.encode("utf-8", "backslashreplace")) for name, text in texts.items()]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(folder, f"cannot be made: {error.strerror or error}") from error


def _write(path: Path, data: bytes) -> Path:
    """Through a neighbour and a rename, so that no reader meets half a file."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise RunError(path, f"cannot be written: {error.strerror or error}") from error
    return path
