"""Sums over subtrees, against the same node by node."""

from __future__ import annotations

from statistics import median

import numpy as np
from flopprof.analysis.arithmetic.subtrees import describe_by_subtree, union_by_subtree
from hypothesis import given
from hypothesis import strategies as st

Tree = tuple[list[int], list[tuple[int, int, int, int]]]


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Parents, each of a lower number, and spans (node, key, start, end)."""
    count = draw(st.integers(1, 8))
    parent = [draw(st.integers(-1, node - 1)) for node in range(count)]
    span = st.tuples(st.integers(0, count - 1), st.integers(0, 2), st.integers(0, 20), st.integers(0, 6))
    return parent, [
        (n, key, start, start + length) for n, key, start, length in draw(st.lists(span, max_size=12))
    ]


def inside(parent: list[int], node: int, outer: int) -> bool:
    while node >= 0 and node != outer:
        node = parent[node]
    return node == outer


def arrays(spans: list[tuple[int, int, int, int]]) -> list[np.ndarray]:
    return [np.array([span[at] for span in spans], np.int64) for at in range(4)]


@given(trees())
def test_a_node_is_covered_by_its_spans_and_those_inside_it(tree: Tree):
    parent, spans = tree
    node, _, start, end = arrays(spans)
    wanted = [
        len({at for n, _, low, high in spans if inside(parent, n, outer) for at in range(low, high)})
        for outer in range(len(parent))
    ]
    assert union_by_subtree(np.array(parent), node, start, end).tolist() == wanted


@given(trees(), st.integers(0, 20))
def test_a_node_has_its_values_and_those_inside_it_innermost_first(tree: Tree, most: int):
    parent, spans = tree
    node, key, _, value = arrays(spans)
    wanted: dict[tuple[int, int], list[int]] = {}
    for outer in range(len(parent)):
        for n, name, _, number in spans:
            if inside(parent, n, outer):
                wanted.setdefault((outer, name), []).append(number)
    found, left_out = describe_by_subtree(np.array(parent), node, key, value, most)
    assert {(row.node, row.key): row[2:] for row in found}.items() <= {
        place: (len(v), sum(v), median(v), min(v), max(v)) for place, v in wanted.items()
    }.items()
    assert len(found) <= most
    assert len(found) + left_out == len(wanted)
    assert [row.node for row in found] == sorted((row.node for row in found), reverse=True)
