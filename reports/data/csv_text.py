"""CSV text, safe to open in a spreadsheet: names come from traces and scenarios of anyone.

A cell that begins as a formula does gets an apostrophe before it, which spreadsheets take as "this is text". ``raw``
leaves it as it is, for programs. Characters that steer a terminal or end a C string are written as escapes in both.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..document.names import HIDDEN

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

_KEPT = "\t\n\r"


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, raw: bool = False) -> str:
    """A heading and the rows' values of these columns; what a row has not, and None, is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_write(column, raw=raw) for column in columns)
    for row in rows:
        writer.writerow([_write(row.get(column), raw=raw) for column in columns])
    return text.getvalue()


def _write(value: Any, *, raw: bool) -> Any:
    if not isinstance(value, str):
        return value
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
