"""Reports of a run: as text in a format, and as files in a folder."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import Literal

from ..analysis.errors import RunError
from ..analysis.results import RunResult
from .as_json import render_json
from .chart import draw_png
from .compose import compose
from .csv_tables import csv_tables
from .document import Document
from .markdown import render_markdown
from .text import render_text

Format = Literal["text", "markdown", "json"]
FORMATS: tuple[Format, ...] = ("text", "markdown", "json")


def render(result: RunResult, format: Format, *, colour: bool = False) -> str:
    """A run's report in one format; ``colour`` is for text on a terminal."""
    return render_document(compose(result), format, colour=colour)


def render_document(document: Document, format: Format, *, colour: bool = False) -> str:
    """Any document in one format."""
    if format == "json":
        return render_json(document.data)
    return render_markdown(document) if format == "markdown" else render_text(document, colour=colour)


def write_reports(result: RunResult, folder: Path) -> list[Path]:
    """Every report of a run into its folder; each file is there whole or not at all.

    Raises RunError when the folder cannot be written.
    """
    document = compose(result)
    figures = {figure.name: figure for section in document.sections for figure in section.figures}
    pictures = {f"{name}.png": draw_png(figure) for name, figure in figures.items()}
    texts = {
        "report.md": render_markdown(document, figures={name: f"{name}.png" for name in figures}),
        "report.json": render_json(document.data),
        **csv_tables(document.data),
    }
    names = ["report.txt", *texts, *pictures]
    texts = {"report.txt": render_text(document, files=names), **texts}
    files = {name: text.encode("utf-8", "backslashreplace") for name, text in texts.items()} | pictures
    return [_write(folder / name, data) for name, data in files.items()]


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
