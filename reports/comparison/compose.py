"""A comparison as a document: what makes the sides hard to compare, verdicts, layers, kernels.

The same renderers that show a run's report show this one.
"""

from __future__ import annotations

from pathlib import Path, PurePath

from ...analysis.compare.comparability import Caveat
from ...analysis.compare.compare import Comparison, Pair
from ...analysis.compare.kernel_pairs import KernelPair, KernelUse
from ...analysis.compare.measured import PARTS
from ..data.comparison_json import comparison_to_json
from ..document.document import Column, Document, Name, Notice, Row, Section, Table, Value
from ..document.names import clean, fold_names
from ..render.formats import Format, render_document, write_document
from .figures import spread_figure, waterfall_figure
from .pair_explanations import explain_pairs
from .sentences import describe_kernels, describe_pairs, format_geometry, summarise

_MOST_SENTENCES = 12

_LEAST_P = 0.001

_GROUP_NAMES = ("backend", "device", "dtype")

_RULE = (
    "ratio is B / A with its 95 % interval; same: the interval lies within ±2 %; faster, slower: it excludes "
    "1, the rank test agrees and the ratio is beyond 2 %; both adjusted (Holm) for the number of pairs."
)


def compose_comparison(comparison: Comparison) -> Document:
    """Everything a comparison says, before any format."""
    pairs = comparison.pairs
    tables = [_list_pairs(pairs), _list_layers(pairs), _list_kernels(pairs), _list_pairing(comparison)]
    figures = (("pairs", spread_figure(pairs)), ("layers", waterfall_figure(pairs)))
    return Document(
        title="Comparison",
        about=_name_sides(comparison.a, comparison.b),
        recorder="",
        summary=summarise(comparison),
        verdicts=_limit([*describe_pairs(pairs), *describe_kernels(pairs)]),
        warnings=tuple(_notice(caveat) for caveat in comparison.comparable),
        sections=tuple(
            Section(
                name=table.name,
                title=table.title,
                tables=(table,),
                figures=tuple(figure for name, figure in figures if name == table.name and figure),
            )
            for table in tables
            if table.rows
        ),
        facts=(),
        folder="",
        data=comparison_to_json(comparison),
        explanations=explain_pairs(pairs),
    )


def render_comparison(comparison: Comparison, format: Format, *, colour: bool = False) -> str:
    """A comparison in one format; ``colour`` is for text on a terminal."""
    return render_document(compose_comparison(comparison), format, colour=colour)


def write_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """``comparison`` in every format, its figures beside it. Raises RunError when it cannot be written."""
    return write_document(compose_comparison(comparison), folder, "comparison")


def _limit(sentences: list[str]) -> tuple[str, ...]:
    left = len(sentences) - _MOST_SENTENCES
    if left <= 0:
        return tuple(sentences)
    return (*sentences[:_MOST_SENTENCES], f"{left} more in the tables.")


def _notice(caveat: Caveat) -> Notice:
    return Notice(severity=caveat.severity, text=clean(caveat.message))


def _list_pairing(comparison: Comparison) -> Table:
    """What had another name on the other side, and what had no partner there."""
    rows = [("paired", line) for line in comparison.pairing]
    rows += [("only in A", line) for line in comparison.unmatched_a]
    rows += [("only in B", line) for line in comparison.unmatched_b]
    columns = (Column(key="how", title="how"), Column(key="what", title="what"))
    cells = tuple(Row(cells=(how, clean(what))) for how, what in rows)
    return Table(
        name="pairing", title="Paired by hand or by pattern, or not at all", columns=columns, rows=cells
    )


def _list_pairs(pairs: tuple[Pair, ...]) -> Table:
    a, b = _head_sides(pairs)
    columns = (
        Column(key="label", title="step"),
        Column(key="ns_a", title=a, kind="time"),
        Column(key="ns_b", title=b, kind="time"),
        Column(key="ratio", title="ratio", kind="ratio"),
        Column(key="low", title="from", kind="ratio"),
        Column(key="high", title="to", kind="ratio"),
        Column(key="verdict", title="verdict"),
        Column(key="p", title="p", detail=True),
        Column(key="samples", title="samples", detail=True),
        Column(key="untraced_delta_ns", title="untraced Δ", kind="time"),
        Column(key="traced_delta_ns", title="traced Δ", kind="time"),
    )
    rows = tuple(_row_pair(pair, pairs) for pair in pairs)
    return Table(name="pairs", title="Verdicts", columns=columns, rows=rows, notes=(_RULE,))


def _row_pair(pair: Pair, pairs: tuple[Pair, ...]) -> Row:
    low, high = pair.interval or (None, None)
    return Row(
        cells=(
            _label(pair, pairs),
            pair.ns_a,
            pair.ns_b,
            pair.ratio,
            low,
            high,
            pair.verdict,
            _format_p(pair.p),
            pair.samples,
            pair.untraced_delta_ns,
            pair.traced_delta_ns,
        ),
        group=_group(pair),
    )


