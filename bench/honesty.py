"""How often a comparison decides where nothing changed, and how often it finds what did.

    python bench/honesty.py [RUN RUN …]

RUN are folders of one scenario, run again and again (`flopprof run smoke --out RUN`); without them only drawn times
are judged. Prints what docs/honesty.md shows: every number comes from `flopprof.analysis`, none from here.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from flopprof.analysis.arithmetic.judgement import FEWEST_SAMPLES, Judgement, judge
from flopprof.analysis.arithmetic.statistics import ratio_interval
from flopprof.analysis.compare.compare import compare_runs
from flopprof.analysis.errors import CompareError
from flopprof.analysis.runs.account import account_run
from flopprof.analysis.runs.results import RunResult
from flopprof.scenarios.errors import FlopprofError

TRIALS = 200
DECIDED = ("faster", "slower")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how honest comparisons are.")
    parser.add_argument("runs", nargs="*", type=Path, help="folders of one scenario, run again and again")
    paths = parser.parse_args().runs
    if not paths:
        report_drawn()
        return
    try:
        measure_honesty([account_run(path) for path in paths])
    except FlopprofError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def measure_honesty(runs: Sequence[RunResult]) -> None:
    """Print every line. Raises CompareError for runs that have nothing to compare."""
    if len(runs) < 2:
        raise CompareError(
            f"{runs[0].folder}: one run is compared with nothing; give several of one scenario"
        )
    for a, b in pairwise(runs):
        compare_runs(a, b)  # before anything is printed
    print(
        f"{len(runs)} runs of {runs[0].run.scenario} on {runs[0].machine.cpu}, {runs[0].machine.cores} cores\n"
    )
    report("random halves of the reps of one step", judge_each(split_reps(runs)))
    report_drawn()
    report("each run against the next, as they are", compare_all(runs, 1.0))
    for factor in (1.03, 1.1, 1.3, 2.0):
        report(f"each run against the next made {factor}× as slow", compare_all(runs, factor))


def report_drawn() -> None:
    """Drawn times, with a shift and without."""
    for name, draw in planted().items():
        report(name, judge_each(draw(np.random.default_rng(seed)) for seed in range(TRIALS)))
    for factor, name in ((1.0, "nothing"), (1.03, "3 %")):
        report(f"{name} planted, 10 reps, 0.5 % noise, 8 steps judged together", judge_together(factor))


def report(name: str, verdicts: Iterable[str]) -> None:
    counts = Counter(verdicts)
    total = sum(counts.values())
    decided = sum(counts[one] for one in DECIDED)
    found = ", ".join(f"{one} {counts[one]}" for one in ("same", "faster", "slower", "unsure"))
    print(f"{name}: {total} comparisons, {decided} decided ({decided / total:.1%}); {found}")


def judge_each(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[str]:
    """The verdict of each pair judged alone."""
    for a, b in pairs:
        judgements: list[Judgement] = judge([ratio_interval(a, b)])
        yield judgements[0].verdict


def judge_together(factor: float, steps: int = 8, trials: int = TRIALS) -> Iterator[str]:
    """The verdicts of so many pairs in each comparison, as of a run's steps."""
    for seed in range(trials // steps):
        random = np.random.default_rng(seed)
        pairs = [(few(random), factor * few(random)) for _ in range(steps)]
        for judgement in judge([ratio_interval(a, b) for a, b in pairs]):
            yield judgement.verdict


def split_reps(runs: Sequence[RunResult]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Random halves, each in its order, of the steps of the runs in turn."""
    steps = [
        np.array(step.untraced_samples_ns)
        for run in runs
        for step in run.steps
        if len(step.untraced_samples_ns) >= 2 * FEWEST_SAMPLES
    ]
    if not steps:
        raise CompareError(
            f"{runs[0].folder}: no step has {2 * FEWEST_SAMPLES} untraced samples to be halved; run with more reps"
        )
    random = np.random.default_rng(1)
    for trial in range(TRIALS):
        samples = steps[trial % len(steps)]
        chosen = random.permutation(len(samples)) < len(samples) // 2
        yield samples[chosen], samples[~chosen]


def planted() -> dict[str, Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]]:
    """Drawn times with a shift: 200 reps with 2 % noise, and as few reps as a run takes with the noise of a GPU."""
    return {
        "nothing planted, 10 reps, 0.5 % noise": lambda random: (few(random), few(random)),
        "3 % planted, 10 reps, 0.5 % noise": lambda random: (few(random), 1.03 * few(random)),
        "nothing planted, 10 reps, 0.5 % noise, one rep in 20 disturbed": lambda random: (
            disturb(random, few(random)),
            disturb(random, few(random)),
        ),
        "3 % planted, 10 reps, 0.5 % noise, one rep in 20 disturbed": lambda random: (
            disturb(random, few(random)),
            disturb(random, 1.03 * few(random)),
        ),
        "nothing planted, 200 reps, 2 % noise": lambda random: (noise(random), noise(random)),
        "3 % planted, 200 reps, 2 % noise": lambda random: (noise(random), 1.03 * noise(random)),
        "3 % planted, as slow drift (AR(1), 0.7), 2 % noise": lambda random: (
            drift(random),
            1.03 * drift(random),
        ),
        "nothing planted, slow drift (AR(1), 0.7), 2 % noise": lambda random: (drift(random), drift(random)),
    }


def noise(random: np.random.Generator, reps: int = 200, deviation: float = 0.02) -> np.ndarray:
    return 100e3 * np.exp(random.normal(0, deviation, reps))


def few(random: np.random.Generator) -> np.ndarray:
    return noise(random, FEWEST_SAMPLES, 0.005)


def disturb(random: np.random.Generator, times: np.ndarray, share: float = 0.05) -> np.ndarray:
    """Single reps that took 1.2 to 3 times as long."""
    slow = random.random(len(times)) < share
    return np.where(slow, times * random.uniform(1.2, 3.0, len(times)), times)


def drift(
    random: np.random.Generator, reps: int = 200, deviation: float = 0.02, alike: float = 0.7
) -> np.ndarray:
    """AR(1): each rep is 0.7 like the one before."""
    values = np.empty(reps)
    values[0] = random.normal()
    for at in range(1, reps):
        values[at] = alike * values[at - 1] + np.sqrt(1 - alike**2) * random.normal()
    return 100e3 * np.exp(deviation * values)


def compare_all(runs: Sequence[RunResult], factor: float) -> Iterator[str]:
    """Verdicts of every step between each run and the next, whose times are multiplied first."""
    for a, b in pairwise(runs):
        for pair in compare_runs(a, slow_down(b, factor)).pairs:
            yield pair.verdict


def slow_down(run: RunResult, factor: float) -> RunResult:
    steps = tuple(
        replace(
            step,
            untraced_samples_ns=tuple(ns * factor for ns in step.untraced_samples_ns),
            traced_samples_ns=tuple(ns * factor for ns in step.traced_samples_ns),
        )
        for step in run.steps
    )
    return replace(run, steps=steps)


if __name__ == "__main__":
    main()
