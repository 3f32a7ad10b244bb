"""A run's reports and figures, written into its folder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ...analysis.runs.results import RunResult
from ...analysis.runs.writing import encode_text, write_files
from ..charts.chart import draw_image
from ..data.run_csv import csv_tables
from ..document.format import Format
from ..render.formats import list_figures, render_document
from ..render.html import render_html
from ..render.json_text import render_json
from ..render.markdown import render_markdown
from ..render.screen import PLAIN, Screen
from ..render.text import render_text
from .compose import compose


def load_libraries() -> None:
    """Import what reports of runs are judged and drawn with, a second's work, before anybody waits for it.

    What cannot be imported is named where it is needed.
    """
    with suppress(ImportError):
        import jinja2  # noqa: F401
        import matplotlib.backends.backend_svg
        import matplotlib.figure  # noqa: F401
        import scipy.stats  # noqa: F401


def render(result: RunResult, format: Format, screen: Screen = PLAIN) -> str:
    """A run's report in one format; ``screen`` is for text."""
    return render_document(compose(result), format, screen)


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
        "report.html": render_html(document),
        **csv_tables(document.data),
    }
    names = ["report.txt", *texts, *pictures]
    texts = {"report.txt": render_text(document, files=names), **texts}
    return write_files({name: encode_text(text) for name, text in texts.items()} | pictures, folder)
