"""Where results go: standard output, or a file written whole or not at all; and words to standard error."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

from ...analysis.files import draft_file, replace_file
from ...reports.document.names import clean
from ..errors import OutputFolderError

_COLOUR = re.compile(r"(\x1b\[\d{1,2}m)")


def emit(text: str, out: Path | None, *, coloured: bool = False) -> None:
    """Print ``text``, or write it to ``out``. Raises OutputFolderError."""
    if out is None:
        print_text(text, coloured=coloured)
        return
    write_output((text + "\n").encode(errors="replace"), out)


def print_text(text: str, *, coloured: bool = False) -> None:
    """Print a result; nothing in it, from whatever file it came, can steer the terminal, but for ``coloured`` ones."""
    print_pieces([text], coloured=coloured)


def prepare_streams() -> None:
    """Replace what a terminal's encoding cannot show, rather than fail over it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _harmless(text: str, *, coloured: bool = False) -> str:
    if text.isprintable() or text.replace("\n", "").isprintable():
        return text
    if coloured:
        parts = _COLOUR.split(text)  # every second one is a colour
        return "".join(part if at % 2 else _harmless(part) for at, part in enumerate(parts))
    return "\n".join(map(clean, text.split("\n")))


def print_pieces(pieces: Iterable[str], *, coloured: bool = False) -> None:
    """Print a text that comes in pieces; whoever reads it may leave, and the exit code stays what it is."""
    try:
        for piece in pieces:
            print(_harmless(piece, coloured=coloured), end="")
        print(flush=True)
    except BrokenPipeError:
        # Nothing more may be written to it, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_output(data: bytes, out: Path) -> None:
    """Write a file whole or not at all. Raises OutputFolderError."""
    try:
        replace_file(out, data, durable=False)
    except OSError as error:
        raise OutputFolderError(out, f"cannot be written ({error.strerror})") from error


def write_pieces(pieces: Iterable[str], out: Path) -> None:
    """Write a text that comes in pieces, whole or not at all. Raises OutputFolderError."""
    try:
        with (
            draft_file(out, durable=False, private=False) as draft,
            draft.open("w", encoding="utf-8", errors="replace") as file,
        ):
            for batch in _gather(pieces):
                file.write(batch)
            file.flush()
    except OSError as error:
        raise OutputFolderError(out, f"cannot be written ({error.strerror})") from error


def _gather(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces joined by the thousand, which is what writing them one by one costs most."""
    left = iter(pieces)
    while batch := "".join(islice(left, 4096)):
        yield batch


def tell(text: str, *, coloured: bool = False) -> None:
    """Write to standard error, if it is open and can take it: an exit code must not depend on who listens."""
    if sys.stderr is None:  # closed; print would take standard output instead
        return
    try:
        print(_harmless(text, coloured=coloured), file=sys.stderr, flush=True)
    except OSError:
        # What is still in the buffer would fail once more at exit, and make the exit code 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
