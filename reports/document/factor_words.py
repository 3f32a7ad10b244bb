"""The factors of a ratio in words.

``3.57× = 2.00× by least bytes (3.20 GB against 1.60 GB) × 1.79× by bandwidth (1669 GB/s against 2991 GB/s)``
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import NamedTuple

from ...analysis.explain.cause import Cause, Code, choose_leading
from ...analysis.explain.explain import Explanation
from ...analysis.explain.factors import Factor, FactorName
from ...analysis.explain.subject import Once
from .names import clean, list_names
from .numbers import Kind, format_quantity, format_value

_WORTH_NAMING = 1.05

_LEFT_TO_OTHERS = 0.4
"""Of a ratio's logarithm, in either direction: no more may others come to, nor one, where a factor makes most."""

MOST_OF_IT = 0.5
"""Of the rep: with less an op is not told without its part."""

_WORDS: dict[FactorName, tuple[str, Kind, float]] = {
    "least_bytes": ("least bytes", "bytes", 1),
    "excess": ("bytes moved over the least", "ratio", 1),
    "moved_bytes": ("bytes moved", "bytes", 1),
    "bandwidth": ("bandwidth", "gbps", 1),
    "flops": ("FLOPs", "flops", 1),
    "executed": ("FLOPs executed over counted", "ratio", 1),
    "rate": ("FLOP rate", "tflops", 1e-3),
    "least_time": ("the roof's least time", "time", 1),
    "roof_share": ("share of the roof", "percent", 1),
    "working_time": ("time in kernels", "time", 1),
    "whole_time": ("the whole of its time", "time", 1),
    "user_time": ("user time", "time", 1),
    "exposure": ("time over kernel time", "ratio", 1),
    "system": ("CPU time over user time", "ratio", 1),
    "cores": ("cores at work", "number", 1),
    "passes": ("reps timed over reps charged", "ratio", 1),
}
"""What a factor is of, and how its values are written."""

_ON_THE_CPU: dict[FactorName, str] = {
    "working_time": "time in its ops",
    "exposure": "time over that of its ops",
}

PHRASES: dict[Code, str] = {
    "launch_bound": "is launch-bound",
    "memory_bound": "is memory-bound",
    "compute_bound": "is compute-bound",
    "underfilled": "is underfilled",
    "low_occupancy": "has low occupancy",
    "uncoalesced": "is uncoalesced",
    "narrow_loads": "has narrow loads",
    "extra_traffic": "moves more than its least bytes",
    "extra_arithmetic": "is busy with extra arithmetic",
    "page_faults": "is slowed by page faults",
    "few_cores": "runs on few cores",
}
"""Causes in a word or two; the others are no part of a sentence about several."""

_SLOWS_BYTES: tuple[Code, ...] = (
    *("underfilled", "low_occupancy", "uncoalesced", "narrow_loads"),
    *("compute_bound", "extra_arithmetic"),
)
"""Why kernels move their bytes slowly."""


def name_factor(factor: Factor, explanation: Explanation) -> str:
    """What a factor is of, in words."""
    on_the_cpu = {explanation.a.device, explanation.b.device} == {"cpu"}
    if factor.name in ("bandwidth", "rate") and any(one.name == "cores" for one in explanation.factors):
        return f"{_WORDS[factor.name][0]} of user time"
    own = _ON_THE_CPU.get(factor.name) if on_the_cpu else None
    return own or _WORDS[factor.name][0]


def compare_values(factor: Factor) -> str:
    """B's value of a factor against A's: ``3.20 GB against 1.60 GB``."""
    return f"{_format_term(factor, factor.b)} against {_format_term(factor, factor.a)}"


def _format_term(factor: Factor, value: float | None) -> str:
    _, kind, scale = _WORDS[factor.name]
    return format_quantity(None if value is None else value * scale, kind)


class Division(NamedTuple):
    """A ratio as the factors that have a name, the largest first, and what the others come to."""

    named: tuple[Factor, ...]
    rest: float | None
    """None where it would be shown as 1.00×."""


