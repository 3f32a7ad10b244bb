"""Imports point one way, between folders and between the rooms of a folder, and each thing has one place.

A rule that a tool does not hold is broken by the third person who does not know it.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

import flopprof
import pytest
from flopprof.analysis import words

ORDER: dict[str, tuple[tuple[str, ...], ...]] = {
    # From the ground up; rooms of one line are neighbours and do not know each other.
    "scenarios": (("errors",), ("operations",), ("language",), ("plan",), ("libraries",), ("checking",)),
    "analysis": (
        *(
            ("words", "errors", "plain", "files"),
            ("arithmetic", "sqlite", "engine", "processes", "codes"),
            ("tables",),
            ("export", "kineto", "packing"),
            ("samples", "hardware"),
            ("trace",),
            ("attribution",),
            ("labelling",),
        ),
        *(("evidence",), ("breakdown",), ("timeline",)),
        *(("runs", "ranks", "many"), ("programs",), ("explain", "archives"), ("compare", "store")),
    ),
    "reports": (
        *(
            ("document",),
            ("data",),
            ("charts",),
            ("render",),
            ("contest",),
            ("run", "trace", "comparison", "kept", "ranks"),
            ("program",),
            ("notebook",),
        ),
    ),
    "profiler": (
        *(
            ("errors", "flops", "inside"),
            ("annotation",),
            ("machine",),
            ("recorders",),
            ("worker",),
            ("capture", "program", "doctor"),
            ("schemas", "serving"),
            ("terminal",),
        ),
        *(("commands",), ("__main__",)),
    ),
}
FOLDERS = {"scenarios": set(), "analysis": {"scenarios"}, "reports": {"analysis"}}
FOLDERS["profiler"] = {"scenarios", "analysis", "reports"}
WORKLOADS = {"torch", "cupy", "cupyx", "nvtx"}
MAY_LOAD_WORKLOADS = {
    *("scenarios.libraries", "profiler.worker", "profiler.flops", "profiler.annotation"),
    "profiler.inside",
}


def source_folder() -> Path:
    """Where the four folders lie: the tree, or the installed package."""
    spec = find_spec("flopprof.scenarios")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parents[1]


ROOT = source_folder()
PACKAGE = Path(flopprof.__file__).parent

KNOWN: dict[str, tuple[str, ...]] = {
    # What a room may know of flopprof besides itself, where that is less than its floor allows.
    "profiler.annotation": ("analysis.words", "profiler.flops.", "profiler.inside."),
    "profiler.worker": (
        *("analysis.words", "analysis.runs.records", "analysis.runs.ceilings", "analysis.runs.writing"),
        "analysis.kineto.range_tables",
        *(
            "scenarios.",
            "profiler.annotation.",
            "profiler.inside.",
            "profiler.machine.",
            "profiler.recorders.",
        ),
    ),
}
UNKNOWN: dict[str, tuple[str, ...]] = {
    "analysis": ("scenarios.libraries.", "scenarios.checking."),
    "reports": ("analysis.sqlite.", "analysis.export.", "analysis.trace."),
}
MOST_FILES, MOST_LINES = 15, 320
PROCESSES = {"profiler.worker.main", "profiler.worker.ceilings", "profiler.program.begin_program"}
"""Modules that are run as processes of their own, so that their arguments are not the user's."""
ALONE = "profiler.program.python_sampler"
"""It runs inside anyone's program, where flopprof need not be installed."""
MAY_READ_WORDS = PROCESSES | {"profiler.__main__"}
"""And where the command line begins, which makes only the command that it names."""
PROTOCOL = {
    *("STEP_PREFIX", "CALL_COSTS", "COUNTED_OP", "NO_FLOPS_MARK"),
    *("EMBEDDED", "CLOCK_ORIGIN", "DEVICE_RECORDER", "CLOCK_RESIDUAL", "OUT_OF_TIME"),
}
"""Words of analysis/words.py that mean nothing else, so that a second spelling of one can be told."""
BY_NAME = {"import_module", "__import__", "run_module", "spec_from_file_location"}
MAY_IMPORT_BY_NAME = {
    # What is not flopprof's, and cannot be imported by a statement that a type checker would understand.
    *(
        "scenarios.libraries.cupy_backend",
        "scenarios.operations.user_function",
        "profiler.annotation.nvtx_domain",
    ),
}
OPEN = {"flopprof.__init__", "analysis.__init__", "profiler.__init__"}
"""Packages whose public names are loaded on first use; every other one is a room and no more."""
ONE_NOUN = {
    # Names that several rooms give a module, and the one thing that all of those are about.
    "analyze": "the analysis of one trace: computed, and asked for on the command line",
    "ceilings": "what a device was seen to reach: measured, kept and shown",
    "compare": "the comparison of two sides: computed, and asked for on the command line",
    "compose": "from numbers to a document, once for each thing that a report is about",
    "counting": "the pass that counts: a shard's steps seen through it, and the one rep that a worker makes in it",
    "cpu_use": "what the operating system charges for a rep: taken by a worker, and read as figures",
    "errors": "the failures of a folder that a user can act on",
    "evidence": "what a run gathers beside time: chosen before it, and set beside its steps after it",
    "figures": "the figures of a report as data, once for each report that has any",
    "folder": "a folder of the store, read: of a run of a scenario, and of a recorded program",
    "gpu_metrics": "samples of a whole GPU: asked of Nsight Systems, and read from its exports",
    "history": "a scenario through the runs of a store: gathered, and shown",
    "judging": "what to doubt once something was read: of a whole trace, and of figures made of its samples",
    "machine": "this machine: asked what it can run, and examined for what a run needs",
    "many_traces": "independent traces as one table: computed, and composed",
    "nsys": "the installed Nsight Systems: found and used, and examined by recording for real",
    "quality": "what to know before believing a number: of a trace, and of a run of several traces",
    "run": "a run of a scenario: captured, and watched from a terminal",
    "sampling": "the pass that samples: a shard through it, and the loops that a worker makes in it",
    "screen": "how wide a text may be and whether in colour: said, and found out of a terminal",
    "sentences": "what a report says in words, once for each thing that a report is about",
}


