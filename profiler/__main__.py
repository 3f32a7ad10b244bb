"""``python -m flopprof.profiler`` is the command ``flopprof``."""

from .cli import app

if __name__ == "__main__":
    app(prog_name="flopprof")
