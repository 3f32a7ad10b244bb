# pyright: strict
"""``python -m flopprof`` is the command ``flopprof``."""

from __future__ import annotations

from flopprof.profiler.__main__ import main

if __name__ == "__main__":
    main()
