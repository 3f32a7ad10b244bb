"""Examples in docstrings are true, wherever there are some."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
from pathlib import Path

import pytest

FOLDERS = ("scenarios", "profiler", "analysis", "reports")


def modules_with_examples() -> list[str]:
    found: list[str] = []
    for folder in FOLDERS:
        spec = importlib.util.find_spec(f"flopprof.{folder}")
        assert spec is not None
        assert spec.origin is not None
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*.py")):
            if ">>>" in path.read_text(encoding="utf-8"):
                found.append(".".join(("flopprof", folder, *path.relative_to(root).with_suffix("").parts)))
    return found


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_in_docstrings_are_true(name: str):
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
