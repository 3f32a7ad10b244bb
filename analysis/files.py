"""Files and folders that appear whole or not at all: made beside their place, then renamed into it.

A device, a pipe or what a descriptor is (/dev/null, /dev/stdout) is written into and never replaced.

The one module that renames. It raises OSError as it is; who writes says what that means for its reader.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_DRAFT = re.compile(r"\..*(?:\.[0-9a-f]{8}|\.json)\.new", re.DOTALL)

_MOST_OF_A_NAME = 40
"""Characters of a file's name in that of its draft: a name may have 255 bytes."""


def replace_file(path: Path, data: bytes, *, durable: bool) -> None:
    """Write a file; ``durable`` ones are through to the disk, as is their name, when this returns."""
    if is_written_into(path):
        with _open_end(path) as out:
            out.write(data)
        return
    draft = _name_draft(path)
    try:
        draft.write_bytes(data)
        move_whole(draft, path, durable=durable)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


@contextmanager
def draft_file(path: Path, *, durable: bool, private: bool) -> Iterator[Path]:
    """An empty file beside ``path``: what the body wrote takes its place, or vanishes.

    A ``private`` one is its owner's only (0600).
    """
    if is_written_into(path):
        with tempfile.TemporaryDirectory(prefix="flopprof-draft-") as folder:
            draft = Path(folder) / "draft"
            draft.touch(mode=0o600)
            yield draft
            with draft.open("rb") as made, _open_end(path) as out:
                shutil.copyfileobj(made, out)
        return
    draft = _name_draft(path)
    try:
        draft.touch(mode=0o600 if private else 0o666, exist_ok=False)
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


def is_written_into(path: Path) -> bool:
    """Whether what is there is no file or folder, or is a name the system has for one that is open."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    place = path.absolute().parent.resolve()
    named = place == Path("/dev") or place.parts[1:2] == ("proc",)
    return named or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _open_end(path: Path) -> BinaryIO:
    """To write on: who redirects into a file has emptied it, or wants to keep what it holds."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "wb")


def is_draft(name: str) -> bool:
    """Whether a file of this name is one that a killed process did not finish."""
    return _DRAFT.fullmatch(name) is not None


def _name_draft(path: Path) -> Path:
    """A new name in the same folder, so on the same file system."""
    path = path.absolute()  # the name of `.` is empty
    return path.parent / f".{path.name[:_MOST_OF_A_NAME]}.{os.urandom(4).hex()}.new"


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
