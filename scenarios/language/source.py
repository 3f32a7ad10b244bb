"""A YAML file as plain data that remembers the line of every value.

Only plain YAML is read: no aliases (they can be made to explode), no duplicate keys, at most 256 KiB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.reader import ReaderError

from ..errors import ScenarioError

LARGEST_FILE_BYTES = 256 * 1024

DEEPEST_NESTING = 50

UNREADABLE = (ValueError, LookupError, AttributeError, ArithmeticError)
"""What PyYAML lets through for a scalar that is not of its written or guessed type."""

Loc = tuple[str | int, ...]
"""The way to a value: mapping keys and list positions from the top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A scenario file's data, and where each part of it was written."""

    path: str
    data: dict[str, Any]
    root: yaml.MappingNode
    overrides: Mapping[Loc, str] = field(default_factory=dict)
    """The ``--set`` text that replaced the value at a place."""

    def error(self, loc: Loc, problem: str) -> ScenarioError:
        """The error for what stands at ``loc``: its ``--set`` if that put it there, else file and line."""
        for length in range(len(loc), 0, -1):
            if loc[:length] in self.overrides:
                return ScenarioError(f"--set {self.overrides[loc[:length]]}", None, problem)
        return ScenarioError(self.path, _walk(self.root, loc)[0], problem)

    def written(self, loc: Loc) -> str:
        """How the user would write the place: ``reps.count``, ``sweep.n[2]``.

        Parts of ``loc`` that the schema adds (the tag of a union) and the file does not have are left out,
        except the last, which may be what is missing.
        """
        if any(loc[:length] in self.overrides for length in range(1, len(loc) + 1)):
            return dotted(loc)
        return dotted(_walk(self.root, loc)[1])


def dotted(loc: Loc) -> str:
    """A place in one word.

    >>> dotted(("sweep", "n", 2))
    'sweep.n[2]'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def read_source(path: Path) -> Source:
    """Read one YAML mapping.

    Raises ScenarioError when the file cannot be read, is not UTF-8, is not YAML, or is not a mapping.
    """
    text = _read_text(path)
    try:
        loader = _PlainLoader(text)
        root = loader.get_single_node()
        if root is None:
            raise ScenarioError(path, None, "the file is empty; a scenario starts with 'name: …'")
        if not isinstance(root, yaml.MappingNode):
            raise ScenarioError(path, _line(root), "a scenario is a mapping (name: …, variants: …)")
        return Source(path=str(path), data=_mapping(path, loader, root, 0), root=root)
    except yaml.YAMLError as problem:
        raise ScenarioError(path, *_yaml_problem(problem, text)) from None
    except RecursionError:
        raise ScenarioError(path, None, "values are nested too deeply") from None


def parse_value(text: str) -> Any:
    """The plain YAML value in a ``--set``; a string where it is not YAML."""
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except (yaml.YAMLError, *UNREADABLE, RecursionError):
        return text


class _PlainLoader(yaml.SafeLoader):
    """The safe loader without aliases."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            problem = "YAML aliases are not supported; write the value out"
            raise ComposerError(None, None, problem, event.start_mark)
        return super().compose_node(parent, index)


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise ScenarioError(path, None, "this is a directory; name a scenario file inside it")
    if not path.exists():
        raise ScenarioError(path, None, "no such file; `flopprof scenarios` lists the shipped ones")
    if not path.is_file():
        raise ScenarioError(path, None, "this is not a regular file")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as problem:
        raise ScenarioError(path, None, f"cannot be read: {problem.strerror}") from None
    if len(content) > LARGEST_FILE_BYTES:
        raise ScenarioError(path, None, f"larger than {LARGEST_FILE_BYTES // 1024} KiB: not a scenario file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content[: problem.start].count(b"\n") + 1
        raise ScenarioError(path, line, "the file is not UTF-8 text") from None


def _mapping(path: Path, loader: _PlainLoader, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key = _scalar(path, loader, key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            shown = repr(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "a list or mapping"
            problem = f"a key must be text, got {shown}; put it in quotes"
            raise ScenarioError(path, _line(key_node), problem)
        if key in data:
            problem = f"'{key}' is written twice, first in line {lines[key]}"
            raise ScenarioError(path, _line(key_node), problem)
        lines[key] = _line(key_node)
        data[key] = _plain(path, loader, value_node, depth + 1)
    return data


def _plain(path: Path, loader: _PlainLoader, node: yaml.Node, depth: int) -> Any:
    if depth > DEEPEST_NESTING:
        raise ScenarioError(path, _line(node), "values are nested too deeply")
    if isinstance(node, yaml.MappingNode):
        return _mapping(path, loader, node, depth)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(path, loader, item, depth + 1) for item in node.value]
    return _scalar(path, loader, node)


def _scalar(path: Path, loader: _PlainLoader, node: yaml.Node) -> Any:
    try:
        return loader.construct_object(node)
    except UNREADABLE:
        problem = f"'{str(node.value)[:40]}' is not a value YAML knows"
        raise ScenarioError(path, _line(node), problem) from None


def _yaml_problem(problem: yaml.YAMLError, text: str) -> tuple[int | None, str]:
    """Line and sentence of a YAML error."""
    if isinstance(problem, ReaderError):
        position = problem.position if isinstance(problem.position, int) else 0
        return text[:position].count("\n") + 1, f"not YAML: {problem.reason}"
    if isinstance(problem, yaml.MarkedYAMLError):
        mark = problem.problem_mark or problem.context_mark
        why = " ".join(part for part in (problem.context, problem.problem) if part)
        return (mark.line + 1 if mark is not None else None), f"not YAML: {why}"
    return None, f"not YAML: {problem}"


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1


def _walk(node: yaml.Node, loc: Loc) -> tuple[int, Loc]:
    """The line of the deepest part of ``loc`` that was written, and the parts that were."""
    line, found = _line(node), []
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        child = _child(node, part)
        if child is None:
            found += [part] if last and isinstance(part, str) and part.isidentifier() else []
            continue
        if not last and isinstance(child[1], yaml.ScalarNode):
            continue  # the name of a function, where its mapping is meant
        line, node = child
        found.append(part)
    return line, tuple(found)


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return _line(key), value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return _line(node.value[part]), node.value[part]
    return None
