"""An answer is no larger than it may be, says what it left out, and paging through it leaves nothing out."""

from __future__ import annotations

from typing import Any

from flopprof.profiler.serving.bounded import Table, bound, size_of
from flopprof.profiler.serving.sizes import LEAST_CHARACTERS
from hypothesis import given
from hypothesis import strategies as st

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=900),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=9), inner, max_size=9),
    max_leaves=60,
)
ROWS = st.lists(st.dictionaries(st.sampled_from("abcdefgh"), VALUES, max_size=6), max_size=30)
TABLES = st.dictionaries(st.sampled_from(["kernels", "ranges", "windows"]), ROWS, max_size=3)


def ask(table: str, offset: int) -> str:
    return f"table={table!r}, offset={offset}"


@given(TABLES, st.integers(0, 40), st.integers(1, 40), st.integers(LEAST_CHARACTERS, 20_000))
def test_an_answer_is_no_larger_than_it_may_be(
    tables: dict[str, list[dict[str, Any]]], offset: int, limit: int, characters: int
) -> None:
    wanted = [Table(name=name, rows=rows, offset=offset, limit=limit) for name, rows in tables.items()]
    answer = bound({"flopprof": 1}, wanted, ask, characters)
    assert size_of(answer) <= characters
    whole = all(answer[name] == rows[offset : offset + limit] for name, rows in tables.items())
    to_come = any(offset + len(answer[name]) < len(rows) for name, rows in tables.items())
    assert bool(answer["cut"]) == (not whole or to_come)


@given(ROWS, st.integers(1, 12))
def test_paging_through_a_table_leaves_no_row_out(rows: list[dict[str, Any]], limit: int) -> None:
    seen, offset = 0, 0
    while offset < len(rows):
        table = Table(name="kernels", rows=rows, offset=offset, limit=limit)
        answer = bound({}, [table], ask, LEAST_CHARACTERS)
        assert answer["kernels"], "whoever asks on must get on"
        seen += len(answer["kernels"])
        rest = [cut for cut in answer["cut"] if cut["where"] == "kernels"]
        offset += len(answer["kernels"])
        if offset < len(rows) and rest:
            assert rest == [
                {
                    "where": "kernels",
                    "shown": len(answer["kernels"]),
                    "of": len(rows),
                    "ask": ask("kernels", offset),
                }
            ]
    assert seen == len(rows)


def test_a_long_name_is_shortened_and_its_row_can_be_had_whole() -> None:
    rows = [{"kernel": "k" * 6_000, "total_ns": at} for at in range(20)]
    answer = bound({"flopprof": 1}, [Table(name="kernels", rows=rows)], ask, 10_000)
    assert (
        answer["kernels"][0] == {"kernel": "k" * 80 + "…", "total_ns": 0}
        or len(answer["kernels"][0]["kernel"]) < 500
    )
    assert answer["cut"][0]["where"] == "kernels[0].kernel"
    assert (answer["cut"][0]["of"], answer["cut"][0]["ask"]) == (6_000, "table='kernels', offset=0, limit=1")
    alone = bound({}, [Table(name="kernels", rows=rows, offset=3, limit=1)], ask, 10_000)
    assert alone["kernels"] == [rows[3]]
    assert alone["cut"] == [{"where": "kernels", "shown": 1, "of": 20, "ask": "table='kernels', offset=4"}]


def test_what_fits_is_whole() -> None:
    rows = [{"kernel": "k", "grid": [1, 2, 3]}]
    assert bound({"a": 1}, [Table(name="kernels", rows=rows)], ask) == {"a": 1, "kernels": rows, "cut": []}
