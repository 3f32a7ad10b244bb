"""Files and folders that appear whole or not at all: made beside their place, then renamed into it.

The one module that renames. It raises OSError as it is; who writes says what that means for its reader.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_DRAFT = re.compile(r"\..*(?:\.[0-9a-f]{8}|\.json)\.new", re.DOTALL)

_MOST_OF_A_NAME = 40
"""Characters of a file's name in that of its draft: a name may have 255 bytes."""


def replace_file(path: Path, data: bytes, *, durable: bool) -> None:
    """Write a file; ``durable`` ones are through to the disk, as is their name, when this returns."""
    draft = _name_draft(path)
    try:
        draft.write_bytes(data)
        move_whole(draft, path, durable=durable)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


@contextmanager
def draft_file(path: Path, *, durable: bool) -> Iterator[Path]:
    """An empty file beside ``path``, its owner's only (0600): what the body wrote takes its place, or vanishes."""
    draft = _name_draft(path)
    try:
        draft.touch(mode=0o600, exist_ok=False)
        yield draft
        move_whole(draft, path, durable=durable)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def move_whole(made: Path, place: Path, *, durable: bool) -> None:
    """Rename a file or folder; a ``durable`` one goes to the disk before its new name, with everything in it."""
    if durable:
        for path in (made, *(made.rglob("*") if made.is_dir() else ())):
            _write_through(path)
    made.replace(place)
    if durable:
        _write_through(place.absolute().parent)


def is_draft(name: str) -> bool:
    """Whether a file of this name is one that a killed process did not finish."""
    return _DRAFT.fullmatch(name) is not None


def _name_draft(path: Path) -> Path:
    """A new name in the same folder, so on the same file system."""
    path = path.absolute()  # the name of `.` is empty
    return path.parent / f".{path.name[:_MOST_OF_A_NAME]}.{secrets.token_hex(4)}.new"


def _write_through(path: Path) -> None:
    """Have the kernel write a file, or a folder's list of names, to the disk now."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # a folder that one may write into and not list
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
