# pyright: strict
"""What changed between two sides, by how much, how sure that is, and in which layer and kernel.

::

    run, trace -read_side-> Side{[Measured]} -pair-> [Match] -compare_matches-> Comparison

Ratios are B / A everywhere; differences are B − A and per rep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from ..arithmetic.judgement import THRESHOLD, Judgement, Verdict, judge
from ..arithmetic.statistics import RatioEstimate, ratio_interval
from ..errors import CompareError
from ..runs.results import RunResult
from ..words import PARTS
from .comparability import Caveat, describe_noise, describe_shared, find_differences, find_pair_differences
from .kernel_pairs import KernelPair, pair_kernels
from .measured import Measured
from .pairs import (
    Match,
    find_idle_maps,
    list_unmatched,
    name_first,
    name_half,
    pair_by,
    pair_ranges,
    pair_steps,
)
from .range_pairs import parse_maps
from .run_noise import RunNoise, find_noise, hides, widen
from .sides import Side, align_sides, side_of_run
from .trace_caveats import (
    describe_folded,
    describe_gpus,
    describe_idle_maps,
    describe_missing_ranges,
    describe_set_aside,
    refuse_other_clocks,
)

SampleKind = Literal["untraced", "traced"]

SAMPLE_KINDS: tuple[SampleKind, ...] = ("untraced", "traced")
"""In the order of trust: tracing has a price, which differs between the sides."""

_LEAST_NS = 1.0
"""The clock's step: a rep that took less is taken to have lasted one, as ratios need."""

