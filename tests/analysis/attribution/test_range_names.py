"""How ranges are called: no two alike, and without a word that tells nothing."""

from __future__ import annotations

import hypothesis.strategies as st
from flopprof.analysis.attribution.range_names import (
    RangeName,
    find_alike,
    in_one_domain,
    name_apart,
    spell_path,
)
from hypothesis import given

LEVELS = st.lists(
    st.tuples(st.sampled_from(["", "flopprof", "a", "b"]), st.sampled_from("xy")), min_size=1, max_size=3
)

NAMES = st.lists(
    LEVELS.map(lambda levels: (tuple(d for d, _ in levels), tuple(m for _, m in levels))), max_size=8
)


@given(NAMES)
def test_different_ranges_are_spelt_differently(names: list[RangeName]) -> None:
    alike = find_alike(names)
    assert len({spell_path(name, every=name in alike) for name in names}) == len(set(names))


@given(NAMES)
def test_short_names_are_apart_too(names: list[RangeName]) -> None:
    assert len(set(name_apart(names).values())) == len(set(names))


@given(st.lists(st.lists(st.sampled_from("xy"), min_size=1, max_size=3).map(tuple), max_size=8))
def test_domains_that_tell_nothing_go_without_saying(paths: list[tuple[str, ...]]) -> None:
    for domain in ("", "flopprof"):
        names = [in_one_domain(domain, path) for path in paths]
        assert not find_alike(names)
        assert all(":" not in text for text in [*map(spell_path, names), *name_apart(names).values()])
