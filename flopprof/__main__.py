# pyright: strict
"""``python -m flopprof`` is the command ``flopprof``."""

from __future__ import annotations

from flopprof.profiler.commands.app import app

if __name__ == "__main__":
    app(prog_name="flopprof")
