"""One folder, and nothing outside it: names that a client gives, as paths below the folder.

What could lead out is refused, not resolved: absolute paths, ``..``, and every symbolic link on the way or, in a
folder that is asked for, below it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from ...scenarios.errors import FlopprofError

MOST_ENTRIES = 100_000
"""Files that are looked through in one folder, before the answer says that there are more."""


class OutsideFolder(FlopprofError):
    """A name leads, or might lead, out of the folder that is served."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name!r}: {problem}; give a path below the folder, as list_recordings names it")


class NotThere(FlopprofError):
    """There is nothing of this name in the folder."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r}: no such file or folder here; list_recordings names what there is")


@dataclass(frozen=True, slots=True)
class ServedFolder:
    """A folder of runs and traces."""

    root: Path

    @classmethod
    def open(cls, folder: Path) -> ServedFolder:
        """The folder itself may be a link; nothing in it. Raises OutsideFolder where it is none."""
        if not folder.is_dir():
            raise NotAFolder(folder)
        return cls(folder.resolve())

    def find(self, name: str) -> Path:
        """What a name means. Raises OutsideFolder, NotThere."""
        parts = _split(name)
        try:
            path = self._descend(name, parts)
        except OSError:  # a name that is too long
            raise NotThere(name) from None
        links = (found for found in self.walk(path) if found.is_symlink()) if path.is_dir() and parts else ()
        link = next(iter(links), None)
        if link is not None:
            raise OutsideFolder(name, f"it holds a symbolic link, {self.name_of(link)}")
        return path

    def _descend(self, name: str, parts: tuple[str, ...]) -> Path:
        path = self.root
        for part in parts:
            path /= part
            if path.is_symlink():
                raise OutsideFolder(name, f"{self.name_of(path)} is a symbolic link")
        if not path.exists():
            raise NotThere(name)
        return path

    def name_of(self, path: Path) -> str:
        """How a client names a path."""
        return PurePosixPath(path.relative_to(self.root)).as_posix()

    def walk(self, folder: Path) -> Iterator[Path]:
        """Everything below a folder in the order of names, links not followed; what cannot be read is left out."""
        count = 0
        for place, folders, files in os.walk(folder, followlinks=False):
            folders.sort()
            for name in sorted([*files, *folders]):
                count += 1
                if count > MOST_ENTRIES:
                    return
                yield Path(place, name)


class NotAFolder(FlopprofError):
    """What was to be served is no folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder}: is no folder; give one that holds runs and traces, such as flopprof-runs"
        )


def _split(name: str) -> tuple[str, ...]:
    """The parts of a name. Raises OutsideFolder."""
    if "\x00" in name or "\\" in name or not name.isprintable():
        raise OutsideFolder(name, "has characters that no path here has")
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or name.startswith("~"):
        raise OutsideFolder(name, "is an absolute path")
    parts = PurePath(name).parts
    if ".." in parts:
        raise OutsideFolder(name, "leads upwards")
    return parts
