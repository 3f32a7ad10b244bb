"""``python -m flopprof.profiler`` is the command ``flopprof``."""

from __future__ import annotations

from .commands.main import main

if __name__ == "__main__":
    main()
