"""What changed between two sides, by how much, how sure that is, and in which layer and kernel.

::

    RunResult -measure_run-> [Measured] -pair-> [Match] -compare_matches-> Comparison

A side is a list of ``Measured`` things: the steps of a run, or the ranges of a trace (sides.py). Ratios are
B / A everywhere; differences are B − A and per rep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, NamedTuple

from .comparability import Caveat, find_differences, find_pair_differences
from .errors import CompareError
from .kernel_pairs import KernelPair, pair_kernels
from .measured import PARTS, Measured, label_names, measure_run
from .results import RunResult
from .statistics import THRESHOLD, Judgement, RatioEstimate, Verdict, judge, ratio_interval

SampleKind = Literal["untraced", "traced"]
SAMPLE_KINDS: tuple[SampleKind, ...] = ("untraced", "traced")
"""In the order of trust: tracing has a price, which differs between the sides."""


VARIANT_NAMES = ("variant", "mode")
"""A variant brings its mode along, and a mode is always another variant's."""


class Match(NamedTuple):
    """Two measured things to compare, and how a table calls them."""

    a: Measured
    b: Measured
    label: str
    value_a: str = "A"
    value_b: str = "B"


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
    kernels: tuple[KernelPair, ...]


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


def compare_runs(a: RunResult, b: RunResult) -> Comparison:
    """Two runs, step by step, joined on the steps' keys; CompareError where they share none."""
    left, right = measure_run(a), measure_run(b)
    partners = {thing.key: thing for thing in right}
    matches = [Match(thing, partners[thing.key], thing.label) for thing in left if thing.key in partners]
    if not matches:
        raise CompareError(
            f"{a.folder} and {b.folder} have no measured step in common; to compare different steps, "
            "run them in one scenario and use --by NAME"
        )
    return compare_matches(
        matches,
        sides=(a.folder, b.folder),
        caveats=find_differences(a, b),
        unmatched=(_list_missing(left, right), _list_missing(right, left)),
    )


def compare_by(result: RunResult, name: str) -> Comparison:
    """The steps of one run that are equal in all but NAME."""
    matches = pair_steps_by(result, name)
    paired = {key for match in matches for key in (match.a.key, match.b.key)}
    alone = tuple(thing.label for thing in measure_run(result) if thing.key not in paired)
    sides = (_name_side(result, name, matches, "a"), _name_side(result, name, matches, "b"))
    return compare_matches(matches, sides=sides, caveats=(), unmatched=(alone, ()))


def pair_steps_by(result: RunResult, name: str) -> list[Match]:
    """Steps equal in all but NAME: a swept parameter, or variant, backend, device, dtype, mode.

    The first value is A to each other one; of variants, the run's baseline. A variant brings its mode along.
    Raises CompareError for a name no step has, and where nothing pairs.
    """
    things = measure_run(result)
    names = list(dict.fromkeys(known for thing in things for known in thing.names))
    if not names:
        raise CompareError(f"{result.folder} has no measured step to compare")
    if name not in names:
        raise CompareError(f"{result.folder}: steps have no {name!r} to compare by; try {', '.join(names)}")
    firsts: list[Measured] = []
    matches: list[Match] = []
    for thing in sorted(things, key=lambda thing: thing.names.get(name) != result.run.baseline):
        partners = [first for first in firsts if _agree(first, thing, name)]
        matches += [
            _match_by(first, thing, name) for first in partners if first.names[name] != thing.names[name]
        ]
        if name in thing.names and not partners:
            firsts.append(thing)
    if not matches:
        raise CompareError(f"{result.folder}: no two steps differ in {name} alone")
    return matches


