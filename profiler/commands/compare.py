"""`flopprof compare`: two sides, or the steps of one, and whether the second is slower."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...analysis.compare.comparability import refuse_caveats
from ...analysis.compare.compare import Comparison, compare_by, compare_sides, find_slower
from ...analysis.compare.sides import read_side
from ...analysis.errors import CompareError
from ...analysis.runs.place import DEFAULT_STORE
from ...analysis.store.address import run_finder
from ...reports.comparison.compose import render_comparison, write_comparison
from ...reports.document.format import Format


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """What the user asked for."""

    a: str
    b: str | None = None
    by: str | None = None
    baseline: str | None = None
    """A run of the store by tag or id: it is A, and ``a`` is B."""
    maps: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    fail_above: float | None = None
    strict: bool = False
    format: Format = "text"
    out: Path | None = None
    store: Path = DEFAULT_STORE
    """Where runs are found by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOutcome:
    """What came of it."""

    report: str
    is_slower: bool
    """Whether --fail-above was given and exceeded."""


def compare(request: CompareRequest) -> CompareOutcome:
    """Compare, render, and write if asked. Raises CompareError, TraceError, RunError."""
    comparison = _compare(request)
    if request.strict:
        refuse_caveats(comparison.comparable)
    if request.out is not None:
        write_comparison(comparison, request.out)
    slower = request.fail_above is not None and bool(find_slower(comparison, request.fail_above))
    return CompareOutcome(report=render_comparison(comparison, request.format), is_slower=slower)


def _compare(request: CompareRequest) -> Comparison:
    if sum(value is not None for value in (request.b, request.by, request.baseline)) != 1:
        raise CompareError(
            "give two sides, A and B, or one with --by NAME or --baseline NAME; see 'flopprof compare --help'"
        )
    if request.by is not None and request.maps:
        raise CompareError("--map pairs the ranges of two traces; with --by NAME there is only one side")
    if request.fail_above is not None and not request.fail_above >= 0:
        raise CompareError(f"--fail-above must be at least 0, got {request.fail_above:g}")
    domains, find_run = request.domains or None, run_finder(request.store)
    one = read_side(request.a, find_run, domains)
    if request.by is not None:
        return compare_by(one, request.by)
    if request.baseline is not None:
        baseline = read_side(request.baseline, find_run, domains, by_name=True)
        return compare_sides(baseline, one, request.maps)
    assert request.b is not None
    return compare_sides(one, read_side(request.b, find_run, domains), request.maps)
