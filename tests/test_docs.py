"""The manual: every command and option is in it, its links lead somewhere, its examples run, its notebook too."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib
import pandas as pd
import pytest
from drawing.report_samples import gpu_run
from drawing.tree import ROOT
from flopprof.analysis.words import LAYERS
from flopprof.profiler.schemas.shipped import read_schema
from flopprof.reports.data.run_json import OP_KEYS, STEP_KEYS, run_to_json
from flopprof.reports.notebook import Comparison, Shown, Trace
from flopprof.scenarios.plan.expansion import expand_plan
from flopprof.scenarios.plan.load import load_scenario
from running.profiled_programs import FLOPPROF

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
OWN_PAGES = (
    *("README", "tutorial", "commands", "definitions", "formats", "troubleshooting"),
    *("your-own-program", "your-own-operations", "annotation-cost", "python", "ranks"),
    *("install", "agents", "ci-gate", "attribution"),
)
LINK = re.compile(r"\]\(([^)#\s]+)?(#[^)\s]+)?\)")


def load_tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


document_commands = load_tool("document_commands")
COMMANDS: dict[str, Any] = document_commands.list_commands()


def flopprof(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [*FLOPPROF, *arguments], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return done.stdout


def test_every_command_and_option_is_in_the_manual() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert document_commands.missing(page) == []
    assert document_commands.fill(page) == page, "run: python tools/document_commands.py"


def test_every_key_of_a_runs_json_is_in_the_manual() -> None:
    section = (DOCS / "formats.md").read_text(encoding="utf-8").partition("## `run --json`")[2]
    words = set(re.findall(r"\w+", section.partition("\n## ")[0]))
    plain = run_to_json(gpu_run())
    run_keys = {key for name in ("run", "machine") for key in plain[name]}
    assert {*plain, *run_keys, *STEP_KEYS, *OP_KEYS} - words == set()


@pytest.mark.parametrize("name", ["analyze", "ranks", "run", "compare", "doctor"])
def test_every_key_of_a_schema_and_of_its_rows_is_in_the_manual(name: str) -> None:
    page = (DOCS / "formats.md").read_text(encoding="utf-8")
    section = page.partition(f"## `{name} --json`")[2].partition("\n## ")[0]
    schema = json.loads(read_schema(name))
    keys: dict[str, dict[str, Any]] = schema["properties"]
    assert {key for key in keys if f'"{key}"' not in section} == set()
    rows = {inner for key in keys.values() for inner in key.get("items", {}).get("properties", {})}
    assert rows - {f"{layer}_ns" for layer in LAYERS} - set(re.findall(r"\w+", page)) == set()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_what_it_is_for_and_shows_an_example(name: str) -> None:
    help_text = COMMANDS[name].help or ""
    assert re.search(rf"^\s*Example: flopprof {name}\b", help_text, re.MULTILINE), help_text
    assert all(parameter.help for parameter in COMMANDS[name].params if parameter.name != "help")
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    section = page.split(f"## flopprof {name}\n")[1].split("\n## ")[0]
    assert re.search(rf"^flopprof {name}\b", section, re.MULTILINE)


@pytest.mark.parametrize("name", OWN_PAGES)
def test_links_of_the_manual_lead_somewhere(name: str) -> None:
    page = DOCS / f"{name}.md"
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file = (DOCS / target) if target else page
        assert file.exists(), f"{name}.md links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
            assert anchor.removeprefix("#") in slugs, f"{name}.md links to {target}{anchor}"


@pytest.mark.parametrize("name", OWN_PAGES)
def test_commands_in_the_manual_exist(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            match = re.match(r"flopprof (\w+)(.*)", line.split("#")[0])
            if match is None:
                continue
            known = {option for parameter in COMMANDS[match[1]].params for option in parameter.opts}
            own = match[2].split(" -- ")[0]
            used = re.findall(r"(?<=\s)--[a-z-]+", own)
            assert set(used) <= known, line


def test_completion_is_printed() -> None:
    script = flopprof("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_FLOPPROF" in script.upper()
    assert "complete" in script


def test_completion_offers_commands() -> None:
    words = {"COMP_WORDS": "flopprof pro", "COMP_CWORD": "1"}
    code = "from flopprof.profiler.commands.app import app; app(prog_name='flopprof')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **words, "_FLOPPROF_COMPLETE": "complete_bash"},
    )
    assert done.stdout.split() == ["profile"]


@pytest.mark.slow
def test_the_example_of_ones_own_operations_runs(tmp_path: Path) -> None:
    out = flopprof(
        *(
            "run",
            str(DOCS / "examples" / "row_scale.yaml"),
            "--recorder=embedded",
            f"--out={tmp_path / 'run'}",
        ),
        *("--set", "backends=numpy", "--set", "n=64", "--json"),
    )
    steps = json.loads(out)["steps"]
    assert [(step["variant"], step["status"], step["flops"], step["bytes"]) for step in steps] == [
        ("broadcast", "done", 64**2, 4 * (2 * 64**2 + 64)),
        ("expanded", "done", 64**2, 4 * (2 * 64**2 + 64)),
    ]


def test_the_example_in_the_manual_is_the_file() -> None:
    page = (DOCS / "your-own-operations.md").read_text(encoding="utf-8")
    assert (DOCS / "examples" / "row_scale.yaml").read_text(encoding="utf-8") in page


def test_the_gpu_example_plans_each_kernel_with_its_library() -> None:
    scenario = load_scenario(str(DOCS / "examples" / "row_scale_gpu.yaml"))
    steps = expand_plan(scenario, lambda backend, device: None).steps
    assert {(step.variant, step.backend) for step in steps} == {
        *(("broadcast", "torch"), ("broadcast", "cupy"), ("triton", "torch"), ("cupy", "cupy")),
    }


def run_cell(source: str, names: dict[str, Any]) -> object:
    """Run a cell as a notebook does: the value of a last expression is what it shows."""
    tree = ast.parse(source)
    last = tree.body[-1]
    if not isinstance(last, ast.Expr):
        exec(compile(tree, "<cell>", "exec"), names)
        return None
    exec(compile(ast.Module(tree.body[:-1], []), "<cell>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_it_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("Agg")
    monkeypatch.chdir(DOCS)
    notebook = json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    shown = [
        value
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and (value := run_cell("".join(cell["source"]), names)) is not None
    ]
    assert [type(value).__name__ for value in shown] == [
        *("Trace", "DataFrame", "DataFrame", "Comparison", "DataFrame", "Run", "DataFrame"),
    ]
    for value in shown:
        html = value._repr_html_()  # pyright: ignore[reportAttributeAccessIssue]
        assert "<table" in html
    assert all(len(frame) for frame in shown if isinstance(frame, pd.DataFrame))
    assert names["axes"][0].get_ylabel() == "time of a rep, µs"
    matplotlib.pyplot.close("all")  # pyright: ignore[reportAttributeAccessIssue]


def test_names_from_traces_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = Trace(ROOT / "tests" / "data" / "torch_axis0.sqlite.xz")
    document = trace._document
    monkeypatch.setattr(
        trace,
        "_document",
        type(document)(
            **{
                **{name: getattr(document, name) for name in document.__slots__},
                "title": "<script>alert(1)</script>",
            }
        ),
    )
    assert "<script>" not in trace._repr_html_()
    assert "&lt;script&gt;" in trace._repr_html_()


def test_unknown_tables_and_figures_name_the_known_ones() -> None:
    comparison: Shown = Comparison(*(ROOT / "tests" / "data" / f"cupy_axis{n}.sqlite.xz" for n in (0, 1)))
    with pytest.raises(AttributeError, match="has no 'steps'; its tables are pairs, kernels"):
        _ = comparison.steps
    with pytest.raises(KeyError, match="no figure 'time' of this; there is: "):
        comparison.plot("time")


def test_the_tables_of_a_trace_are_its_json() -> None:
    trace = Trace(ROOT / "tests" / "data" / "torch_axis0.sqlite.xz")
    data = trace.analysis.to_json()
    for name in ("windows", "ranges", "range_kernels", "kernels", "copies"):
        assert len(trace.frames[name]) == len(data[name])
    assert trace.kernels["total_ns"].sum() == sum(row["total_ns"] for row in data["kernels"])
    assert trace.owners["ns"].sum() == sum(window["wall_ns"] for window in data["windows"])