def room_of(module: tuple[str, ...]) -> tuple[str, str]:
    return module[0], module[1] if len(module) > 1 else "__init__"


def sources() -> Iterator[tuple[str, Path]]:
    """Every module by its name without flopprof, and those of the package itself with it."""
    for path in sorted(PACKAGE.glob("*.py")):
        yield f"flopprof.{path.stem}", path
    for folder in ORDER:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(line, path of each imported name); what is not flopprof's begins with an empty part."""
    here = path.relative_to(ROOT).with_suffix("").parts
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (*here[: len(here) - node.level], *(node.module.split(".") if node.module else ()))
            yield from ((node.lineno, (*base, alias.name)) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, ("", *(node.module or "").split("."))
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, ("", *alias.name.split("."))) for alias in node.names)


def test_imports_point_one_way() -> None:
    wrong: list[str] = []
    for folder, floors in ORDER.items():
        height = {room: floor for floor, rooms in enumerate(floors) for room in rooms}
        top = height["__init__"] = len(floors)  # the folder's public names, which are of any of its rooms
        for path in sorted((ROOT / folder).rglob("*.py")):
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
                elif theirs[1] != mine[1] and height.get(theirs[1], top) >= height[mine[1]]:
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


def test_some_rooms_know_less_than_their_floor_allows() -> None:
    wrong: list[str] = []
    for name, path in sources():
        for room, known in KNOWN.items():
            allowed = (f"{room}.", *known)
            wrong += [
                f"{name}:{line} imports {'.'.join(module)}"
                for line, module in imports(path)
                if name.startswith(f"{room}.") and module[0] and not ".".join(module).startswith(allowed)
            ]
        for folder, unknown in UNKNOWN.items():
            wrong += [
                f"{name}:{line} imports {'.'.join(module)}"
                for line, module in imports(path)
                if name.startswith(f"{folder}.") and ".".join(module).startswith(unknown)
            ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    names = {name for name, _ in sources()}
    knows = {
        name: {".".join(found) for _, module in imports(path) for found in (module, module[:-1])} & names
        for name, path in sources()
    }
    while free := [name for name, known in knows.items() if not known & knows.keys()]:
        for name in free:
            del knows[name]
    assert knows == {}


def test_what_is_imported_by_its_name_is_no_way_around_these_rules() -> None:
    wrong = [
        f"{name}:{node.lineno} {ast.unparse(node)}"
        for name, path in sources()
        if name not in OPEN | MAY_IMPORT_BY_NAME
        for node in nodes(path)
        if isinstance(node, (ast.Name, ast.Attribute)) and ast.unparse(node).split(".")[-1] in BY_NAME
    ]
    assert wrong == []


def test_packages_load_their_public_names_on_first_use_only() -> None:
    wrong = [
        f"{name}: {ast.unparse(node)}"
        for name, path in sources()
        if name in OPEN
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and ast.unparse(node).split()[1].split(".")[0] not in sys.stdlib_module_names
    ]
    assert wrong == []
    for folder in ORDER:
        package = import_module(f"flopprof.{folder}")
        own = [getattr(package, name).__module__ for name in getattr(package, "__all__", ())]
        assert [module for module in own if not module.startswith(f"flopprof.{folder}.")] == []


def test_the_words_that_worker_annotations_and_analysis_share_are_spelled_once() -> None:
    shared = {value: name for name, value in vars(words).items() if name in PROTOCOL}
    assert len(shared) == len(PROTOCOL)
    wrong = [
        f"{name}:{node.lineno} {node.value!r} is words.{shared[node.value]}"
        for name, path in sources()
        if name != "analysis.words"
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in shared
    ]
    assert wrong == []


def test_a_tables_cells_come_from_its_columns() -> None:
    """Cells that are listed beside the columns stand one to the right as soon as a column is added."""
    wrong = [
        f"{name}:{node.lineno} makes a {node.func.id}"
        for name, path in sources()
        if not name.startswith("reports.document.")
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("Column", "Row")
    ]
    assert wrong == []


def test_no_private_name_is_imported_from_another_module() -> None:
    wrong = [
        f"{name}:{node.lineno} {alias.name}"
        for name, path in sources()
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
        if alias.name.startswith("_")
    ]
    assert wrong == []


def test_a_rooms_init_holds_one_docstring_and_nothing_else() -> None:
    for name, path in sources():
        if path.name == "__init__.py" and name not in OPEN:
            (only,) = ast.parse(path.read_text(encoding="utf-8")).body
            assert isinstance(only, ast.Expr) and isinstance(only.value, ast.Constant), name


def test_no_room_is_too_full_and_no_file_too_long() -> None:
    tests = Path(__file__).parent.rglob("*.py")
    files = Counter(path.parent for path in (*(path for _, path in sources()), *tests))
    assert {str(room): count for room, count in files.items() if count > MOST_FILES} == {}
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in sources()}
    assert {name: count for name, count in lines.items() if count >= MOST_LINES} == {}


