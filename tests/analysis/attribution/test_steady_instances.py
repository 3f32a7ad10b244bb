"""Which ranges are steps, whose warm-up is set aside."""

from __future__ import annotations

import pytest
from flopprof.analysis.attribution.steady_instances import RangePath, find_repeating, find_step_paths


def path(text: str) -> RangePath:
    return tuple(("", message) for message in text.split(" / "))


def names(paths: list[RangePath]) -> list[str]:
    return [" / ".join(message for _, message in found) for found in paths]


@pytest.mark.parametrize(
    ("counts", "steps"),
    [
        ({"train_step": 40, "train_step / forward": 40}, ["train_step"]),
        ({"epoch": 2, "epoch / iter": 20, "epoch / eval": 20}, ["epoch / iter"]),
        ({"warm": 1, "warm / batch_#": 20, "warm / copy": 20}, ["warm / batch_#"]),
        ({"replay": 20, "replay / task_#": 80}, ["replay"]),
        ({"point n=1000": 1, "point n=1000 / matvec": 20, "point n=1000 / sum": 20}, []),
        ({"point n=1000": 1, "point n=1000 / matvec": 20}, []),
        ({"train_step": 10, "matvec": 10, "outer": 10}, ["train_step"]),
        ({"request #5": 20, "request #6": 20}, []),
        ({"step": 4}, []),
    ],
)
def test_a_step_is_named_or_numbered_or_alone_at_the_top(counts: dict[str, int], steps: list[str]):
    assert names(find_step_paths({path(text): count for text, count in counts.items()})) == steps


def test_what_repeats_are_the_steps_and_elsewhere_the_outermost():
    counts = {"train_step": 10, "train_step / forward": 10, "matvec": 10, "matvec / copy": 10, "setup": 1}
    assert names(find_repeating({path(text): n for text, n in counts.items()})) == ["train_step", "matvec"]