def compare_matches(
    matches: Sequence[Match],
    *,
    sides: tuple[str, str],
    caveats: Iterable[Caveat],
    unmatched: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    threshold: float = THRESHOLD,
) -> Comparison:
    """Every match judged together: its verdict, its layers and its kernels."""
    kinds: list[SampleKind | None] = [_choose_samples(match) for match in matches]
    estimates = [_estimate(match, kind) for match, kind in zip(matches, kinds, strict=True)]
    judged = iter(judge([estimate for estimate in estimates if estimate is not None], threshold))
    pairs = [
        _compare(match, kind, None if estimate is None else next(judged))
        for match, kind, estimate in zip(matches, kinds, estimates, strict=True)
    ]
    between = find_pair_differences([(match.a, match.b, match.label) for match in matches])
    return Comparison(
        a=sides[0],
        b=sides[1],
        comparable=(*caveats, *between),
        pairs=tuple(pairs),
        unmatched_a=unmatched[0],
        unmatched_b=unmatched[1],
    )


def _name_side(result: RunResult, name: str, matches: Sequence[Match], side: Literal["a", "b"]) -> str:
    """The selection of the run that this side is, ``RUN:axis=0``, where it is one for all pairs."""
    values = {getattr(match, side).names[name] for match in matches}
    return f"{result.folder}:{name}={values.pop()}" if len(values) == 1 else f"{result.folder} by {name}"


def _match_by(a: Measured, b: Measured, name: str) -> Match:
    values = (label_names({name: thing.names[name]}) or thing.names[name] for thing in (a, b))
    names = {**a.names, **b.names}
    return Match(
        a, b, label_names({known: names[known] for known in names if known not in _loosen(name)}), *values
    )


def _agree(a: Measured, b: Measured, name: str) -> bool:
    """Whether two steps are equal in all but NAME; a variant may know fewer parameters than another."""
    if name not in a.names or name not in b.names:
        return False
    if name not in VARIANT_NAMES and a.names.keys() != b.names.keys():
        return False
    fixed = (a.names.keys() & b.names.keys()).difference(_loosen(name))
    return all(a.names[known] == b.names[known] for known in fixed)


def _loosen(name: str) -> tuple[str, ...]:
    return VARIANT_NAMES if name in VARIANT_NAMES else (name,)


def _list_missing(these: Sequence[Measured], those: Sequence[Measured]) -> tuple[str, ...]:
    known = {thing.key for thing in those}
    return tuple(thing.label for thing in these if thing.key not in known)


def _choose_samples(match: Match) -> SampleKind | None:
    """Untraced samples where both sides have them, else traced ones."""
    for kind in SAMPLE_KINDS:
        if all(_can_compare(_read_samples(thing, kind)) for thing in (match.a, match.b)):
            return kind
    return None


def _can_compare(samples: tuple[float, ...]) -> bool:
    return len(samples) > 1 and min(samples) > 0


def _read_samples(thing: Measured, kind: SampleKind) -> tuple[float, ...]:
    return thing.untraced_samples_ns if kind == "untraced" else thing.traced_samples_ns


def _estimate(match: Match, kind: SampleKind | None) -> RatioEstimate | None:
    if kind is None:
        return None
    return ratio_interval(_read_samples(match.a, kind), _read_samples(match.b, kind))


def _compare(match: Match, kind: SampleKind | None, judged: Judgement | None) -> Pair:
    a, b = match.a, match.b
    return Pair(
        a=a,
        b=b,
        label=match.label,
        value_a=match.value_a,
        value_b=match.value_b,
        samples=kind,
        ns_a=None if kind is None else median(_read_samples(a, kind)),
        ns_b=None if kind is None else median(_read_samples(b, kind)),
        ratio=None if judged is None else judged.ratio,
        interval=None if judged is None else judged.interval,
        p=None if judged is None else judged.p,
        verdict="unsure" if judged is None else judged.verdict,
        delta_ns={part: _subtract(a.layers.get(part), b.layers.get(part)) for part in PARTS},
        traced_delta_ns=_subtract(a.wall_ns, b.wall_ns),
        untraced_delta_ns=_subtract(a.untraced_ns, b.untraced_ns),
        kernels=pair_kernels(a.ops, b.ops),
    )


def _subtract(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else b - a
