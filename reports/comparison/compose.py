"""A comparison as a document: what makes the sides hard to compare, verdicts, layers, kernels.

The same renderers that show a run's report show this one.
"""

from __future__ import annotations

from pathlib import Path, PurePath

from ...analysis.compare.comparability import Caveat
from ...analysis.compare.compare import Comparison
from ...analysis.compare.gate import Gate
from ..data.comparison_json import comparison_to_json
from ..document.document import Document, LazyData, Notice, Section
from ..document.format import Format
from ..document.names import clean
from ..render.formats import render_document, write_document
from ..render.screen import PLAIN, Screen
from .figures import draw_up_factors, spread_figure, waterfall_figure
from .pair_explanations import explain_pairs
from .pair_headlines import compose_pair_headlines
from .pair_picture import draw_up_pair_picture
from .pair_tables import kernel_table, layer_table, pair_table, pairing_table
from .sentences import describe_kernels, describe_pairs, summarise
from .undecided import describe_undecided

_MOST_SENTENCES = 12


def compose_comparison(comparison: Comparison, gate: Gate | None = None) -> Document:
    """Everything a comparison says, before any format."""
    pairs = comparison.pairs
    tables = [pair_table(pairs), layer_table(pairs), kernel_table(pairs), pairing_table(comparison)]
    figures = (
        ("pairs", draw_up_factors(pairs)),
        ("pairs", spread_figure(pairs)),
        ("layers", waterfall_figure(pairs)),
    )
    return Document(
        title="Comparison",
        about=_name_sides(comparison.a, comparison.b),
        recorder="",
        summary=summarise(comparison),
        verdicts=_limit([*describe_pairs(pairs), *describe_undecided(pairs), *describe_kernels(pairs)]),
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
        data=LazyData(lambda: comparison_to_json(comparison, gate)),
        explanations=explain_pairs(pairs),
        headlines=compose_pair_headlines(pairs),
        picture=draw_up_pair_picture(pairs),
    )


def render_comparison(
    comparison: Comparison, format: Format, screen: Screen = PLAIN, *, gate: Gate | None = None
) -> str:
    """A comparison in one format; ``screen`` is for text."""
    return render_document(compose_comparison(comparison, gate), format, screen)


def write_comparison(
    comparison: Comparison, folder: Path, gate: Gate | None = None, *, force: bool = True
) -> list[Path]:
    """``comparison`` in every format, its figures beside it. Raises RunError when it cannot be written."""
    return write_document(compose_comparison(comparison, gate), folder, "comparison", force=force)


def _limit(sentences: list[str]) -> tuple[str, ...]:
    left = len(sentences) - _MOST_SENTENCES
    if left <= 0:
        return tuple(sentences)
    return (*sentences[:_MOST_SENTENCES], f"{left} more in the tables.")


def _notice(caveat: Caveat) -> Notice:
    return Notice(severity=caveat.severity, text=clean(caveat.message))


def _name_sides(a: str, b: str) -> str:
    """Both sides without the folders they share: where files lie is nobody else's business."""
    left, right = PurePath(a).parts, PurePath(b).parts
    shared = 0
    while shared < min(len(left), len(right)) - 1 and left[shared] == right[shared]:
        shared += 1
    sides = [str(PurePath(*parts[shared:])) if parts else "" for parts in (left, right)]
    return clean(f"A: {sides[0]} · B: {sides[1]}")
