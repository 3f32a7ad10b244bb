"""Files of a run and of its reports, each there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..errors import RunError
from ..files import draft_file, is_written_into, replace_file

if TYPE_CHECKING:  # reading a trace does without
    from pydantic import BaseModel


def write_record(path: Path, record: BaseModel) -> None:
    """Write a record as JSON, through to the disk. Raises OSError."""
    replace_file(path, f"{record.model_dump_json(indent=1)}\n".encode(), durable=True)


def refuse_existing(paths: Iterable[Path | None], *, force: bool) -> None:
    """Raise RunError where a file that is about to be written is there already; devices and pipes may be written."""
    for path in () if force else paths:
        if path is not None and path.is_file() and not is_written_into(path):
            raise RunError(path, "is there already; choose another name, or overwrite it with --force")


def write_texts(texts: Mapping[str, str], folder: Path, *, force: bool = True) -> list[Path]:
    """Files by name into a folder, which is made if need be. Raises RunError when it cannot be written."""
    refuse_existing((folder / name for name in texts), force=force)
    make_folder(folder)
    return write_files({name: encode_text(text) for name, text in texts.items()}, folder)


def encode_text(text: str) -> bytes:
    """UTF-8, in which half a surrogate of a name from outside stays readable."""
    return text.encode("utf-8", "backslashreplace")


def make_folder(folder: Path) -> None:
    """Make a folder, with those around it, unless it is there. Raises RunError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(folder, f"cannot be made: {error.strerror or error}") from error


def write_files(files: Mapping[str, bytes], folder: Path, *, force: bool = True) -> list[Path]:
    """Files by name into a folder that is there. Raises RunError."""
    refuse_existing((folder / name for name in files), force=force)
    return [write_file(folder / name, data) for name, data in files.items()]


def write_file(path: Path, data: bytes) -> Path:
    """One file of a report. Raises RunError."""
    try:
        replace_file(path, data, durable=False)
    except OSError as error:
        raise _unwritten(path, error) from error
    return path


@contextmanager
def write_draft(path: Path) -> Iterator[TextIO]:
    """A text of a report that is written bit by bit. Raises RunError."""
    try:
        with (
            draft_file(path, durable=False, private=False) as draft,
            draft.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out,
        ):
            yield out
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> RunError:
    return RunError(path, f"cannot be written: {error.strerror or error}")
