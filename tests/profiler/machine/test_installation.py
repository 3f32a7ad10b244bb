"""What to type for more of flopprof, by how it was installed."""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions
from pathlib import Path
from typing import Any, cast

import pytest
from drawing.tree import ROOT
from flopprof.profiler.machine.installation import Installation, find_installation
from flopprof.profiler.terminal.missing_packages import NEEDED, tell_missing

REQUIRES = ["numpy>=1.26", 'torch>=2.2; extra == "torch"', "mcp<3,>=2.0; extra == 'mcp'"]
WHEEL = {"url": "file:///x/flopprof-0.1.0-py3-none-any.whl", "archive_info": {}}
GIT: dict[str, Any] = {"url": "https://example.org/f.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
AT_TAG = {**GIT, "vcs_info": {**GIT["vcs_info"], "requested_revision": "v1"}}
EDITABLE = {"url": "file:///home/me/my%20checkout", "dir_info": {"editable": True}}
FOLDER = {"url": "file:///home/me/checkout", "dir_info": {}}


class Installed:
    """A distribution with these files beside it."""

    requires = REQUIRES

    def __init__(self, origin: dict[str, Any] | str | None, installer: str = "pip\n") -> None:
        text = origin if isinstance(origin, str) or origin is None else json.dumps(origin)
        self._files = {"direct_url.json": text, "INSTALLER": installer}

    def read_text(self, name: str) -> str | None:
        return self._files[name]


def found(distribution: Installed, prefix: Path) -> Installation:
    from dataclasses import replace

    return replace(find_installation(lambda: cast(Any, distribution), prefix), python="python")


@pytest.mark.parametrize(
    ("origin", "installer", "command"),
    [
        (None, "pip", "python -m pip install 'flopprof[torch]'"),
        (WHEEL, "pip", "python -m pip install 'flopprof[torch] @ file:///x/flopprof-0.1.0-py3-none-any.whl'"),
        (FOLDER, "pip", "python -m pip install 'flopprof[torch] @ file:///home/me/checkout'"),
        (EDITABLE, "pip", "python -m pip install -e '/home/me/my checkout[torch]'"),
        (GIT, "pip", "python -m pip install 'flopprof[torch] @ git+https://example.org/f.git'"),
        (AT_TAG, "pip", "python -m pip install 'flopprof[torch] @ git+https://example.org/f.git@v1'"),
        (None, "uv", "uv pip install --python python 'flopprof[torch]'"),
        (EDITABLE, "uv", "uv pip install --python python -e '/home/me/my checkout[torch]'"),
        ("no JSON", "pip", "python -m pip install 'flopprof[torch]'"),
        ("[]", "pip", "python -m pip install 'flopprof[torch]'"),
    ],
)
def test_an_extra_is_added_the_way_flopprof_came(
    origin: dict[str, Any] | str | None, installer: str, command: str, tmp_path: Path
) -> None:
    assert found(Installed(origin, f"{installer}\n"), tmp_path).with_extra("torch") == command


@pytest.mark.parametrize(
    ("mark", "origin", "command"),
    [
        ("pipx_metadata.json", None, "pipx inject flopprof 'torch>=2.2'"),
        ("pipx_metadata.json", EDITABLE, "pipx inject flopprof 'torch>=2.2'"),
        ("uv-receipt.toml", None, "uv tool install --with 'torch>=2.2' flopprof"),
        (
            "uv-receipt.toml",
            GIT,
            "uv tool install --with 'torch>=2.2' 'flopprof @ git+https://example.org/f.git'",
        ),
        (
            "uv-receipt.toml",
            EDITABLE,
            "uv tool install --with 'torch>=2.2' --editable '/home/me/my checkout'",
        ),
    ],
)
def test_a_tools_own_environment_is_added_to_by_the_tool(
    mark: str, origin: dict[str, Any] | None, command: str, tmp_path: Path
) -> None:
    (tmp_path / mark).write_text("")
    assert found(Installed(origin, "uv\n"), tmp_path).with_extra("torch") == command


def test_a_tree_that_was_never_installed_is_a_checkout(tmp_path: Path) -> None:
    def fail() -> Any:
        raise PackageNotFoundError("flopprof")

    installation = find_installation(fail, tmp_path)
    assert installation.folder is not None
    assert (installation.folder / "profiler" / "machine" / "installation.py").is_file()


def test_packages_beside_it_go_into_its_environment(tmp_path: Path) -> None:
    assert found(Installed(WHEEL), tmp_path).with_packages("nvtx<0.3") == "python -m pip install 'nvtx<0.3'"


def test_every_dependency_that_may_be_missing_is_known() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {line.split(">")[0].strip().lower() for line in project["dependencies"]}
    known = packages_distributions()
    assert {known[name][0].lower() for name in NEEDED} == wanted


def test_a_missing_dependency_is_one_line_and_another_module_is_a_bug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert tell_missing(ModuleNotFoundError("no pandas", name="pandas.core"))
    told = capsys.readouterr().err
    assert told.startswith(
        "flopprof: the package of 'pandas' is not installed, which this needs; install it by: "
    )
    assert told.count("\n") == 1
    assert not tell_missing(ModuleNotFoundError("no x", name="flopprof.nonsense"))
    assert capsys.readouterr().err == ""
