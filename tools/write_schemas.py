"""Bring the shipped JSON schemas (profiler/schemas/*.json) up to date with the code that they are derived from.

python tools/write_schemas.py          rewrite
python tools/write_schemas.py --check  exit 1 when it would change something
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from flopprof.profiler.schemas.documents import DOCUMENTS, schema_of
from flopprof.profiler.schemas.shipped import SUFFIX

FOLDER = Path(__file__).resolve().parents[1] / "profiler" / "schemas"


def write_texts() -> dict[str, str]:
    """The files by their names."""
    return {
        f"{name}{SUFFIX}": f"{json.dumps(schema_of(name), indent=1, ensure_ascii=False)}\n"
        for name in DOCUMENTS
    }


def main() -> int:
    texts = write_texts()
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob(f"*{SUFFIX}")}
    if "--check" in sys.argv:
        return int(found != texts)
    for name in found.keys() - texts.keys():
        (FOLDER / name).unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
