"""JSON Schema of a type: of the dataclasses, records and annotations that a document is made of.

What an attribute is told to be in the code is its description here, so that nothing is written twice.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from textwrap import dedent
from types import NoneType, UnionType
from typing import Literal, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from ...analysis.plain import written_fields
from ...analysis.runs.records import Machine, RunInfo, SkippedStep, Surroundings
from .key_words import describe_key

Schema = dict[str, object]

Fields = dict[str, Schema]
"""The keys of an object."""

_NAMES = {"string": str, "integer": int, "number": float, "boolean": bool, "null": NoneType}

_LATE = {kind.__name__: kind for kind in (Machine, RunInfo, SkippedStep, Surroundings)}
"""Names that annotations use and their modules load for type checkers alone."""


def of_type(kind: object) -> Schema:
    """The schema of an annotation. Raises TypeError for what JSON has no word for."""
    for name, plain in _NAMES.items():
        if kind is plain:
            return {"type": name}
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType):
        return _either([of_type(one) for one in arguments])
    if origin is tuple and arguments[-1:] != (...,):
        size = len(arguments)
        return {
            "type": "array",
            "items": _either(map(of_type, arguments)),
            "minItems": size,
            "maxItems": size,
        }
    if origin in (list, tuple, Sequence):
        return array_of(of_type(arguments[0]))
    if origin in (dict, Mapping):
        return map_of(of_type(arguments[1]))
    if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, BaseModel)):
        return object_of(fields_of(kind), inspect.cleandoc(kind.__doc__ or ""))
    raise TypeError(f"no JSON Schema for {kind!r}")


def _either(schemas: Iterable[Schema]) -> Schema:
    """One of several; plain types are listed as such."""
    found = list(schemas)
    each = [one for at, one in enumerate(found) if one not in found[:at]]
    if len(each) == 1:
        return each[0]
    if all(one.keys() == {"type"} for one in each):
        return {"type": [one["type"] for one in each]}
    return {"anyOf": each}


def array_of(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


def map_of(values: Schema) -> Schema:
    """An object whose keys are names of the reader's own."""
    return {"type": "object", "additionalProperties": values}


def or_null(schema: Schema) -> Schema:
    """The same, or unknown."""
    return _either([schema, {"type": "null"}])


def object_of(fields: Fields, about: str = "") -> Schema:
    """An object of which every key is always there."""
    described = {name: _described(name, schema) for name, schema in fields.items()}
    head: Schema = {"type": "object", "description": about} if about else {"type": "object"}
    return {**head, "properties": described, "required": list(fields)}


def _described(name: str, schema: Schema) -> Schema:
    """A key's schema with what it means: its own words, then what its name says of its unit."""
    own, unit = str(schema.get("description", "")), describe_key(name, is_number=_is_number(schema))
    told = " ".join(text for text in (own, "" if unit in own else unit) if text)
    return {**schema, "description": told} if told else schema


def _is_number(schema: Schema) -> bool:
    """Whether it is one, or numbers by name, or null."""
    if "additionalProperties" in schema:
        return _is_number(cast(Schema, schema["additionalProperties"]))
    kind = schema.get("type")
    kinds = cast("list[str]", kind) if isinstance(kind, list) else [kind]
    return "const" in schema or bool({"integer", "number"} & {*kinds})


def fields_of(record: type, only: Sequence[str] | None = None) -> Fields:
    """The keys of a dataclass or a record, all or some in this order, with its attributes' docstrings."""
    hints = get_type_hints(record, localns=_LATE)
    every = record.model_fields if issubclass(record, BaseModel) else written_fields(record)
    names = list(every) if only is None else only
    told = _attribute_docstrings(record)
    return {name: said(of_type(hints[name]), told.get(name, "")) for name in names}


def said(schema: Schema, about: str) -> Schema:
    """A schema with a description of its own."""
    return {**schema, "description": about} if about else schema


def pick(fields: Fields, names: Iterable[str]) -> Fields:
    """Some of the keys, in this order."""
    return {name: fields[name] for name in names}


def _attribute_docstrings(record: type) -> dict[str, str]:
    (tree,) = ast.parse(dedent(inspect.getsource(record))).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for line, following in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(line, ast.AnnAssign) and isinstance(following, ast.Expr):
            value = following.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[ast.unparse(line.target)] = " ".join(value.value.split())
    return found


def typed(**kinds: object) -> Fields:
    """Keys with the schemas of their types."""
    return {name: of_type(kind) for name, kind in kinds.items()}
