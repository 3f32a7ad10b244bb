"""Private folders that killed processes left in TMPDIR go when flopprof is next started, whatever for."""

from __future__ import annotations

import contextlib
import os
import tempfile

from ...analysis.packing.private import PREFIX, remove_abandoned


def sweep_private_folders() -> None:
    """Remove what nobody holds any more; where nothing lies, this is one look into TMPDIR."""
    with contextlib.suppress(OSError):
        folder = tempfile.gettempdir()
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.startswith("flopprof-")]
        if any(name.startswith(PREFIX) for name in names):
            remove_abandoned()
        if any(name[len("flopprof-") :].partition("-")[0].isdigit() for name in names):
            from .folders import remove_abandoned_temporary

            remove_abandoned_temporary()
