"""Fill docs/definitions.md with the glossary that reports explain their terms from.

python tools/document_words.py
"""

from __future__ import annotations

import re
from pathlib import Path

from flopprof.reports.render.glossary import write_glossary

PAGE = Path(__file__).parents[1] / "docs" / "definitions.md"

TABLE = re.compile(r"(?<=\n)\| word \| meaning \|\n(?:\|.*\n)+")


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(TABLE.sub(lambda _: write_glossary(), page, count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
