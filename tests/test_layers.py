"""Imports point one way: between folders, between the rooms of a folder, and never into torch from analysis."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

ORDER: dict[str, tuple[tuple[str, ...], ...]] = {
    # From the ground up; rooms of one line are neighbours and do not know each other.
    "scenarios": (("errors",), ("operations",), ("language",), ("plan",), ("libraries",), ("checking",)),
    "analysis": (
        *(
            ("words", "errors", "plain"),
            ("arithmetic", "sqlite"),
            ("export", "kineto"),
            ("trace",),
            ("attribution",),
        ),
        *(("evidence",), ("breakdown",), ("runs",), ("explain",), ("compare", "store")),
    ),
    "reports": (
        *(
            ("document",),
            ("data",),
            ("charts",),
            ("render",),
            ("run", "trace", "comparison", "kept"),
            ("notebook",),
        ),
    ),
    "profiler": (
        *(
            ("errors", "annotation"),
            ("machine",),
            ("recorders",),
            ("worker",),
            ("capture", "program", "doctor"),
        ),
        *(("commands",), ("__main__",)),
    ),
}
FOLDERS = {"scenarios": set(), "analysis": {"scenarios"}, "reports": {"analysis"}}
FOLDERS["profiler"] = {"scenarios", "analysis", "reports"}
WORKLOADS = {"torch", "cupy", "cupyx", "nvtx"}
MAY_LOAD_WORKLOADS = {"scenarios.libraries", "profiler.worker", "profiler.annotation"}


def source_folder() -> Path:
    """Where the four folders lie: the tree, or the installed package."""
    spec = find_spec("flopprof.scenarios")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parents[1]


ROOT = source_folder()


def room_of(module: tuple[str, ...]) -> tuple[str, str]:
    return module[0], module[1] if len(module) > 1 else "__init__"


def imports(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    here = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level]
            yield node.lineno, (*base, *(node.module or node.names[0].name).split("."))
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, ("", *(node.module or "").split("."))
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, ("", *alias.name.split("."))) for alias in node.names)


def test_imports_point_one_way() -> None:
    wrong: list[str] = []
    for folder, floors in ORDER.items():
        height = {room: floor for floor, rooms in enumerate(floors) for room in rooms}
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.name == "__init__.py" and path.parent.name == folder:
                continue
            mine = room_of(path.relative_to(ROOT).with_suffix("").parts)
            for line, module in imports(path):
                place = f"{path.relative_to(ROOT)}:{line}"
                if module[0] == "":
                    if module[1] in WORKLOADS and ".".join(mine) not in MAY_LOAD_WORKLOADS:
                        wrong.append(f"{place}: {module[1]} is loaded outside {sorted(MAY_LOAD_WORKLOADS)}")
                    continue
                theirs = room_of(module)
                if theirs[0] != folder:
                    if theirs[0] not in FOLDERS[folder]:
                        wrong.append(f"{place}: {folder} imports {theirs[0]}")
                elif theirs[1] != mine[1] and height[theirs[1]] >= height[mine[1]]:
                    wrong.append(f"{place}: {mine[1]} imports {'.'.join(module[1:])}")
    assert wrong == []


def test_every_room_has_a_place_and_a_package() -> None:
    for folder, floors in ORDER.items():
        rooms = {
            path.stem
            for path in (ROOT / folder).iterdir()
            if path.suffix == ".py" or (path / "__init__.py").exists()
        }
        assert rooms - {"__init__"} == {room for floor in floors for room in floor}, folder


def test_the_folders_do_not_know_the_package_they_are_in() -> None:
    """Linked into a plain folder, without an install, they are a namespace and work all the same."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ORDER
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, module in imports(path)
        if module[:2] == ("", "flopprof") or (module[0] and module[0] not in ORDER)
    ]
    assert wrong == []
