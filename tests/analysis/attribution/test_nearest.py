"""A name that no range has: which were meant."""

from __future__ import annotations

import pytest
from drawing.drawn import Drawn, Range
from flopprof.analysis.attribution.nearest import MOST_NAMED, tell_nearest
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.analysis.errors import TraceError
from flopprof.analysis.timeline.moment import find_moment
from flopprof.analysis.trace.trace import Trace


def trace_of(*names: tuple[str, str]) -> Trace:
    """A range of each (domain, name), each once more than the one before."""
    names = tuple(one for at, one in enumerate(names, start=1) for _ in range(at))
    return Drawn(
        ranges=[Range(10 * at, 10 * at + 5, name, domain=domain) for at, (domain, name) in enumerate(names)]
    ).trace()


STEPS = trace_of(("", "Train_Step"), ("train", "forward"), ("io", "layer.0.backward"))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("train_stp", "the nearest is 'Train_Step'"),
        ("train stp*", "the nearest is 'Train_Step'"),
        ("foward", "the nearest is 'forward'"),
        ("ward", "the nearest are 'forward', 'layer.0.backward'"),
        ("train:foward", "the nearest is 'train:forward'"),
        ("xyz", "it has 'layer.0.backward', 'forward', 'Train_Step'"),
        ("", "it has 'layer.0.backward', 'forward', 'Train_Step'"),
    ],
)
def test_the_nearest_names_else_the_most_frequent_are_told(asked: str, told: str) -> None:
    assert tell_nearest(STEPS, asked) == told


def test_a_range_of_another_domain_is_named_with_it() -> None:
    assert tell_nearest(STEPS, "forward", ["io"]) == "the nearest is 'train:forward'"


def test_of_many_names_the_first_are_told() -> None:
    told = tell_nearest(trace_of(*(("", letter) for letter in "abcdefg")), "xyz")
    assert told == "it has 'g', 'f', 'e', 'd', 'c' and 2 more"
    assert told.count("'") == 2 * MOST_NAMED


def test_analyze_and_timeline_say_the_same_in_one_line() -> None:
    (told,) = [
        q.message for q in analyze_trace(STEPS, range_glob="forwrad").quality if "forwrad" in q.message
    ]
    assert told == "no range matches (forwrad; the nearest is 'forward')"
    with pytest.raises(TraceError, match=r"has no range 'forwrad'; the nearest is 'forward'$"):
        find_moment(STEPS, "forwrad", None)


def test_a_trace_without_ranges_has_none_that_are_near() -> None:
    trace = Drawn().trace()
    assert tell_nearest(trace, "step") == ""
    (told,) = [q.message for q in analyze_trace(trace, range_glob="step").quality if "step" in q.message]
    assert told == "no range matches (step)"
    with pytest.raises(TraceError, match="no ranges at all"):
        find_moment(trace, "step", None)