def divide_ratio(explanation: Explanation) -> Division:
    """The one choice of factors, for sentences and figures: those over 1.05."""
    named = [factor for factor in explanation.factors if size_of(factor.ratio) > math.log(_WORTH_NAMING)]
    rest = explanation.ratio / math.prod(factor.ratio for factor in named)
    ordered = sorted(named, key=lambda factor: -size_of(factor.ratio))
    return Division(tuple(ordered), rest if format_value(rest, "ratio") != "1.00×" else None)


def size_of(ratio: float) -> float:
    """How far from 1×, in either direction alike."""
    return abs(math.log(ratio))


def describe_factors(explanation: Explanation) -> str:
    """The ratio as its factors over 1.05, in order of size, and what the others come to; B's values first."""
    named, rest = divide_ratio(explanation)
    if not named:
        return _tell_small(explanation)
    terms = [_describe(factor, explanation) for factor in named]
    terms += [f"{format_value(rest, 'ratio')} by the rest"] if rest is not None else []
    if len(terms) == 1:
        return f"all of it {terms[0].partition(' ')[2]}"
    return f"{format_value(explanation.ratio, 'ratio')} = {' × '.join(terms)}"


def _tell_small(explanation: Explanation) -> str:
    """A ratio without a factor over 1.05: where there is a difference to explain, how large it is and what makes it."""
    if not (explanation.causes or explanation.unexplained):
        return f"no factor of it is over {_WORTH_NAMING}×"
    a, b, ratio = explanation.a.time_ns, explanation.b.time_ns, explanation.ratio
    amount = f"{format_value(abs(b - a), 'time')} {'more' if ratio > 1 else 'less'}"
    text = f"{format_value(ratio, 'ratio')}, {amount}; no factor of it is over {_WORTH_NAMING}×"
    main = _find_main(explanation)
    if main is None:
        return text
    return f"{text}; most of it is by {name_factor(main, explanation)} ({compare_values(main)})"


def _find_main(explanation: Explanation) -> Factor | None:
    """The factor beside which the others come to little; None where two are alike, or one is all that was measured."""
    whole = math.log(explanation.ratio)
    measured = [factor for factor in explanation.factors if factor.measured]
    if len(measured) < 2:
        return None
    main, other, *_ = sorted(measured, key=lambda factor: -size_of(factor.ratio))
    makes_most = abs(math.log(main.ratio) / whole - 1) <= _LEFT_TO_OTHERS
    return main if makes_most and size_of(other.ratio) <= _LEFT_TO_OTHERS * abs(whole) else None


def _describe(factor: Factor, explanation: Explanation) -> str:
    values = compare_values(factor)
    why = _why_slow(explanation) if factor.name == "bandwidth" and _agrees(factor, explanation) else ""
    return f"{format_value(factor.ratio, 'ratio')} by {name_factor(factor, explanation)} ({values}{why})"


def _agrees(factor: Factor, explanation: Explanation) -> bool:
    return (factor.ratio > 1) == (explanation.ratio > 1)


def _why_slow(explanation: Explanation) -> str:
    """Which ops' kernels move their bytes slowly, and why, in a word each."""
    told = tell_together(explanation, _SLOWS_BYTES, lambda cause: clean(cause.op or cause.side))
    return f": {told}" if told else ""


def tell_together(explanation: Explanation, codes: Collection[Code], name: Callable[[Cause], str]) -> str:
    """``sum is underfilled``; where ops share the rep or the instance, each with its part of it."""
    leading = choose_leading(explanation.causes, codes)
    alone = len(leading) == 1 and (leading[0].share is None or leading[0].share >= MOST_OF_IT)
    told = [
        f"{name(cause)}{_tell_share(cause, explanation.a.once) if not alone else ''} {PHRASES[cause.code]}"
        for cause in leading
    ]
    return list_names(told) if told else ""


def _tell_share(cause: Cause, once: Once) -> str:
    return f" ({format_value(cause.share, 'percent')} of the {once})" if cause.share is not None else ""
