"""``python -m flopprof.profiler`` is the command ``flopprof``."""

from __future__ import annotations

from .commands.app import app

if __name__ == "__main__":
    app(prog_name="flopprof")
