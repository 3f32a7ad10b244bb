"""What is shipped: every room, what lies beside the code, and the types."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module, resources
from importlib.metadata import entry_points, version
from pathlib import Path

import flopprof
import pytest
from drawing.tree import ROOT

FOLDERS = ("flopprof", "scenarios", "profiler", "analysis", "reports")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
STRICT = ("profiler/__init__.py", "analysis/__init__.py", "reports/notebook.py", "scenarios/errors.py")


def find_folder(name: str) -> Path:
    """Where a folder is installed: in the tree, or in the wheel's package."""
    return Path(str(resources.files("flopprof" if name == "flopprof" else f"flopprof.{name}")))


def test_the_packages_are_the_folders_that_have_an_init() -> None:
    found = ["flopprof"]
    for name in FOLDERS[1:]:
        folder = find_folder(name)
        rooms = (file.parent.relative_to(folder).parts for file in folder.rglob("__init__.py"))
        found += [".".join(("flopprof", name, *parts)) for parts in rooms]
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted(found)


def test_the_version_and_the_command_are_those_of_the_project() -> None:
    assert flopprof.__version__ == version("flopprof") == PROJECT["project"]["version"]
    (script,) = entry_points(group="console_scripts", name="flopprof")
    assert f"{script.module}:{script.attr}" == PROJECT["project"]["scripts"]["flopprof"]
    assert callable(script.load())


def test_what_lies_beside_the_code_is_found_where_it_is_installed() -> None:
    assert (find_folder("flopprof") / "py.typed").is_file()
    assert (find_folder("scenarios") / "outer.yaml").is_file()
    assert (find_folder("reports") / "render" / "templates" / "report.html.j2").is_file()


def test_the_public_modules_say_that_they_are_strict() -> None:
    own = sorted(find_folder("flopprof").glob("*.py"))
    annotation = sorted((find_folder("profiler") / "annotation").glob("[a-z]*.py"))
    others = [find_folder(name.partition("/")[0]) / name.partition("/")[2] for name in STRICT]
    files = {*own, *annotation, *others, *homes_of_public_names()}
    assert [file.name for file in files if not file.read_text("utf-8").startswith("# pyright: strict")] == []


def homes_of_public_names() -> set[Path]:
    """The modules of the functions and classes that the package and the folders name."""
    packages = [flopprof, *(import_module(f"flopprof.{name}") for name in FOLDERS[1:])]
    public = [
        getattr(one, name) for one in packages for name in getattr(one, "__all__", ()) if name[0] != "_"
    ]
    return {Path(str(import_module(one.__module__).__file__)) for one in public}


@pytest.mark.skipif(
    not (ROOT / "flopprof").is_dir(), reason="the source is out of the way: this is the wheel"
)
def test_the_wheel_holds_every_file_of_the_folders_and_no_other(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    expected = {
        str(Path("flopprof") / file.relative_to(tree / "flopprof" if name == "flopprof" else tree))
        for name in FOLDERS
        for file in (tree / name).rglob("*")
        if file.is_file()
    }
    build = [
        sys.executable,
        "-m",
        "build",
        "-q",
        "--wheel",
        "--no-isolation",
        f"--outdir={tmp_path}",
        str(tree),
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if ".dist-info/" not in name}
    assert names == expected