_HINTS = {
    "kernel": "",
    "step": "; to compare different steps, select them: RUN:variant=matvec RUN:variant=outer_sum",
    "range": "; to pair ranges of different names, say --map OLD=NEW",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One thing on both sides: its two times, the verdict and where the difference lies."""

    a: Measured
    b: Measured
    label: str
    value_a: str
    value_b: str
    """What tells the sides apart, such as ``axis 0`` and ``axis 1``."""
    samples: SampleKind | None
    ns_a: float | None
    ns_b: float | None
    """Medians of the samples that were compared."""
    ratio: float | None
    interval: tuple[float, float] | None
    p: float | None
    verdict: Verdict
    delta_ns: dict[str, float | None]
    """Traced, by layer; the known ones sum to traced_delta_ns."""
    traced_delta_ns: float | None
    untraced_delta_ns: float | None
    """Of medians, which single slow reps do not move."""
    kernels: tuple[KernelPair, ...]
    between_runs: float | None = None
    """How much runs like these differ from one to the next: 0.01 is 1 %; null where nothing tells."""
    between_runs_hides: bool = False
    """What runs differ by from one to the next is so much that more samples would not decide."""

    @property
    def stake_ns(self) -> float:
        """How much time the change is, over all instances."""
        return abs((self.ns_b or 0.0) - (self.ns_a or 0.0)) * (self.a.reps or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sides: what makes them hard to compare, every pair, and what had no partner."""

    a: str
    b: str
    comparable: tuple[Caveat, ...]
    pairs: tuple[Pair, ...]
    unmatched_a: tuple[str, ...] = ()
    unmatched_b: tuple[str, ...] = ()
    pairing: tuple[str, ...] = ()
    """One line for each two things of different names that were paired."""


def compare_sides(a: Side, b: Side, maps: Sequence[str] = ()) -> Comparison:
    """Two sides of one kind: steps on their keys, or on what was not selected to differ; ranges on their paths.

    ``maps`` are texts OLD=NEW that rename A's ranges. Raises CompareError where nothing pairs.
    """
    if (a.paths is None) != (b.paths is None):
        raise CompareError(_explain_kinds(a, b))
    a, b = align_sides(a, b)
    refuse_other_clocks(a, b)
    if a.paths is None or b.paths is None:
        if maps:
            raise CompareError(
                "--map renames the ranges of traces; the steps of runs join on what they compute"
            )
        matches, pairing = pair_steps(a, b), ()
    else:
        matches, pairing = pair_ranges(a, b, parse_maps(maps))
    if not matches:
        what = "step" if a.paths is None else "range" if a.paths else "kernel"
        alike = {thing.label for thing in a.things} & {thing.label for thing in b.things}
        names = ", ".join(f"{side.name} has {name_first(side, alike)}" for side in (a, b))
        raise CompareError(f"no measured {what} in common: {names}{_HINTS[what]}")
    return compare_matches(
        matches,
        sides=(a.name, b.name),
        caveats=[
            *find_differences(a.circumstances, b.circumstances),
            *describe_gpus(a.things, b.things, matches),
            *describe_set_aside({"A": a, "B": b}),
            *describe_missing_ranges(a, b),
            *describe_idle_maps(find_idle_maps(a, b, maps, matches)),
        ],
        unmatched=list_unmatched(a.things, b.things, matches),
        pairing=(*pairing, *describe_folded(a.folded, b.folded)),
    )


def _explain_kinds(a: Side, b: Side) -> str:
    unmarked, other = (a, b) if a.paths is None else (b, a)
    if unmarked.result is not None:
        return f"{a.name} and {b.name}: one is a run, the other a trace; compare two of a kind"
    return (
        f"{unmarked.name} has neither ranges nor kernels, {other.name} has: mark the parts of both programs with "
        "flopprof.annotate and record them again"
    )


def compare_runs(a: RunResult, b: RunResult) -> Comparison:
    """Two runs, step by step, joined on the steps' keys; CompareError where they share none."""
    return compare_sides(side_of_run(a), side_of_run(b))


def compare_by(side: Side | RunResult, name: str) -> Comparison:
    """The steps of one run, or a selection of them, that are equal in all but NAME."""
    side = side_of_run(side) if isinstance(side, RunResult) else side
    baseline = None if side.result is None else side.result.run.baseline
    matches = pair_by(side.things, name, baseline, side.name)
    alone, _ = list_unmatched(side.things, (), matches)
    sides = (name_half(side.name, name, matches, "a"), name_half(side.name, name, matches, "b"))
    caveats = [*describe_shared(side.circumstances, name), *describe_set_aside({"A and B": side})]
    return compare_matches(matches, sides=sides, caveats=caveats, unmatched=(alone, ()))


def find_slower(comparison: Comparison, percent: float) -> tuple[Pair, ...]:
    """What ``--fail-above`` fails on: verdicts ``slower`` whose ratio is over 1 + percent / 100."""
    return tuple(
        pair
        for pair in comparison.pairs
        if pair.verdict == "slower" and pair.ratio is not None and pair.ratio > 1 + percent / 100
    )


def compare_matches(
    matches: Sequence[Match],
    *,
    sides: tuple[str, str],
    caveats: Iterable[Caveat],
    unmatched: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    pairing: tuple[str, ...] = (),
    threshold: float = THRESHOLD,
) -> Comparison:
    """Every match judged together: its verdict, its layers and its kernels."""
    kinds: list[SampleKind | None] = [_choose_samples(match) for match in matches]
    noise = find_noise([(match.a, match.b) for match in matches])
    estimates = [
        _estimate(match, kind, noise.get(place))
        for place, (match, kind) in enumerate(zip(matches, kinds, strict=True))
    ]
    judged = iter(judge([estimate for estimate in estimates if estimate is not None], threshold))
    pairs = [
        _compare(match, kind, None if estimate is None else next(judged), noise.get(place), threshold)
        for place, (match, kind, estimate) in enumerate(zip(matches, kinds, estimates, strict=True))
    ]
    between = [
        *find_pair_differences([(match.a, match.b, match.label) for match in matches]),
        *describe_noise({one.typical for one in noise.values()}),
        *(() if any(unmatched) else _describe_identity(matches, kinds)),
    ]
    return Comparison(
        a=sides[0],
        b=sides[1],
        comparable=tuple(sorted([*caveats, *between], key=lambda caveat: caveat.severity != "warning")),
        pairs=tuple(pairs),
        unmatched_a=unmatched[0],
        unmatched_b=unmatched[1],
        pairing=pairing,
    )


def _describe_identity(matches: Sequence[Match], kinds: Sequence[SampleKind | None]) -> list[Caveat]:
    """A measurement against itself is the same whatever it says, and says nothing of how alike two runs are."""
    alike = [
        read_samples(match.a, kind) == read_samples(match.b, kind)
        and (match.a.reps, match.a.layers) == (match.b.reps, match.b.layers)
        for match, kind in zip(matches, kinds, strict=True)
        if kind is not None
    ]
    if not alike or not all(alike):
        return []
    message = (
        "A and B are one measurement: every sample is the same, so this shows no difference there could be"
    )
    return [Caveat(code="identical", severity="info", message=message)]


def _choose_samples(match: Match) -> SampleKind | None:
    """Untraced samples where both sides have them, else traced ones."""
    for kind in SAMPLE_KINDS:
        if all(_has_time(read_samples(thing, kind)) for thing in (match.a, match.b)):
            return kind
    return None


def _has_time(samples: tuple[float, ...]) -> bool:
    return bool(samples) and median(samples) > 0


def read_samples(thing: Measured, kind: SampleKind) -> tuple[float, ...]:
    """A thing's samples of one kind, in their order."""
    return thing.untraced_samples_ns if kind == "untraced" else thing.traced_samples_ns


def _estimate(match: Match, kind: SampleKind | None, noise: RunNoise | None) -> RatioEstimate | None:
    """The ratio with its certainty; None where one sample says nothing of it."""
    if kind is None:
        return None
    a, b = ([max(ns, _LEAST_NS) for ns in read_samples(thing, kind)] for thing in (match.a, match.b))
    return widen(ratio_interval(a, b), noise) if min(len(a), len(b)) > 1 else None


def _compare(
    match: Match,
    kind: SampleKind | None,
    judged: Judgement | None,
    noise: RunNoise | None,
    threshold: float,
) -> Pair:
    a, b = match.a, match.b
    ns_a = None if kind is None else median(read_samples(a, kind))
    ns_b = None if kind is None else median(read_samples(b, kind))
    return Pair(
        a=a,
        b=b,
        label=match.label,
        value_a=match.value_a,
        value_b=match.value_b,
        samples=kind,
        ns_a=ns_a,
        ns_b=ns_b,
        ratio=None if ns_a is None or ns_b is None else ns_b / ns_a,
        interval=None if judged is None else judged.interval,
        p=None if judged is None else judged.p,
        verdict=_decide_alone(match, kind) if judged is None else judged.verdict,
        delta_ns={part: _subtract(a.layers.get(part), b.layers.get(part)) for part in PARTS},
        traced_delta_ns=_subtract(a.wall_ns, b.wall_ns),
        untraced_delta_ns=_subtract(_find_untraced(a), _find_untraced(b)),
        kernels=_pair_kernels(a, b),
        between_runs=None if noise is None else noise.typical,
        between_runs_hides=bool(noise and ns_a and ns_b and hides(ns_b / ns_a, noise, threshold)),
    )


def _pair_kernels(a: Measured, b: Measured) -> tuple[KernelPair, ...]:
    """Within the pair: a range holds one op, whatever it is called on each side."""
    if "range" in a.names and "range" in b.names:
        names = [op.op for thing in (a, b) for op in thing.ops]
        name = " → ".join(dict.fromkeys(names))
        left, right = (
            [op if op.op == name else replace(op, op=name) for op in thing.ops] for thing in (a, b)
        )
        return pair_kernels(left, right)
    return pair_kernels(a.ops, b.ops)


def _decide_alone(match: Match, kind: SampleKind | None) -> Verdict:
    """Without an estimate nothing is decided, but a measurement is the same as itself."""
    kinds = (kind,) if kind is not None else SAMPLE_KINDS
    samples = [[read_samples(thing, one) for one in kinds] for thing in (match.a, match.b)]
    return "same" if any(samples[0]) and samples[0] == samples[1] else "unsure"


def _find_untraced(thing: Measured) -> float | None:
    """The median of the untraced samples; what the whole pass took per rep where there are none."""
    return median(thing.untraced_samples_ns) if thing.untraced_samples_ns else thing.untraced_ns


def _subtract(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else b - a
