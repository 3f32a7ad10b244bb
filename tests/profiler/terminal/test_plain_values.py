"""Plain values are taken without pydantic; what is wrong with others is said by typer as ever."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from drawing.stored_runs import record_sample
from drawing.tree import DATA
from flopprof.profiler.commands.app import app, leave_one_command
from flopprof.profiler.terminal.plain_values import take_plain_values


class Refused(Exception):
    pass


class Parameter(SimpleNamespace):
    """Of typer's parameters what is looked at; its own conversion refuses."""

    def get_runtime_param(self) -> Any:
        raise Refused


def parameter(annotation: Any, *, multiple: bool = False, **limits: Any) -> Any:
    """A parameter as typer makes them."""
    free: dict[str, Any] = {
        "exists": False,
        "resolve_path": False,
        "writable": False,
        "path_type": None,
        "parser": None,
    }
    info = SimpleNamespace(
        **{**free, "file_okay": True, "dir_okay": True, "min": None, "max": None, **limits}
    )

    made = Parameter(
        type_descriptor=SimpleNamespace(annotation=annotation, parameter_info=info),
        multiple=multiple,
        nargs=1,
    )
    return take_plain_values([made])[0]


def take(one: Any, value: object) -> object:
    return one.get_runtime_param().coerce(value, one, None)


def test_plain_values_are_what_typer_makes_of_them():
    assert take(parameter(str), "a") == "a"
    assert take(parameter(Path), "a/b") == Path("a/b")
    assert take(parameter(list[Path], multiple=True), ("a", "b")) == [Path("a"), Path("b")]
    assert take(parameter(list[str], multiple=True), None) == ()
    assert take(parameter(int), None) is None
    assert take(parameter(int, min=0), 0) == 0
    assert take(parameter(Literal["text", "html"]), "html") == "html"


@pytest.mark.parametrize(
    ("kind", "limits", "value"),
    [
        (int, {}, "3"),
        (int, {"min": 1}, 0),
        (str, {"parser": int}, "3"),
        (Path, {"exists": True}, "a"),
        (Literal["text", "html"], {}, "pdf"),
        (list[int], {}, ("1",)),
    ],
)
def test_what_is_not_plain_is_left_to_typer(kind: Any, limits: dict[str, Any], value: object):
    with pytest.raises(Refused):
        take(parameter(kind, **limits), value)


def test_a_name_too_long_for_a_file_is_a_plain_path():
    assert take(parameter(Path), "a" * 5_000) == Path("a" * 5_000)


@pytest.mark.parametrize(
    "words", [["--version"], ["--help"], ["runs"], ["show", "run-1"], ["show", "run-1", "--json"]]
)
def test_a_command_that_analyzes_nothing_loads_nothing_heavy(words: list[str], tmp_path: Path):
    record_sample(str(tmp_path), 1)
    code = (
        "import sys\nfrom flopprof.profiler.__main__ import main\ntry: main()\n"
        "finally: print({'numpy', 'pandas', 'pydantic', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *words],
        env={**os.environ, "FLOPPROF_STORE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("words", [[], ["rusn"], ["--version"], ["import"], ["runs"], ["--help"]])
def test_of_all_commands_only_the_one_typed_is_left(words: list[str], monkeypatch: pytest.MonkeyPatch):
    every = app.registered_commands
    monkeypatch.setattr(app, "registered_commands", every)
    leave_one_command(words)
    left = [one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands]
    assert left == words if words in (["import"], ["runs"]) else app.registered_commands == every


@pytest.mark.parametrize(
    ("command", "allowed"), [("analyze", set()), ("compare", {"scipy"})], ids=["analyze", "compare"]
)
def test_traces_are_read_without_what_only_runs_need(command: str, allowed: set[str]):
    """pydantic and scipy take longer to load than a small trace to be read; a rank test needs the latter."""
    trace = str(DATA / "streams.sqlite.xz")
    code = (
        "import sys\nfrom flopprof.profiler.__main__ import main\ntry: main()\n"
        "finally: print(sorted({'torch', 'matplotlib', 'pydantic', 'scipy', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, command, trace, *([trace] if command == "compare" else [])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(ast.literal_eval(done.stdout.splitlines()[-1])) <= allowed
