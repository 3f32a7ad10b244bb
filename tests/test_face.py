# pyright: strict
"""`import flopprof`: what it brings, what it does not, and how its verbs are called from a script or a notebook."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import assert_type

import flopprof
import pytest
from drawing.tree import DATA, ROOT
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.reports.notebook import Comparison, Run, Trace

FOLDERS = ("scenarios", "profiler", "analysis", "reports")
HEAVY = ("torch", "pandas", "numpy", "matplotlib", "scipy", "pydantic", "typer", "rich", "nvtx")
IS_TREE = (ROOT / "flopprof").is_dir()
QUICK: dict[str, list[int] | str | int] = {"devices": "cpu", "backends": "numpy", "n": [32], "reps.count": 5}
STEPS = ("matvec numpy cpu float32 n=32", "outer_sum numpy cpu float32 n=32")


def python(*arguments: str, folder: Path, path: str = "") -> str:
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_importing_it_brings_none_of_its_dependencies(tmp_path: Path) -> None:
    code = f"import sys, flopprof; print([name for name in {HEAVY} if name in sys.modules])"
    assert python("-c", code, folder=tmp_path) == "[]\n"


def test_annotating_with_it_brings_nvtx_alone(tmp_path: Path) -> None:
    code = (
        "import sys, flopprof\n"
        "@flopprof.annotate\n"
        "def f(): flopprof.mark_step()\n"
        f"f(); print([name for name in {HEAVY} if name in sys.modules])"
    )
    # From 0.2.12 on nvtx loads numpy itself, where it is installed.
    assert python("-c", code, folder=tmp_path) in ("['nvtx']\n", "['numpy', 'nvtx']\n", "['nvtx', 'numpy']\n")


def test_every_name_is_there_and_listed() -> None:
    assert {*flopprof.__all__, *FOLDERS} <= set(dir(flopprof))
    assert {
        name: getattr(flopprof, name).__module__.split(".")[1] for name in flopprof.__all__ if name[0] != "_"
    } == {
        **dict.fromkeys(("Comparison", "Run", "Trace"), "reports"),
        **dict.fromkeys(("annotate", "annotate_torch", "mark_step", "register_flops"), "profiler"),
        **dict.fromkeys(("run", "analyze", "compare"), "verbs"),
        "FlopprofError": "scenarios",
    }
    with pytest.raises(AttributeError, match="module 'flopprof' has no attribute 'analyse'"):
        _ = flopprof.analyse  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue, reportUnknownVariableType]


def test_the_manual_has_every_name_and_every_option() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    table = page.split("|---|---|\n")[1].split("\n\n")[0]
    named = re.findall(r"`(\w+)(?:\([^)]*\))?`", "".join(line.split("|")[1] for line in table.splitlines()))
    assert set(named) == set(flopprof.__all__) - {"Trace", "Comparison"}
    options = {
        name for verb in (flopprof.run, flopprof.compare) for name in inspect.signature(verb).parameters
    }
    assert options - {"scenario", "a", "b"} - set(re.findall(r"\w+", page)) == set()


def test_the_analysis_folder_names_its_entrances() -> None:
    analysis = import_module("flopprof.analysis")
    assert flopprof.analysis is analysis
    assert analysis.analyze_file is analyze_file
    assert set(analysis.__all__) <= set(dir(analysis))
    with pytest.raises(AttributeError, match=r"module 'flopprof\.analysis' has no attribute 'analyse_file'"):
        _ = analysis.analyse_file


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    assert python("-m", "flopprof", "--version", folder=tmp_path) == f"flopprof {flopprof.__version__}\n"
    assert "Usage: flopprof " in python("-m", "flopprof", "--help", folder=tmp_path)


NO_INSTALL = (
    "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f).lower()]\n"
    "import flopprof, flopprof.analysis.words\n"
    "from flopprof.profiler import annotate\n"
    "print(getattr(flopprof, '__file__', None) is not None, flopprof.analysis.words.FORMAT)"
)


@pytest.mark.skipif(not IS_TREE, reason="the source is out of the way: what is tested is the wheel")
def test_it_works_in_a_checkout_and_linked_without_an_install(tmp_path: Path) -> None:
    for folder in FOLDERS:
        (tmp_path / "flopprof").mkdir(exist_ok=True)
        (tmp_path / "flopprof" / folder).symlink_to(ROOT / folder)
    is_package, is_namespace = "True 1\n", "False 1\n"
    assert python("-c", NO_INSTALL, folder=ROOT) == is_package
    assert python("-c", NO_INSTALL, folder=tmp_path.parent, path=str(ROOT)) == is_package
    assert python("-c", NO_INSTALL, folder=tmp_path.parent, path=str(tmp_path)) == is_namespace
    assert python("-c", NO_INSTALL, folder=ROOT, path=str(tmp_path)) == is_package


@pytest.fixture(scope="module")
def announced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[str]]:
    lines: list[str] = []
    out = tmp_path_factory.mktemp("face") / "run"
    run = flopprof.run("smoke", overrides=QUICK, recorder="embedded", out=out, announce=lines.append)
    return run, lines


def test_a_run_comes_back_as_an_object(announced: tuple[Run, list[str]]) -> None:
    run, _ = announced
    assert [(step.label, step.status) for step in run.result.steps] == [(label, "done") for label in STEPS]
    assert run.result.run.status == "complete"
    assert list(run.steps["flops"]) == [2 * 32**2 - 32] * 2
    folder = Path(run.result.folder)
    assert (folder / "report.txt").read_text(encoding="utf-8").splitlines()[0] == str(run).splitlines()[0]
    assert repr(Run(folder)) == repr(run)


def test_a_run_tells_only_whom_it_was_given(announced: tuple[Run, list[str]]) -> None:
    _, lines = announced
    assert [line for line in lines if not line.startswith("this machine is busy")] == [
        "embedded recorder: asked for; GPU activity is not recorded, that needs Nsight Systems (make nsys)",
        *(f"{label} ({word})" for word in ("untraced", "traced") for label in STEPS),
    ]


def test_a_run_prints_nothing_and_needs_no_main_thread(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(lambda: flopprof.run("smoke", overrides=QUICK, recorder="embedded")).result()
    assert capfd.readouterr() == ("", "")
    assert repr(flopprof.Run("smoke@latest")) == repr(run)


def test_an_interrupted_run_says_how_to_go_on_and_does(tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        if line == f"{STEPS[1]} (untraced)":
            raise KeyboardInterrupt

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt, match=f"go on with: flopprof run --resume {out}$"):
        flopprof.run("smoke", overrides=QUICK, recorder="embedded", out=out, announce=interrupt)
    assert Run(out).result.run.status == "interrupted"
    run = flopprof.run(resume=out)
    assert [step.status for step in run.result.steps] == ["done", "done"]


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda: flopprof.run(), TypeError, "give a scenario, or resume=RUN"),
        (lambda: flopprof.run(resume="x", out="y"), TypeError, "give a scenario, or resume=RUN"),
        (
            lambda: flopprof.run("outre"),
            flopprof.FlopprofError,
            "no shipped scenario of that name; did you mean",
        ),
        (
            lambda: flopprof.run("outer", overrides={"n": []}),
            flopprof.FlopprofError,
            "--set n=: write it NAME=VALUE",
        ),
        (lambda: flopprof.analyze("no.sqlite"), flopprof.FlopprofError, "no.sqlite: no such file"),
        (lambda: flopprof.analyze(DATA), flopprof.FlopprofError, "is a folder without a trace"),
        (lambda: flopprof.compare("no.sqlite", DATA), flopprof.FlopprofError, "no such run or trace"),
        (lambda: flopprof.compare("a"), TypeError, "give two sides, or one side and by=NAME"),
        (lambda: flopprof.compare("a", "b", by="n"), TypeError, "give two sides, or one side and by=NAME"),
    ],
)
def test_what_is_wrong_is_told(wrong: Callable[[], object], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        wrong()
    assert words in str(caught.value)


def test_what_is_read_already_compares_as_its_file_does(announced: tuple[Run, list[str]]) -> None:
    run, _ = announced
    files = [DATA / f"cupy_axis{axis}.sqlite.xz" for axis in (0, 1)]
    traces = [flopprof.analyze(file) for file in files]
    assert repr(flopprof.compare(*traces)) == repr(flopprof.compare(*files))
    assert repr(flopprof.compare(run, by="variant")) == repr(
        flopprof.compare(run.result.folder, by="variant")
    )
    with pytest.raises(flopprof.FlopprofError, match="one is a run, the other a trace"):
        flopprof.compare(run, traces[0])


def test_strict_refuses_sides_that_are_hard_to_compare() -> None:
    sides = [DATA / f"graph_{mode}.sqlite.xz" for mode in ("node", "graph")]
    assert len(flopprof.compare(*sides).pairs)
    with pytest.raises(flopprof.FlopprofError, match=r"^not comparable: "):
        flopprof.compare(*sides, strict=True)


def test_a_runs_only_trace_is_meant_by_its_folder(announced: tuple[Run, list[str]]) -> None:
    run, _ = announced
    folder = Path(run.result.folder)
    trace = flopprof.analyze(folder, range_glob="rep")
    assert trace.analysis.trace.path == folder / "shards" / "numpy-cpu" / "trace.sqlite"
    assert set(trace.windows["range"]) == {"rep"}


def marked(n: int) -> int:
    return n


def test_types_are_what_a_checker_is_told() -> None:
    """Checked where types are; run, it shows that the forms exist."""
    assert_type(flopprof.annotate(marked)(3), int)
    assert_type(flopprof.annotate("part", flops=1, color="green")(marked)(3), int)
    part: AbstractContextManager[object] = flopprof.annotate("part")
    with part, flopprof.mark_step() as step:
        step.end()
    verbs: tuple[Callable[..., Run], Callable[..., Trace], Callable[..., Comparison]]
    verbs = (flopprof.run, flopprof.analyze, flopprof.compare)
    assert_type(flopprof.__version__, str)
    assert len(verbs) == 3
