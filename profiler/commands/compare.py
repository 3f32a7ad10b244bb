"""`flopprof compare`: two sides, or the steps of one, and whether the second is slower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...analysis.attribution.steady_instances import Instances
from ...analysis.compare.comparability import refuse_caveats
from ...analysis.compare.compare import Comparison, compare_by, compare_sides
from ...analysis.compare.gate import Gate, judge_gate
from ...analysis.compare.sides import STEADY, FindRun, Side, SideName, parse_side, read_side
from ...analysis.errors import CompareError
from ...analysis.programs.folder_kind import is_job_folder
from ...analysis.ranks.naming import find_traces, is_rank_set
from ...analysis.store.address import run_finder
from ...analysis.store.place import DEFAULT_STORE
from ...reports.comparison.gate_line import annotate_pull_request, describe_gate
from ...reports.document.format import ComparisonFormat, Format
from ...reports.render.screen import PLAIN, Screen
from ..terminal.outcome import tell_written


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
    fail_undecided: bool = False
    strict: bool = False
    wanted: Instances = STEADY
    format: ComparisonFormat = "text"
    out: Path | None = None
    screen: Screen = PLAIN
    force: bool = False
    """Whether files in ``out`` may be overwritten."""
    store: Path = DEFAULT_STORE
    """Where runs are found by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOutcome:
    """What came of it."""

    report: str
    gate: str | None
    """One line: what --fail-above and --fail-undecided found; None without them."""
    fails: bool
    """Whether they fail."""


def compare(request: CompareRequest) -> CompareOutcome:
    """Compare, render, and write if asked. Raises CompareError, TraceError, RunError."""
    comparison = _compare(request)
    if request.strict:
        refuse_caveats(comparison.comparable)
    asked = request.fail_above is not None or request.fail_undecided
    gate = judge_gate(comparison, request.fail_above, fail_undecided=request.fail_undecided)
    if request.out is not None:
        from ...reports.comparison.compose import write_comparison

        written = write_comparison(comparison, request.out, gate if asked else None, force=request.force)
        tell_written(written)
    if request.format == "github":
        return CompareOutcome(report=annotate_pull_request(comparison, gate), gate=None, fails=gate.fails)
    report = _render(comparison, gate if asked else None, request.format, request.screen)
    return CompareOutcome(report=report, gate=describe_gate(gate) if asked else None, fails=gate.fails)


def _render(comparison: Comparison, gate: Gate | None, format: Format, screen: Screen) -> str:
    if format == "json":
        from ...reports.data.comparison_json import comparison_to_json
        from ...reports.render.json_text import render_json

        return render_json(comparison_to_json(comparison, gate))
    from ...reports.comparison.compose import render_comparison

    return render_comparison(comparison, format, screen, gate=gate)


def _compare(request: CompareRequest) -> Comparison:
    if sum(value is not None for value in (request.b, request.by, request.baseline)) != 1:
        raise CompareError(
            "give two sides, A and B, or one with --by NAME or --baseline NAME; see 'flopprof compare --help'"
        )
    if request.by is not None and request.maps:
        raise CompareError("--map pairs the ranges of two traces; with --by NAME there is only one side")
    if request.fail_above is not None and not request.fail_above >= 0:
        raise CompareError(f"--fail-above must be at least 0, got {request.fail_above:g}")
    if request.wanted.skip is not None and request.wanted.every:
        raise CompareError("--all compares every instance and --skip leaves some out: give one of them")
    domains, find_run = request.domains or None, run_finder(request.store)
    names = _name_sides(request, find_run)
    if len(names) > 1 and any(_is_rank_set(name) for name in names):
        return _compare_ranks(request, names)
    read = partial(read_side, find_run=find_run, domains=domains, wanted=request.wanted)
    one = read(request.a)
    if request.by is not None:
        return compare_by(one, request.by)
    if request.baseline is not None:
        baseline = read(request.baseline, by_name=True)
        return compare_sides(baseline, one, request.maps)
    assert request.b is not None
    return compare_sides(one, read(request.b), request.maps)


def _name_sides(request: CompareRequest, find_run: FindRun) -> list[SideName]:
    if request.baseline is not None:
        return [parse_side(request.baseline, find_run, by_name=True), parse_side(request.a, find_run)]
    return [parse_side(side, find_run) for side in (request.a, request.b) if side is not None]


def _compare_ranks(request: CompareRequest, names: Sequence[SideName]) -> Comparison:
    if request.wanted != STEADY or request.domains:
        raise CompareError(
            "--domain, --exact-names, --skip and --all choose ranges of traces; folders of ranks are compared by the "
            "steps that their ranks share"
        )
    first, second = map(_read_ranks, names)
    return compare_sides(first, second, request.maps)


def _is_rank_set(name: SideName) -> bool:
    return is_rank_set(name.path) or is_job_folder(name.path)


def _read_ranks(name: SideName) -> Side:
    """A folder with the traces of a job's ranks. Raises CompareError for what is none: two of a kind are compared."""
    if not _is_rank_set(name):
        raise CompareError(
            f"{name.text}: is no folder with the traces of a job's ranks, as the other side is"
        )
    from ...analysis.compare.rank_sides import read_rank_side
    from ..terminal.workers import Workers, open_engine, show_traces

    paths = find_traces([name.path])
    with (
        open_engine(Workers(), paths) as engine,
        show_traces(lambda task: paths[task % len(paths)].name, 2 * len(paths)) as listen,
    ):
        return read_rank_side(name, engine, listen)
