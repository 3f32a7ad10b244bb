from __future__ import annotations

import pytest
from drawing.drawn import Drawn, Range
from flopprof.analysis.compare.compare import compare_sides
from flopprof.analysis.compare.range_pairs import pair_paths, parse_maps
from flopprof.analysis.compare.range_times import EVERY, RangePath, drop_tokens, read_tokens
from flopprof.analysis.compare.sides import Side, side_of_trace
from flopprof.analysis.errors import CompareError
from hypothesis import given
from hypothesis import strategies as st


def path(*messages: str) -> RangePath:
    return tuple(("", message) for message in messages)


def pair(a: list[str], b: list[str], *maps: str) -> dict[str, str]:
    """Outermost ranges by their messages."""
    pairs = pair_paths([path(one) for one in a], [path(one) for one in b], parse_maps(maps))
    return {one[0][1]: other[0][1] for one, other in pairs.partners.items()}


def test_equal_names_pair():
    assert pair(["load", "step"], ["step", "save"]) == {"step": "step"}


def test_a_token_that_is_one_on_each_side_and_another_on_the_other_does_not_count():
    before, after = ["point n=1 axis=0", "point n=2 axis=0"], ["point n=2 axis=1", "point n=1 axis=1"]
    assert pair(before, after) == {
        "point n=1 axis=0": "point n=1 axis=1",
        "point n=2 axis=0": "point n=2 axis=1",
    }


def test_a_token_that_varies_within_a_side_counts():
    assert pair(["point axis=0", "point axis=2"], ["point axis=1"]) == {}


def test_a_token_that_only_one_side_has_counts():
    assert pair(["point axis=0"], ["point"]) == {}


def test_names_that_become_equal_pair_with_nothing():
    assert pair(["a axis=0", "a  axis=0"], ["a axis=1"]) == {}


def test_what_has_a_partner_of_its_own_name_is_not_asked_for_its_tokens():
    assert pair(["point n=1", "extra n=2"], ["point n=1", "extra n=3"]) == {
        "point n=1": "point n=1",
        "extra n=2": "extra n=3",
    }


def test_children_pair_inside_the_pairs_of_their_parents():
    a = [path("run axis=0", "sum"), path("run axis=0", "outer"), path("end", "sum")]
    b = [path("run axis=1", "sum"), path("other", "outer"), path("end", "sum", "copy")]
    assert pair_paths(a, b).partners == {
        path("run axis=0"): path("run axis=1"),
        path("run axis=0", "sum"): path("run axis=1", "sum"),
        path("end"): path("end"),
        path("end", "sum"): path("end", "sum"),
    }


def test_parents_without_time_of_their_own_still_carry_their_children():
    a, b = [path("run axis=0", "sum")], [path("run axis=1", "sum")]
    pairs = pair_paths(a, b)
    assert pairs.partners[a[0]] == b[0]
    assert pairs.pairing == ("run axis=0 with run axis=1",)


def test_domains_keep_ranges_apart():
    assert pair_paths([(("one", "sum"),)], [(("two", "sum"),)]).partners == {}


def test_what_is_left_pairs_with_a_range_of_no_domain():
    """As where nvtx's ranges became flopprof's, or got a domain."""
    plain, named, own = [(("", "step"),)], [(("train", "step"),)], [(("flopprof", "step"),)]
    for a, b, told in (
        (plain, named, ("step with train:step",)),
        (named, own, ("train:step with step",)),
        (plain, own, ()),
    ):
        pairs = pair_paths(a, b)
        assert (pairs.partners, pairs.pairing) == ({a[0]: b[0]}, told)
    assert pair_paths([(("", "step_1"),)], [(("train", "step_2"),)]).partners
    assert not pair_paths(plain, [*named, (("other", "step"),)]).partners, "which of them is not known"
    assert pair_paths(plain, [*named, *plain]).partners == {plain[0]: plain[0]}


def test_a_map_crosses_domains():
    a, b = [(("one", "sum"),)], [(("two", "sum"),)]
    assert pair_paths(a, b, parse_maps(["one:sum=two:sum"])).partners == {a[0]: b[0]}
    assert pair_paths(a, b, parse_maps(["sum=two:sum"])).partners == {a[0]: b[0]}
    assert pair_paths([(("", "total"),)], b, parse_maps(["total=sum"])).partners == {(("", "total"),): b[0]}


def test_a_refusal_names_the_domains_of_names_that_both_sides_have():
    traces = {
        name: Drawn(ranges=[Range(0, 10, domain=domain)]).trace()
        for name, domain in (("A", "one"), ("B", "two"))
    }
    a, b = (side_of_trace(trace, name, ("one", "two"), EVERY) for name, trace in traces.items())
    with pytest.raises(CompareError, match="A has one:r, B has two:r; to pair ranges of different names"):
        compare_sides(a, b)


def test_a_map_wins_over_an_equal_name():
    assert pair(["fast", "slow"], ["fast", "slow"], "fast=slow") == {"fast": "slow"}


def test_a_map_is_a_regular_expression_with_groups():
    assert pair(["layer_3 forward"], ["fwd layer 3"], r"layer_(\d+) forward=fwd layer \1") == {
        "layer_3 forward": "fwd layer 3"
    }


def test_the_first_map_that_matches_counts():
    assert pair(["ab"], ["xb", "ay"], "a=x", "b=y") == {"ab": "xb"}


@pytest.mark.parametrize(
    ("text", "words", "short"),
    [
        ("point n=1000 axis=0", ["axis"], "point n=1000"),
        ("point n=1000, axis=0", ["n"], "point , axis=0"),
        ("n=1", ["n"], ""),
        ("plan=1 n=2", ["n"], "plan=1"),
    ],
)
def test_dropping_tokens(text: str, words: list[str], short: str):
    assert drop_tokens(text, words) == short


def test_an_inner_token_hides_an_outer_one():
    assert read_tokens(path("run n=1 axis=0", "part n=2")) == {"n": "2", "axis": "0"}


messages = st.sampled_from(["sum", "outer", "p n=1 k=0", "p n=2 k=0", "p n=1 k=1", "p n=2 k=1", "q k=1"])
trees = st.lists(st.lists(messages, min_size=1, max_size=3).map(lambda parts: path(*parts)), max_size=8)


@given(trees, trees)
def test_pairing_is_one_to_one_parent_by_parent_and_the_same_from_the_other_side(
    a: list[RangePath], b: list[RangePath]
):
    partners = pair_paths(a, b).partners
    assert len(set(partners.values())) == len(partners)
    for one, other in partners.items():
        assert len(one) == len(other)
        assert len(one) == 1 or partners[one[:-1]] == other[:-1]
    assert {other: one for one, other in pair_paths(b, a).partners.items()} == partners


@given(trees)
def test_a_trace_pairs_with_itself(a: list[RangePath]):
    partners = pair_paths(a, a).partners
    assert all(partners[one] == one for one in a)


def test_ranges_of_one_name_in_two_domains_pair_with_their_own():
    def draw(second: int) -> Side:
        ranges = [Range(0, 10, "step", domain="warmup"), Range(20, 20 + second, "step", domain="train")]
        return side_of_trace(Drawn(ranges=ranges).trace(), "t", ("warmup", "train"), EVERY)

    pairs = compare_sides(draw(30), draw(30)).pairs
    assert [(pair.a.key, pair.a.wall_ns, pair.b.wall_ns) for pair in pairs] == [
        ("warmup:step", 10, 10),
        ("train:step", 30, 30),
    ]
