# pyright: strict
"""Equal FLOPs — why is one twice as slow? What a program, a script or a notebook needs of flopprof.

>>> import flopprof
>>> @flopprof.annotate(flops=lambda n: 2 * n**2 - n)
... def matvec(n): return n
>>> matvec(3)
3
>>> flopprof.run("outer", overrides={"n": [1000, 4000]})     # doctest: +SKIP
>>> flopprof.analyze("trace.nsys-rep").kernels               # doctest: +SKIP
>>> flopprof.compare("before.sqlite", "after.sqlite").pairs  # doctest: +SKIP

Names are loaded on first use, so that annotating a program brings none of flopprof's dependencies but nvtx.
"""

from __future__ import annotations

from importlib import import_module
from os.path import dirname, isdir, join

TYPE_CHECKING = False  # typing takes longer to import than all the rest of it; type checkers know the name

if TYPE_CHECKING:
    from flopprof import analysis as analysis
    from flopprof import profiler as profiler
    from flopprof import reports as reports
    from flopprof import scenarios as scenarios
    from flopprof.profiler.annotation.ranges import annotate
    from flopprof.profiler.annotation.steps import mark_step
    from flopprof.profiler.annotation.torch_modules import annotate_torch
    from flopprof.profiler.flops.registry import register_flops
    from flopprof.reports.notebook import Comparison, Run, Trace
    from flopprof.scenarios.errors import FlopprofError

    from .verbs import analyze, compare, run

    __version__: str

__all__ = [
    "Comparison",
    "FlopprofError",
    "Run",
    "Trace",
    "__version__",
    "analyze",
    "annotate",
    "annotate_torch",
    "compare",
    "mark_step",
    "register_flops",
    "run",
]

_FOLDERS = ("scenarios", "profiler", "analysis", "reports")

_HOMES = {
    "Comparison": "reports.notebook",
    "FlopprofError": "scenarios.errors",
    "Run": "reports.notebook",
    "Trace": "reports.notebook",
    "analyze": "verbs",
    "annotate": "profiler.annotation.ranges",
    "annotate_torch": "profiler.annotation.torch_modules",
    "compare": "verbs",
    "mark_step": "profiler.annotation.steps",
    "register_flops": "profiler.flops.registry",
    "run": "verbs",
}

# In a checkout the folders lie beside this one, where Python may find it first; installed they lie in it.
if not isdir(join(dirname(__file__), _FOLDERS[0])):
    __path__.append(dirname(dirname(__file__)))


if not TYPE_CHECKING:  # a type checker shall tell what is not there

    def __getattr__(name: str) -> object:
        """Public names and the four folders, on first use."""
        if name == "__version__":
            return import_module("flopprof.profiler.machine.version").installed_version()
        if name in _FOLDERS:
            return import_module(f"flopprof.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"flopprof.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_FOLDERS})