def test_modules_of_one_name_are_of_one_noun() -> None:
    names = Counter(name.rpartition(".")[2] for name, _ in sources())
    several = {name for name, count in names.items() if count > 1} - {"__init__", "__main__"}
    assert several == ONE_NOUN.keys()


@pytest.mark.parametrize("folder", ["flopprof", *(f"flopprof.{folder}" for folder in ORDER)])
def test_no_room_is_named_like_a_public_name_of_its_folder(folder: str) -> None:
    """Importing a room binds its name in the folder, and would hide the function of that name from then on."""
    package = import_module(folder)
    rooms = {found.name for found in iter_modules(package.__path__)}
    assert rooms
    assert rooms & set(getattr(package, "__all__", ())) == set()


def test_only_the_terminal_prints_and_reads_the_command_line() -> None:
    wrong: list[str] = []
    for name, path in sources():
        if name.startswith(("profiler.commands.", "profiler.terminal.")):
            continue
        for node in nodes(path):
            if isinstance(node, ast.Name) and node.id == "print":
                wrong.append(f"{name}:{node.lineno} prints")
            if (
                isinstance(node, ast.Attribute)
                and ast.unparse(node) == "sys.argv"
                and name not in MAY_READ_WORDS
            ):
                wrong.append(f"{name}:{node.lineno} reads sys.argv")
    assert wrong == []


def test_only_the_module_of_files_renames() -> None:
    wrong = [
        f"{name}:{node.lineno} {ast.unparse(node)}"
        for name, path in sources()
        if name not in ("analysis.files", ALONE)
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and renames(node, node.func)
    ]
    assert wrong == []


def renames(call: ast.Call, function: ast.Attribute) -> bool:
    """Whether it is os.replace and the like, or a method of a path, which takes one place; a text's takes two."""
    if ast.unparse(function.value) in ("os", "shutil"):
        return function.attr in ("rename", "renames", "replace", "move", "link")
    return function.attr in ("rename", "replace") and len(call.args) == 1 and not call.keywords
