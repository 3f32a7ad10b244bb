"""Bring the shipped JSON schemas (profiler/schemas/*.json) up to date with the code that they are derived from.

python tools/write_schemas.py
"""

from __future__ import annotations

import json
from pathlib import Path

from flopprof.profiler.schemas.documents import DOCUMENTS, schema_of
from flopprof.profiler.schemas.shipped import SUFFIX

FOLDER = Path(__file__).resolve().parents[1] / "profiler" / "schemas"


def make_texts() -> dict[str, str]:
    """The files by their names."""
    return {
        f"{name}{SUFFIX}": f"{json.dumps(schema_of(name), indent=1, ensure_ascii=False)}\n"
        for name in DOCUMENTS
    }


def main() -> None:
    texts = make_texts()
    for path in FOLDER.glob(f"*{SUFFIX}"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
