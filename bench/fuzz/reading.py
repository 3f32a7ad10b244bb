"""What SqliteFile reads of a database, against what sqlite3 gives for the same columns."""

from __future__ import annotations

import contextlib
import math
import random
import sqlite3
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from flopprof.analysis.errors import TraceError
from flopprof.analysis.sqlite.columns import IntColumn
from flopprof.analysis.sqlite.file import SqliteFile
from flopprof.analysis.sqlite.folded import Folded

STEPS = 20_000_000
"""Instructions of SQLite's machine after which a query over damaged pages is taken to go round in circles."""

Row = tuple[Any, ...]


class Refused(Exception):
    """SQLite says that a file is damaged, or does not end."""


def compare(path: Path, rng: random.Random) -> tuple[list[str], bool]:
    """Answers that differ without a word, and whether anything was refused in words."""
    wrong: list[str] = []
    refused = False
    with contextlib.closing(_connect(path)) as other:
        try:
            with SqliteFile(path) as file:
                for table, columns in file.tables.items():
                    if not _can_be_asked(table, columns):
                        continue
                    found, said = _compare_table(file, other, table, columns, rng)
                    wrong += found
                    refused |= said
                wrong += _compare_names(file, other)
        except TraceError:
            refused = True
    return wrong, refused


def _can_be_asked(table: str, columns: Sequence[str]) -> bool:
    """Whether names are what is in the file: a damaged one is shown with another character, by which SQLite finds
    no column, and then takes the quoted name for a text.
    """
    return not any("\ufffd" in name for name in (table, *columns))


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _ask(connection: sqlite3.Connection, sql: str) -> list[Row]:
    left = [STEPS // 1000]

    def tick() -> int:
        left[0] -= 1
        return int(left[0] < 0)

    connection.set_progress_handler(tick, 1000)
    try:
        return connection.execute(sql).fetchall()
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        raise Refused(str(error)) from None


def _compare_table(
    file: SqliteFile, other: sqlite3.Connection, table: str, columns: Sequence[str], rng: random.Random
) -> tuple[list[str], bool]:
    """Its columns read together, folded, one by one as numbers and as texts."""
    some = rng.sample(columns, rng.randrange(1, min(len(columns), 5) + 1))
    half = len(some) // 2
    reads: list[tuple[str, Sequence[str], Callable[[], list[Row]], Callable[[Row], Row]]] = [
        ("integers", some, lambda: _integers(file, table, some), _exact_row),
        ("fold", some, lambda: _folded(file, table, some[:half], some[half:]), _exact_row),
        ("parts", some, lambda: _in_parts(file, table, some[:half], some[half:]), _exact_row),
        ("reals", some[:1], lambda: _reals(file, table, some[0]), _real_row),
        ("text", some[:1], lambda: _texts(file, table, some[0]), _text_row),
    ]
    wrong, refused = [], False
    for kind, wanted, read, expect in reads:
        try:
            expected = [expect(row) for row in _ask(other, _query(other, table, wanted))]
        except Refused as refusal:
            expected = str(refusal)
        try:
            found = read()
        except TraceError:
            refused = True
            continue
        except Exception as error:  # what is no refusal in words is a crash
            wrong.append(f"{kind} of {table} {list(wanted)}: {error!r}")
            continue
        if found != expected:
            wrong.append(f"{kind} of {table} {list(wanted)}: {_difference(found, expected)}")
    return wrong, refused


def _query(other: sqlite3.Connection, table: str, columns: Sequence[str]) -> str:
    """In the order of the row ids, where there are some; else in that of the key, which is how the table lies."""
    listed = ", ".join(map(_quote, columns))
    taken = {str(row[1]).lower() for row in _ask(other, f"PRAGMA table_xinfo({_quote(table)})")}
    free = [name for name in ("rowid", "_rowid_", "oid") if name not in taken]
    plain = f"SELECT {listed} FROM {_quote(table)} NOT INDEXED"
    with contextlib.suppress(sqlite3.Error):
        other.execute(f"SELECT {free[0] if free else 'no_such'} FROM {_quote(table)} LIMIT 0")
        return f"{plain} ORDER BY {free[0]}"
    return plain


def _integers(file: SqliteFile, table: str, columns: Sequence[str]) -> list[Row]:
    found = file.integers(table, columns)
    return list(zip(*[found[name].to_list() for name in columns], strict=True))


def _in_parts(file: SqliteFile, table: str, plain: Sequence[str], folded: Sequence[str]) -> list[Row]:
    def take(columns: dict[str, IntColumn], combined: Folded) -> list[Row]:
        lists = [columns[name].to_list() for name in plain]
        return [
            (*(values[at] for values in lists), *combined.combinations[code])
            for at, code in enumerate(combined.codes.tolist())
        ]

    return [row for part in file.parts(table, plain, folded, take) for row in part]


def _folded(file: SqliteFile, table: str, plain: Sequence[str], folded: Sequence[str]) -> list[Row]:
    columns, combined = file.fold(table, plain, folded)
    rows = [combined.combinations[code] for code in combined.codes.tolist()]
    whole = zip(*[columns[name].to_list() for name in plain], strict=True) if plain else [()] * len(rows)
    return [(*one, *other) for one, other in zip(whole, rows, strict=True)]


def _reals(file: SqliteFile, table: str, column: str) -> list[Row]:
    return [(None if math.isnan(value) else value,) for value in file.reals(table, column).tolist()]


def _texts(file: SqliteFile, table: str, column: str) -> list[Row]:
    found = file.text_column(table, column)
    return [(None if code < 0 else found.texts[code],) for code in found.codes.tolist()]


def _compare_names(file: SqliteFile, other: sqlite3.Connection) -> list[str]:
    if not {"id", "value"} <= set(file.tables.get("StringIds", ())):
        return []
    try:
        rows = _ask(other, "SELECT id, value FROM StringIds NOT INDEXED")
    except Refused:
        return []
    expected = {one: text for i, text in rows if (one := _exact(i)) is not None and isinstance(text, str)}
    if len(expected) < len(rows):
        return []  # ids twice, or none: damage
    found = file.texts(expected)
    wrong = [one for one, text in found.items() if expected[one] != text]
    return [f"names: {wrong[:3]}"] if wrong else []


def _exact_row(row: Row) -> Row:
    return tuple(map(_exact, row))


def _exact(value: object) -> int | None:
    """The integer that a value is, worked out in decimals."""
    if isinstance(value, str):
        plain = value.strip(" ")
        sign = plain[:1] in ("+", "-")
        digits, _, zeros = plain[sign:].partition(".")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 19) or zeros.strip("0"):
            return None
        if "." in plain and not digits:
            return None
        number = int(Decimal(plain.rstrip(".") if not zeros else plain))
        return number if -(2**63) <= number < 2**63 else None
    if isinstance(value, float):
        try:
            number = int(Decimal(value))
        except (InvalidOperation, OverflowError, ValueError):
            return None
        return number if number == Decimal(value) and abs(number) <= 2**53 else None
    return value if isinstance(value, int) else None


def _real_row(row: Row) -> Row:
    return tuple(float(v) if isinstance(v, (int, float)) else None for v in row)


def _text_row(row: Row) -> Row:
    return tuple(v if isinstance(v, str) else None for v in row)


def _difference(found: list[Row], expected: list[Row] | str) -> str:
    if isinstance(expected, str):
        return f"{len(found)} rows, SQLite says {expected}"
    first = next((at for at, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b), None)
    shown = "" if first is None else f", row {first} is {found[first]!r} and not {expected[first]!r}"
    return f"{len(found)} of {len(expected)} rows{shown}"[:300]


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
