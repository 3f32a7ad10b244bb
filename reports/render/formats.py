"""Reports of a run: as text in a format, and as files in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ...analysis.runs.writing import encode_text, make_folder, refuse_existing, write_file, write_files
from ..charts.chart import IMAGE_FORMATS, draw_image
from ..data.figure_csv import figure_to_csv
from ..document.document import Document, Figure
from ..document.format import SUFFIXES, Format
from .html import render_html
from .json_text import render_json
from .markdown import render_markdown
from .screen import PLAIN, Screen
from .text import render_text


def render_document(
    document: Document, format: Format, screen: Screen = PLAIN, *, figures: Mapping[str, str] | None = None
) -> str:
    """Any document in one format; ``screen`` is for text, ``figures`` for links of Markdown."""
    if format == "json":
        return render_json(document.data)
    if format == "html":
        return render_html(document)
    if format == "markdown":
        return render_markdown(document, figures=figures)
    return render_text(document, screen)


def write_document(document: Document, folder: Path, name: str, *, force: bool = True) -> list[Path]:
    """A document as NAME.txt, .md, .html and .json with its figures beside it, the folder made if need be.

    Raises RunError when the folder cannot be written, or without ``force`` has one of them.
    """
    make_folder(folder)
    pictures = {f"{name}-{figure.name}.png": draw_image(figure, "png") for figure in list_figures(document)}
    links = {figure.name: f"{name}-{figure.name}.png" for figure in list_figures(document)}
    texts = {
        f"{name}.{suffix}": render_document(document, format, figures=links)
        for format, suffix in SUFFIXES.items()
    }
    data = {file: encode_text(text) for file, text in texts.items()} | pictures
    return write_files(data, folder, force=force)


def write_images(document: Document, folder: Path, *, force: bool = True) -> list[Path]:
    """Every figure as PNG, SVG and PDF, its numbers as CSV beside them, the folder made if need be.

    Raises RunError when the folder cannot be written, or without ``force`` has one of them.
    """
    figures = list_figures(document)
    refuse_existing(
        [folder / f"{figure.name}.{end}" for figure in figures for end in (*IMAGE_FORMATS, "csv")],
        force=force,
    )
    make_folder(folder)
    return [
        write_file(folder / f"{figure.name}.{end}", data)
        for figure in figures
        for end, data in _list_files(figure)
    ]


def _list_files(figure: Figure) -> Iterator[tuple[str, bytes]]:
    yield from ((format, draw_image(figure, format)) for format in IMAGE_FORMATS)
    yield "csv", encode_text(figure_to_csv(figure))


def list_figures(document: Document) -> list[Figure]:
    """The figures of all sections."""
    return [figure for section in document.sections for figure in section.figures]
