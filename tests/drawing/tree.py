"""Where the tree lies, and the traces and runs recorded for its tests."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
SHARED = ROOT.parent / "shared" / "traces"
"""Further recorded traces, where they were put beside the tree."""
