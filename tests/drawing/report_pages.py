"""The HTML files of the hand-made results, each drawn once for all tests of a process."""

from __future__ import annotations

from functools import cache

from flopprof.reports.run.publish import render

from drawing.report_samples import ALL


@cache
def page_of(name: str) -> str:
    return render(ALL[name](), "html")
