"""CSV text, safe to open in a spreadsheet: names come from traces and scenarios of anyone.

A cell that begins as a formula does gets an apostrophe before it, which spreadsheets take as "this is text". ``raw``
leaves it as it is, for programs. Characters that steer a terminal or end a C string are written as escapes in both.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, TextIO

from ..document.names import HIDDEN

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

_KEPT = "\t\n\r"


_KNOWN_TEXTS = 1 << 12
"""Texts that are escaped once: a trace's names are in its rows again and again."""


class CsvWriter:
    """Writes a heading and then rows; None is an empty cell."""

    def __init__(self, out: TextIO, columns: Sequence[str], *, raw: bool) -> None:
        self._columns = columns
        self._writer = csv.writer(out, lineterminator="\n")
        self._escape = lru_cache(_KNOWN_TEXTS)(partial(_escape_text, raw=raw))
        self.write(columns)

    def write(self, cells: Iterable[Any]) -> None:
        """A row of cells in the order of the columns."""
        self._writer.writerow([self._escape(cell) if isinstance(cell, str) else cell for cell in cells])

    def write_record(self, row: Mapping[str, Any]) -> None:
        """A row by the names of its columns; what it has not is an empty cell."""
        self.write(map(row.get, self._columns))


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, raw: bool = False) -> str:
    """A heading and the rows' values of these columns; what a row has not, and None, is an empty cell."""
    text = io.StringIO()
    writer = CsvWriter(text, columns, raw=raw)
    for row in rows:
        writer.write_record(row)
    return text.getvalue()


def _escape_text(value: str, *, raw: bool) -> str:
    text = escape_controls(value, keep_invisible=raw)
    return f"'{text}" if not raw and value.startswith(_FORMULA) else text


def escape_controls(text: str, *, keep_invisible: bool = False) -> str:
    r"""Control characters, and unless they are kept other invisible ones, as escapes.

    >>> escape_controls("a\x1b[31m\x00b")
    'a\\x1b[31m\\x00b'
    """
    if text.isprintable():
        return text
    hidden = ("Cc", "Cs") if keep_invisible else HIDDEN
    return "".join(_escape(char) if unicodedata.category(char) in hidden else char for char in text)


def _escape(char: str) -> str:
    return char if char in _KEPT else char.encode("unicode_escape", "backslashreplace").decode("ascii")
