"""Reports of a run: as text in a format, and as files in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ...analysis.runs.files import encode_text, make_folder, write_files
from ..charts.chart import draw_image
from ..document.document import Document, Figure
from .html import render_html
from .json_text import render_json
from .markdown import render_markdown
from .text import render_text

Format = Literal["text", "markdown", "html", "json"]

FORMATS: tuple[Format, ...] = ("text", "markdown", "html", "json")


def render_document(document: Document, format: Format, *, colour: bool = False) -> str:
    """Any document in one format."""
    if format == "json":
        return render_json(document.data)
    if format == "html":
        return render_html(document)
    return render_markdown(document) if format == "markdown" else render_text(document, colour=colour)


def write_document(document: Document, folder: Path, name: str) -> list[Path]:
    """A document as NAME.txt, .md, .html and .json with its figures beside it, the folder made if need be.

    Raises RunError when the folder cannot be written.
    """
    make_folder(folder)
    pictures = {f"{name}-{figure.name}.png": draw_image(figure, "png") for figure in list_figures(document)}
    links = {figure.name: f"{name}-{figure.name}.png" for figure in list_figures(document)}
    texts = {
        f"{name}.txt": render_text(document),
        f"{name}.md": render_markdown(document, figures=links),
        f"{name}.html": render_html(document),
        f"{name}.json": render_json(document.data),
    }
    return write_files({file: encode_text(text) for file, text in texts.items()} | pictures, folder)


def list_figures(document: Document) -> list[Figure]:
    """The figures of all sections."""
    return [figure for section in document.sections for figure in section.figures]
