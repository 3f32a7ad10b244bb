"""A document as terminal text that fits a screen, with bars.

The answer stands first: the sentences, and the picture that goes with them. Of long sweeps it shows the tables'
main rows and says what it left out; nothing is left out of the other formats. A path is never broken, whatever the
width: it is there to be copied.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.words import Severity
from ..document.document import MOST_HEADLINES, Document, Notice, Section
from .screen import PLAIN, Screen
from .text_picture import render_picture
from .text_table import paint_verdicts, render_table
from .wrapping import cut, wrap

_BOLD = "1"

_STYLES: dict[Severity, str] = {"error": "31", "warning": "33", "info": "2"}

_LABELS: dict[Severity, str] = {"error": "ERROR", "warning": "WARNING", "info": "note"}


def render_text(document: Document, screen: Screen = PLAIN, *, files: Sequence[str] = ()) -> str:
    """The report; ``files`` are named at its end, beside the folder they lie in."""
    lines = _render_first(document, screen)
    for at, section in enumerate(document.sections):
        lines += _render_section(section, screen)
        lines += _explain(document, screen) if at == 0 else []
    facts = [f"{name}: {text}" for name, text in document.facts]
    lines += _blank_before([line for fact in facts for line in wrap(fact, screen.width, "", "    ")])
    lines += _blank_before(_name_files(document.folder, files, screen))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _render_first(document: Document, screen: Screen) -> list[str]:
    """What the first screen holds, and after it how the numbers came about."""
    errors = [notice for notice in document.warnings if notice.severity == "error"]
    others = [notice for notice in document.warnings if notice.severity != "error"]
    shown = document.headlines[:MOST_HEADLINES] or document.verdicts
    left = max(len(document.headlines) - MOST_HEADLINES, 0)
    told = _tell(shown, screen) + ([f"  {left} more under “Why”."] if left else [])
    lines = [_title(document, screen), *_list_notices(errors, screen), *_blank_before(told)]
    lines += _blank_before(render_picture(document.picture, screen) if document.picture else [])
    about = [text for text in (document.recorder, document.summary) if text]
    lines += _blank_before([line for text in about for line in wrap(text, screen.width)])
    return lines + _blank_before(_list_notices(others, screen))


def _title(document: Document, screen: Screen) -> str:
    about = f" — {document.about}" if document.about else ""
    return screen.paint(cut(f"{document.title}{about}", screen.width), _BOLD)


def _tell(texts: Sequence[str], screen: Screen) -> list[str]:
    return [paint_verdicts(line, screen) for text in texts for line in wrap(text, screen.width, "• ", "  ")]


def _blank_before(lines: list[str]) -> list[str]:
    return ["", *lines] if lines else []


def _list_notices(notices: Sequence[Notice], screen: Screen) -> list[str]:
    return [
        screen.paint(line, _STYLES[notice.severity])
        for notice in notices
        for line in wrap(f"{_LABELS[notice.severity]}: {notice.text}", screen.width)
    ]


def _name_files(folder: str, files: Sequence[str], screen: Screen) -> list[str]:
    if not folder:
        return []
    return [f"Files: {folder}", *(wrap(", ".join(files), screen.width, "  ") if files else [])]


def _explain(document: Document, screen: Screen) -> list[str]:
    """Why, after the first table."""
    if not document.in_full:
        return []
    lines = ["", screen.paint("Why", _BOLD)]
    for explanation in document.in_full:
        lines.append(cut(f"[{explanation.title}]", screen.width))
        lines += _tell(explanation.sentences, screen)
    return lines


def _render_section(section: Section, screen: Screen) -> list[str]:
    lines: list[str] = []
    for table in section.tables:
        if any(row.main for row in table.rows):
            title = screen.paint(cut(table.title, screen.width), _BOLD)
            lines += ["", title, *render_table(table, screen)]
    return lines
