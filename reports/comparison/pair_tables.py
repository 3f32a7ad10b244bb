"""The tables of a comparison: verdicts, layers, kernels, and what was paired how."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ...analysis.arithmetic.judgement import says_something
from ...analysis.compare.compare import Comparison, Pair
from ...analysis.compare.kernel_pairs import KernelPair, KernelUse
from ...analysis.words import PARTS
from ..document.document import Name, Table, Value
from ..document.names import clean, fold_names
from ..document.numbers import Kind
from ..document.tables import ColumnOf, columns_of_part, fill_row
from .once import find_once
from .pair_headlines import PLACE
from .sentences import format_geometry

_LEAST_P = 0.001

_RULE = (
    "ratio is B / A with its 95 % interval; same: the interval lies within ±2 %; faster, slower: it excludes "
    "1, the rank test agrees and the ratio is beyond 2 %; both adjusted (Holm) for the number of pairs."
)


_TRACED_DELTA: ColumnOf[Pair] = ColumnOf(
    key="traced_delta_ns", title="traced Δ", kind="time", value=lambda pair: pair.traced_delta_ns
)

_UNTRACED_DELTA: ColumnOf[Pair] = ColumnOf(
    key="untraced_delta_ns", title="untraced Δ", kind="time", value=lambda pair: pair.untraced_delta_ns
)


class _Line(NamedTuple):
    """How a pair of names was found, or that one has no partner."""

    how: str
    what: str


class _KernelOfPair(NamedTuple):
    """A pair of kernels, and the pair of things it lies in."""

    pair: Pair
    kernel: KernelPair


def pairing_table(comparison: Comparison) -> Table:
    """What had another name on the other side, and what had no partner there."""
    lines = [_Line("paired", line) for line in comparison.pairing]
    lines += [_Line("only in A", line) for line in comparison.unmatched_a]
    lines += [_Line("only in B", line) for line in comparison.unmatched_b]
    columns: tuple[ColumnOf[_Line], ...] = (
        ColumnOf(key="how", title="how", value=lambda line: line.how),
        ColumnOf(key="what", title="what", value=lambda line: clean(line.what)),
    )
    rows = tuple(fill_row(columns, line) for line in lines)
    return Table(
        name="pairing", title="Paired by hand or by pattern, or not at all", columns=columns, rows=rows
    )


def pair_table(pairs: tuple[Pair, ...]) -> Table:
    """The verdict on each pair."""
    a, b = _head_sides(pairs)
    columns: tuple[ColumnOf[Pair], ...] = (
        _label_column(pairs),
        ColumnOf(key="ns_a", title=a, kind="time", unit_of="ns", value=lambda pair: pair.ns_a),
        ColumnOf(key="ns_b", title=b, kind="time", unit_of="ns", value=lambda pair: pair.ns_b),
        ColumnOf(key="ratio", title="ratio", kind="ratio", value=lambda pair: pair.ratio),
        ColumnOf(key="low", title="from", kind="ratio", value=lambda pair: _interval(pair)[0]),
        ColumnOf(key="high", title="to", kind="ratio", value=lambda pair: _interval(pair)[1]),
        ColumnOf(key="verdict", title="verdict", value=lambda pair: pair.verdict),
        ColumnOf(key="p", title="p", detail=True, value=lambda pair: _format_p(pair.p)),
        ColumnOf(key="samples", title="samples", detail=True, value=lambda pair: pair.samples),
        _UNTRACED_DELTA,
        _TRACED_DELTA,
    )
    rows = tuple(fill_row(columns, pair, group=_group(pair)) for pair in pairs)
    return Table(name="pairs", title="Verdicts", columns=columns, rows=rows, notes=(_RULE,))


def layer_table(pairs: tuple[Pair, ...]) -> Table:
    """Traced differences by layer; a layer that never changed has no column. Empty where no layer is known."""
    shown = [part for part in PARTS if any(pair.delta_ns[part] for pair in pairs)]
    known = any(pair.delta_ns[part] is not None for pair in pairs for part in PARTS)
    columns: tuple[ColumnOf[Pair], ...] = (
        _label_column(pairs),
        _TRACED_DELTA,
        *(_layer_column(part) for part in shown),
        _UNTRACED_DELTA,
    )
    rows = tuple(
        fill_row(columns, pair, group=_group(pair))
        for pair in pairs
        if known and pair.traced_delta_ns is not None
    )
    note = f"B − A per {find_once(pairs)}; the layers sum to the traced difference."
    return Table(name="layers", title="Where the difference lies", columns=columns, rows=rows, notes=(note,))


def kernel_table(pairs: tuple[Pair, ...]) -> Table:
    """Which kernel of B stands where which of A stood; what is said of both stands side by side."""
    heads = _head_sides(pairs)
    apart = _are_told_apart(pairs)
    uses = (use for pair in pairs for kernel in pair.kernels for use in (kernel.a, kernel.b))
    names = fold_names(use.kernel for use in uses if use is not None)
    both = partial(_both_sides, heads)
    columns: tuple[ColumnOf[_KernelOfPair], ...] = (
        ColumnOf(key="op", title="op", value=lambda item: clean(item.kernel.op)),
        *both(
            "kernel",
            "kernel ",
            lambda use: Name(full=clean(use.kernel), short=names[use.kernel]),
            kind="name",
        ),
        *both("ns", "", lambda use: use.ns, kind="time", term="traced"),
        ColumnOf(key="ratio", title="ratio", kind="ratio", value=lambda item: item.kernel.ratio),
        *both("launch", "launch ", _tell_launches),
        *both("registers", "registers ", _registers, kind="count", detail=True),
        *both("occupancy", "occupancy ", _occupancy, kind="percent", detail=True),
        *both("waves", "waves ", _waves, kind="number", detail=True),
        *both("gbps", "", lambda use: use.gbps, kind="gbps", detail=True),
    )
    rows = tuple(
        fill_row(columns, _KernelOfPair(pair, kernel), group=_name_pair(pair, apart=apart))
        for pair in pairs
        for kernel in pair.kernels
    )
    note = "launch: grid / block of the geometry with most time; (+1): so many others."
    title = f"Kernels, time per {find_once(pairs)}"
    return Table(name="kernels", title=title, columns=columns, rows=rows, notes=(note,))


def _label_column(pairs: tuple[Pair, ...]) -> ColumnOf[Pair]:
    apart = _are_told_apart(pairs)
    return ColumnOf(key="label", title="step", value=lambda pair: _label(pair, apart=apart))


def _layer_column(part: str) -> ColumnOf[Pair]:
    return ColumnOf(key=part, title=part, kind="time", value=lambda pair: pair.delta_ns[part])


def _interval(pair: Pair) -> tuple[float | None, float | None]:
    return pair.interval if pair.interval and says_something(pair.interval) else (None, None)


def _both_sides(
    heads: tuple[str, str],
    key: str,
    prefix: str,
    value: Callable[[KernelUse], Value],
    *,
    kind: Kind = "text",
    detail: bool = False,
    term: str | None = None,
) -> tuple[ColumnOf[_KernelOfPair], ...]:
    """The column of A's kernel and that of B's, of which one may be missing."""
    a, b = (
        ColumnOf(
            key=f"{key}_{side}",
            title=f"{prefix}{head}",
            kind=kind,
            detail=detail,
            term=term,
            unit_of=key,
            value=value,
        )
        for side, head in zip("ab", heads, strict=True)
    )
    return (
        *columns_of_part([a], lambda item: item.kernel.a),
        *columns_of_part([b], lambda item: item.kernel.b),
    )


def _tell_launches(use: KernelUse) -> str | None:
    if not use.launches:
        return None
    first, *others = use.launches
    return format_geometry(first) + (f" (+{len(others)})" if others else "")


def _registers(use: KernelUse) -> int | None:
    return use.launches[0].registers if use.launches else None


def _occupancy(use: KernelUse) -> float | None:
    return use.launches[0].occupancy if use.launches else None


def _waves(use: KernelUse) -> float | None:
    return use.launches[0].waves if use.launches else None


def _head_sides(pairs: tuple[Pair, ...]) -> tuple[str, str]:
    """What the sides' columns are called: the value that tells them apart, where it is one for all."""
    values = {(pair.value_a, pair.value_b) for pair in pairs}
    a, b = values.pop() if len(values) == 1 else ("A", "B")
    return clean(a), clean(b)


def _group(pair: Pair) -> str:
    """Where both things ran, which many rows share: ``cupy cuda float32``."""
    a, b = pair.a.names, pair.b.names
    shared = [a[name] for name in PLACE if name in a and a[name] == b.get(name)]
    return clean(" ".join(shared))


def _label(pair: Pair, *, apart: bool) -> str:
    """What a row is called inside its group."""
    shared, name = _group(pair).split(), _name_pair(pair, apart=apart)
    return " ".join(word for word in name.split() if word not in shared) or name


def _are_told_apart(pairs: tuple[Pair, ...]) -> bool:
    """Whether each pair's row must say what tells its sides apart, as that is not one for all."""
    return len({(pair.value_a, pair.value_b) for pair in pairs}) > 1


def _name_pair(pair: Pair, *, apart: bool) -> str:
    return clean(f"{pair.label} {pair.value_a} → {pair.value_b}" if apart else pair.label)


def _format_p(p: float | None) -> str | None:
    if p is None:
        return None
    return f"{p:.3f}" if p >= _LEAST_P else f"<{_LEAST_P}"
