"""What a command leaves behind: files that it names and does not overwrite unasked, and a page that it opens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...analysis.files import is_written_into
from .output import print_text, tell

_MOST_NAMES = 4


def tell_written(paths: Sequence[Path], *, aside: bool = True) -> None:
    """Name what was written: a file, or the folder of many; ``aside`` of a result that standard output has."""
    if paths:
        say_of((tell if aside else print_text), f"wrote {describe_files(paths)}", paths[0])


def say_of(say: Callable[[str], None], text: str, written: Path) -> None:
    """Say something of a file that was written; where it may be standard output itself, aside of that."""
    (tell if is_written_into(written) else say)(text)


def describe_files(paths: Sequence[Path]) -> str:
    """One file by its path, several by their folder.

    >>> describe_files([Path("d/a.csv"), Path("d/b.csv")])
    '2 files into d: a.csv, b.csv'
    """
    if len(paths) == 1:
        return str(paths[0])
    names = [path.name for path in paths]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{len(paths)} files into {paths[0].parent}: {', '.join(names[:_MOST_NAMES])}{more}"


def open_page(page: Path) -> None:
    """Show a page in the user's browser, or say where it is."""
    import webbrowser

    try:
        opened = webbrowser.open(page.absolute().as_uri())
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        tell(f"no browser could be opened; the page is {page}")
