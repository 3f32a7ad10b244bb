"""A window is a mean over its reps; where a few of them are far slower, that is said beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawing.report_samples import cpu_run
from flopprof.reports.run.compose import compose

MS = 1_000_000


def tell(samples: tuple[float, ...], median_ns: float) -> str:
    """What is said of the layers, with these traced reps of the second variant."""
    whole = cpu_run()
    steps = [
        replace(step, traced_ns=median_ns, traced_samples_ns=samples) if step.variant == "outer_sum" else step
        for step in whole.steps
    ]
    return compose(replace(whole, steps=tuple(steps))).explanations[0].sentences[0]


def test_a_mean_with_a_slow_rep_is_told_to_be_one() -> None:
    sentence = tell((10.0 * MS,) * 9 + (900.0 * MS,), 10.0 * MS)
    assert "; outer_sum's " in sentence
    assert sentence.endswith(
        "a rep are a mean with a few slow ones, the slowest 900 ms: half its traced reps take at most 10.0 ms."
    )


@pytest.mark.parametrize(
    ("slowest", "median"), [(25.0, 10.0), (900.0, 1000.0)], ids=["none is slow", "the mean is no longer"]
)
def test_it_is_not_said_of_others(slowest: float, median: float) -> None:
    samples = (median * MS,) * 9 + (slowest * MS,)
    assert "slow ones" not in tell(samples, median * MS)