def _list_layers(pairs: tuple[Pair, ...]) -> Table:
    """Traced differences by layer; a layer that never changed has no column."""
    shown = [part for part in PARTS if any(pair.delta_ns[part] for pair in pairs)]
    columns = (
        Column(key="label", title="step"),
        Column(key="traced_delta_ns", title="traced Δ", kind="time"),
        *(Column(key=part, title=part, kind="time") for part in shown),
        Column(key="untraced_delta_ns", title="untraced Δ", kind="time"),
    )
    rows = tuple(
        Row(
            cells=(
                _label(pair, pairs),
                pair.traced_delta_ns,
                *(pair.delta_ns[part] for part in shown),
                pair.untraced_delta_ns,
            ),
            group=_group(pair),
        )
        for pair in pairs
        if pair.traced_delta_ns is not None
    )
    note = "B − A per rep; the layers sum to the traced difference."
    return Table(name="layers", title="Where the difference lies", columns=columns, rows=rows, notes=(note,))


def _list_kernels(pairs: tuple[Pair, ...]) -> Table:
    a, b = _head_sides(pairs)
    columns = (
        Column(key="op", title="op"),
        Column(key="kernel_a", title=f"kernel {a}", kind="name"),
        Column(key="kernel_b", title=f"kernel {b}", kind="name"),
        Column(key="ns_a", title=a, kind="time"),
        Column(key="ns_b", title=b, kind="time"),
        Column(key="ratio", title="ratio", kind="ratio"),
        Column(key="launch_a", title=f"launch {a}"),
        Column(key="launch_b", title=f"launch {b}"),
        Column(key="registers_a", title=f"registers {a}", kind="count", detail=True),
        Column(key="registers_b", title=f"registers {b}", kind="count", detail=True),
        Column(key="occupancy_a", title=f"occupancy {a}", kind="percent", detail=True),
        Column(key="occupancy_b", title=f"occupancy {b}", kind="percent", detail=True),
        Column(key="waves_a", title=f"waves {a}", kind="number", detail=True),
        Column(key="waves_b", title=f"waves {b}", kind="number", detail=True),
        Column(key="gbps_a", title=a, kind="gbps", detail=True),
        Column(key="gbps_b", title=b, kind="gbps", detail=True),
    )
    uses = (use for pair in pairs for kernel in pair.kernels for use in (kernel.a, kernel.b))
    names = fold_names(use.kernel for use in uses if use is not None)
    rows = tuple(
        _row_kernel(_name_pair(pair, pairs), kernel, names) for pair in pairs for kernel in pair.kernels
    )
    note = "launch: grid / block of the geometry with most time; (+1): so many others."
    return Table(name="kernels", title="Kernels, time per rep", columns=columns, rows=rows, notes=(note,))


def _row_kernel(label: str, pair: KernelPair, names: dict[str, str]) -> Row:
    a, b = _cells_of(pair.a, names), _cells_of(pair.b, names)
    name, ns, launch, registers, occupancy, waves, gbps = zip(a, b, strict=True)
    cells = (clean(pair.op), *name, *ns, pair.ratio, *launch, *registers, *occupancy, *waves, *gbps)
    return Row(cells=cells, group=label)


def _cells_of(use: KernelUse | None, names: dict[str, str]) -> tuple[Value, ...]:
    """Name, time, geometry, registers, occupancy, waves and rate of one side's kernel, by its main launch."""
    if use is None:
        return (None,) * 7
    name = Name(full=clean(use.kernel), short=names[use.kernel])
    if not use.launches:
        return name, use.ns, None, None, None, None, use.gbps
    main = use.launches[0]
    more = f" (+{len(use.launches) - 1})" if len(use.launches) > 1 else ""
    geometry = format_geometry(main) + more
    return name, use.ns, geometry, main.registers, main.occupancy, main.waves, use.gbps


def _name_sides(a: str, b: str) -> str:
    """Both sides without the folders they share: where files lie is nobody else's business."""
    left, right = PurePath(a).parts, PurePath(b).parts
    shared = 0
    while shared < min(len(left), len(right)) - 1 and left[shared] == right[shared]:
        shared += 1
    sides = [str(PurePath(*parts[shared:])) if parts else "" for parts in (left, right)]
    return clean(f"A: {sides[0]} · B: {sides[1]}")


def _head_sides(pairs: tuple[Pair, ...]) -> tuple[str, str]:
    """What the sides' columns are called: the value that tells them apart, where it is one for all."""
    values = {(pair.value_a, pair.value_b) for pair in pairs}
    a, b = values.pop() if len(values) == 1 else ("A", "B")
    return clean(a), clean(b)


def _group(pair: Pair) -> str:
    """Where both things ran, which many rows share: ``cupy cuda float32``."""
    a, b = pair.a.names, pair.b.names
    shared = [a[name] for name in _GROUP_NAMES if name in a and a[name] == b.get(name)]
    return clean(" ".join(shared))


def _label(pair: Pair, pairs: tuple[Pair, ...]) -> str:
    """What a row is called inside its group."""
    shared = _group(pair).split()
    own = [word for word in _name_pair(pair, pairs).split() if word not in shared]
    return " ".join(own) or _name_pair(pair, pairs)


def _name_pair(pair: Pair, pairs: tuple[Pair, ...]) -> str:
    values = {(other.value_a, other.value_b) for other in pairs}
    if len(values) <= 1:
        return clean(pair.label)
    return clean(f"{pair.label} {pair.value_a} → {pair.value_b}")


def _format_p(p: float | None) -> str | None:
    if p is None:
        return None
    return f"{p:.3f}" if p >= _LEAST_P else f"<{_LEAST_P}"
