"""Reports of a run: as text in a format, and as files in a folder."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ..analysis.errors import RunError
from ..analysis.results import RunResult
from .as_json import render_json
from .chart import IMAGE_FORMATS, draw_image
from .compose import compose
from .csv_tables import csv_tables
from .document import Document, Figure
from .html import render_html
from .markdown import render_markdown
from .text import render_text

Format = Literal["text", "markdown", "html", "json"]
FORMATS: tuple[Format, ...] = ("text", "markdown", "html", "json")


def render(result: RunResult, format: Format, *, colour: bool = False) -> str:
    """A run's report in one format; ``colour`` is for text on a terminal."""
    return render_document(compose(result), format, colour=colour)


def render_document(document: Document, format: Format, *, colour: bool = False) -> str:
    """Any document in one format."""
    if format == "json":
        return render_json(document.data)
    if format == "html":
        return render_html(document)
    return render_markdown(document) if format == "markdown" else render_text(document, colour=colour)


def write_reports(result: RunResult, folder: Path) -> list[Path]:
    """The reports of a run into its folder, with one picture; each file is there whole or not at all.

    Raises RunError when the folder cannot be written.
    """
    document = compose(result)
    figures = {figure.name: figure for figure in list_figures(document) if figure.name == "time"}
    pictures = {f"{name}.png": draw_image(figure, "png") for name, figure in figures.items()}
    texts = {
        "report.md": render_markdown(document, figures={name: f"{name}.png" for name in figures}),
        "report.json": render_json(document.data),
        **csv_tables(document.data),
    }
    names = ["report.txt", *texts, *pictures]
    texts = {"report.txt": render_text(document, files=names), **texts}
    files = {name: text.encode("utf-8", "backslashreplace") for name, text in texts.items()} | pictures
    return [_write(folder / name, data) for name, data in files.items()]


def write_figures(result: RunResult, folder: Path) -> list[Path]:
    """Every figure of a run as PNG, SVG and PDF, the folder made if need be.

    Raises RunError when the folder cannot be written.
    """
    _make_folder(folder)
    return [
        _write(folder / f"{figure.name}.{format}", draw_image(figure, format))
        for figure in list_figures(compose(result))
        for format in IMAGE_FORMATS
    ]


def write_document(document: Document, folder: Path, name: str) -> list[Path]:
    """A document as NAME.txt, .md, .html and .json with its figures beside it, the folder made if need be.

    Raises RunError when the folder cannot be written.
    """
    _make_folder(folder)
    pictures = {f"{name}-{figure.name}.png": draw_image(figure, "png") for figure in list_figures(document)}
    links = {figure.name: f"{name}-{figure.name}.png" for figure in list_figures(document)}
    texts = {
        f"{name}.txt": render_text(document),
        f"{name}.md": render_markdown(document, figures=links),
        f"{name}.html": render_html(document),
        f"{name}.json": render_json(document.data),
    }
    files = {file: text.encode("utf-8", "backslashreplace") for file, text in texts.items()} | pictures
    return [_write(folder / file, data) for file, data in files.items()]


def write_texts(texts: Mapping[str, str], folder: Path) -> list[Path]:
    """Files by name into a folder, which is made if need be. Raises RunError when it cannot be written."""
    _make_folder(folder)
    return [_write(folder / name, text.encode("utf-8", "backslashreplace")) for name, text in texts.items()]


def list_figures(document: Document) -> list[Figure]:
    """The figures of all sections."""
    return [figure for section in document.sections for figure in section.figures]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(folder, f"cannot be made: {error.strerror or error}") from error


def _write(path: Path, data: bytes) -> Path:
    """Through a neighbour and a rename, so that no reader meets half a file."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise RunError(path, f"cannot be written: {error.strerror or error}") from error
    return path
