"""`flopprof mcp` as an agent meets it: the SDK's own client, over the standard streams of the command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from drawing.tree import DATA
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.profiler.serving import server
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from running.commands import run_here
from running.profiled_programs import FLOPPROF
from running.schemas import faults

Call = tuple[str, dict[str, Any]]

A, B = "cupy_axis0.sqlite.xz", "cupy_axis1.sqlite.xz"


class Told:
    """What one call gave."""

    def __init__(self, text: str, *, is_error: bool) -> None:
        self.text, self.is_error = text, is_error

    @property
    def data(self) -> dict[str, Any]:
        assert not self.is_error, self.text
        return json.loads(self.text)


def ask(folder: Path, calls: Sequence[Call], *options: str) -> tuple[list[Any], list[Told]]:
    """The tools that a server of a folder has, and what it answers, all in one session."""

    async def talk() -> tuple[list[Any], list[Told]]:
        command = StdioServerParameters(
            command=FLOPPROF[0],
            args=[*FLOPPROF[1:], "mcp", str(folder), *options],
            cwd=str(folder),
            env={**os.environ},
        )
        async with Client(stdio_client(command)) as client:
            tools = (await client.list_tools()).tools
            told = [await client.call_tool(name, arguments) for name, arguments in calls]
        return tools, [Told(cast(Any, one.content[0]).text, is_error=bool(one.is_error)) for one in told]

    return anyio.run(talk)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two traces and a run."""
    folder = tmp_path_factory.mktemp("served") / "kept"
    folder.mkdir()
    for name in (A, B):
        shutil.copy(DATA / name, folder)
    with tarfile.open(DATA / "h200_sum_axes.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    (folder.parent / "secret.sqlite").write_text("secret")
    (folder / "link.sqlite").symlink_to(folder.parent / "secret.sqlite")
    return folder


@pytest.fixture(scope="module")
def session(folder: Path) -> tuple[list[Any], dict[str, Told]]:
    calls: dict[str, Call] = {
        "list": ("list_recordings", {}),
        "list of one": ("list_recordings", {"limit": 1}),
        "trace": ("analyze", {"path": A}),
        "table": ("analyze", {"path": A, "table": "kernels", "limit": 1000}),
        "range": ("analyze", {"path": A, "range": "*", "table": "windows", "limit": 3}),
        "run": ("analyze", {"path": "sum_axes", "table": "steps", "limit": 2}),
        "kernels": ("kernels_of_range", {"path": A, "range": "point n=8000*"}),
        "explained run": ("explain", {"a": "sum_axes"}),
        "explained sides": ("explain", {"a": "sum_axes", "by": "axis"}),
        "explained trace": ("explain", {"a": A}),
        "sides": ("compare", {"a": A, "b": B, "table": "pairs"}),
        "selection": ("compare", {"a": "sum_axes:axis=0", "b": "sum_axes:axis=1", "table": "pairs"}),
        "no range": ("kernels_of_range", {"path": A, "range": "nonsense"}),
        "no table": ("analyze", {"path": A, "table": "nonsense"}),
        "no side": ("compare", {"a": A}),
        "no file": ("analyze", {"path": "nonsense"}),
        "upwards": ("analyze", {"path": "../secret.sqlite"}),
        "upwards side": ("compare", {"a": A, "b": "../secret.sqlite:range=x"}),
        "absolute": ("explain", {"a": str(folder / A)}),
        "link": ("analyze", {"path": "link.sqlite"}),
        "many rows": ("analyze", {"path": A, "limit": 100_000}),
    }
    tools, told = ask(folder, list(calls.values()))
    return tools, dict(zip(calls, told, strict=True))


def test_every_tool_reads_only_and_describes_its_arguments(
    session: tuple[list[Any], dict[str, Told]],
) -> None:
    tools, _ = session
    assert [tool.name for tool in tools] == [
        *("list_recordings", "analyze", "explain", "compare", "kernels_of_range"),
    ]
    for tool in tools:
        assert tool.annotations.read_only_hint and not tool.annotations.destructive_hint
        assert tool.description
        assert all(one.get("description") for one in tool.input_schema["properties"].values())


def test_runs_and_traces_are_listed_without_what_lies_in_runs(
    session: tuple[list[Any], dict[str, Told]],
) -> None:
    listed = session[1]["list"].data
    assert [(row["path"], row["kind"]) for row in listed["recordings"]] == [
        (A, "trace"),
        (B, "trace"),
        ("sum_axes", "run"),
    ]
    assert listed["cut"] == []
    assert session[1]["list of one"].data["cut"] == [
        {"where": "recordings", "shown": 1, "of": 3, "ask": "offset=1"}
    ]


def test_an_analysis_is_that_of_the_command(folder: Path, session: tuple[list[Any], dict[str, Told]]) -> None:
    whole = json.loads(run_here("analyze", folder / A, "--json")[0])
    told = session[1]["trace"].data
    assert told["trace"] == {**whole["trace"], "path": A}
    assert (told["device_ns"], told["attributed_ns"]) == (whole["device_ns"], whole["attributed_ns"])
    assert session[1]["table"].data["kernels"] == whole["kernels"]
    windows = session[1]["range"].data
    assert [window["kind"] for window in windows["windows"]] == ["host"] * 3
    assert windows["cut"][-1]["of"] > 3
    document = {name: value for name, value in told.items() if name not in ("cut",)}
    assert [line for line in faults("analyze", document) if "required" in line] == []


def test_a_run_is_its_report(folder: Path, session: tuple[list[Any], dict[str, Told]]) -> None:
    whole = json.loads(run_here("report", folder / "sum_axes", "--format", "json")[0])
    assert session[1]["run"].data["steps"] == whole["steps"][:2]
    told = session[1]["explained run"].data
    assert [row["text"] for row in told["sentences"]]
    assert told["explanations"][0]["factors"] == whole["explanations"][0]["factors"]


def test_the_kernels_of_a_range_are_those_of_its_rows(
    folder: Path, session: tuple[list[Any], dict[str, Told]]
) -> None:
    rows = [
        row
        for row in analyze_file(folder / A).rows("range_kernels")
        if row["range"].startswith("point n=8000")
    ]
    assert session[1]["kernels"].data["range_kernels"] == sorted(rows, key=lambda row: -row["total_ns"])


def test_two_sides_are_compared_and_explained(
    folder: Path, session: tuple[list[Any], dict[str, Told]]
) -> None:
    whole = json.loads(run_here("compare", folder / A, folder / B, "--json")[0])
    pairs = session[1]["sides"].data["pairs"]
    assert [(pair["label"], pair["ratio"]) for pair in pairs] == [
        (pair["label"], pair["ratio"]) for pair in whole["pairs"][: len(pairs)]
    ]
    by_axis = json.loads(run_here("compare", folder / "sum_axes", "--by", "axis", "--json")[0])
    selected = session[1]["selection"].data["pairs"]
    assert [pair["ratio"] for pair in selected] == [pair["ratio"] for pair in by_axis["pairs"]]
    told = session[1]["explained sides"].data
    assert [one["ratio"] for one in told["explanations"]] == [one["ratio"] for one in by_axis["explanations"]]
    assert session[1]["explained trace"].data["sentences"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no range", "no range matches 'nonsense'; there is: "),
        ("no table", "there is no table 'nonsense' of this; there is: devices, quality,"),
        ("no side", "give two sides, a and b, or one side, a, and by"),
        ("no file", "'nonsense': no such file or folder here"),
        ("upwards", "'../secret.sqlite': leads upwards"),
        ("upwards side", "leads upwards"),
        ("absolute", "is an absolute path"),
        ("link", "link.sqlite is a symbolic link"),
        ("many rows", "less than or equal to 1000"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(
    session: tuple[list[Any], dict[str, Told]], name: str, words: str
) -> None:
    told = session[1][name]
    assert told.is_error
    assert words in told.text
    assert "Traceback" not in told.text


@pytest.mark.slow
def test_no_answer_is_larger_than_it_may_be(folder: Path, session: tuple[list[Any], dict[str, Told]]) -> None:
    assert max(len(told.text) for told in session[1].values()) <= 24_000
    _, told = ask(folder, [("analyze", {"path": A}), ("explain", {"a": "sum_axes"})], "--characters", "4000")
    assert [len(one.text) <= 4000 and bool(one.data["cut"]) for one in told] == [True, True]


def test_without_the_sdk_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "find_spec", lambda _: None)
    out, err = run_here("mcp", tmp_path, code=2)
    assert out == ""
    assert err.startswith("flopprof: flopprof mcp needs the MCP SDK, version 2; install it by: ")
    assert err.count("\n") == 1
    assert "[mcp]" in err


def test_what_is_no_folder_is_one_line(tmp_path: Path) -> None:
    place = tmp_path / "nothing"
    remedy = "give one that holds runs and traces, such as flopprof-runs"
    assert run_here("mcp", place, code=2)[1] == f"flopprof: {place}: is no folder; {remedy}\n"


def test_it_ends_when_its_client_has_gone(tmp_path: Path) -> None:
    done = subprocess.run(
        [*FLOPPROF, "mcp", str(tmp_path)], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")
