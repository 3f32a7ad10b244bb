"""Options of `analyze` and `compare` that speak of one trace, given many: passed on, or refused in one line."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.attribution.steady_instances import Instances
from flopprof.analysis.errors import CompareError, RanksError, TraceError
from flopprof.profiler.commands.analyze import AnalyzeRequest, analyze, analyze_many
from flopprof.profiler.commands.compare import CompareRequest, compare
from flopprof.profiler.terminal.workers import Workers
from running.commands import run_here

TRACES = [DATA / f"torch_axis{axis}.sqlite.xz" for axis in range(2)]


@pytest.mark.parametrize(
    ("options", "named"),
    [({"range_glob": "*"}, "--range"), ({"skip": 1}, "--skip"), ({"every": True}, "--all")],
)
def test_what_chooses_in_one_trace_is_refused_of_several(options: dict[str, object], named: str) -> None:
    request = AnalyzeRequest(trace=TRACES[0], **options)  # pyright: ignore[reportArgumentType]
    with pytest.raises(RanksError, match=f"^{named} "):
        analyze_many(TRACES, request, Workers(jobs=1))


@pytest.mark.parametrize(
    "options", [{"wanted": Instances(every=True)}, {"wanted": Instances(skip=3)}, {"domains": ("NCCL",)}]
)
def test_what_chooses_ranges_is_refused_of_folders_of_ranks(
    options: dict[str, object], tmp_path: Path
) -> None:
    for rank in range(2):
        shutil.copy(DATA / "ranks" / f"strag_rank{rank}.sqlite.xz", tmp_path)
    request = CompareRequest(a=str(tmp_path), b=str(tmp_path), **options)  # pyright: ignore[reportArgumentType]
    with pytest.raises(CompareError, match="folders of ranks"):
        compare(request)


def test_analyze_and_compare_refuse_steps_to_skip_of_all() -> None:
    first, second = map(str, TRACES)
    with pytest.raises(TraceError, match=r"--all .* --skip .*: give one of them$"):
        analyze(AnalyzeRequest(trace=TRACES[0], skip=1, every=True))
    with pytest.raises(CompareError, match=r"--all .* --skip .*: give one of them$"):
        compare(CompareRequest(a=first, b=second, wanted=Instances(skip=1, every=True)))


@pytest.mark.parametrize(("given", "before"), [((), "'"), (("--csv-raw",), "")])
def test_names_like_formulas_are_text_in_every_csv_unless_raw(
    given: tuple[str, ...], before: str, tmp_path: Path
) -> None:
    folder = tmp_path / "=cmd"
    folder.mkdir()
    for trace in TRACES:
        shutil.copy(trace, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        run_here("analyze", "=cmd", "--jobs", "1", "--csv", tmp_path / "csv", *given)
    with (tmp_path / "csv" / "traces.csv").open(encoding="utf-8", newline="") as file:
        assert [row["trace"] for row in csv.DictReader(file)] == [
            f"{before}=cmd/{trace.name}" for trace in TRACES
        ]
