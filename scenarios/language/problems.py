"""What pydantic found wrong with a scenario file, in the words of its author."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ..errors import ScenarioError
from .schema import OP_NAMES, FunctionSpec, OpSpec, Reps, ScenarioFile, Variant, suggest
from .source import Loc, Source

_NOUNS = {
    "int": "a whole number",
    "float": "a number",
    "string": "text",
    "bool": "true or false",
    "dict": "a mapping",
    "model": "a mapping",
    "tuple": "a list",
    "list": "a list",
}


def scenario_error(source: Source, error: ValidationError) -> ScenarioError:
    """The first problem as one line; the others usually follow from it."""
    first = min(error.errors(), key=_unknown_keys_first)
    loc: Loc = tuple(first["loc"])
    if first["type"] == "extra_forbidden":
        known = _known_keys(loc)
        return source.error(loc, f"unknown key '{source.written(loc)}'{suggest(str(loc[-1]), known)}")
    return source.error(loc, f"{source.written(loc)} {_sentence(first)}")


def explain_record(error: ValidationError) -> str:
    """What is wrong with a JSON file of flopprof's own, in one clause: its place, and what it must be."""
    first = min(error.errors(include_url=False), key=_unknown_keys_first)
    place = ".".join(str(part) for part in first["loc"]) or "the file"
    if first["type"] == "extra_forbidden":
        return f"{place} is an unknown key"
    return f"{place} {_sentence(first)}"


def _unknown_keys_first(error: Any) -> bool:
    """A misspelt key also makes the right one missing; the misspelling is what to show."""
    return error["type"] != "extra_forbidden"


def _sentence(error: Any) -> str:
    kind, given, context = str(error["type"]), error["input"], error.get("ctx", {})
    return _describe(kind, given, context)


def _describe(kind: str, given: Any, context: Mapping[str, Any]) -> str:
    noun = _NOUNS.get(kind.removesuffix("_type").removesuffix("_parsing"))
    if noun is not None and kind.endswith(("_type", "_parsing")):
        return f"must be {noun}, got {_shown(given)}"
    match kind:
        case "missing":
            return "is missing"
        case "literal_error":
            choices = context["expected"].replace("'", "")
            return f"must be {choices}, got {_shown(given)}"
        case "greater_than_equal":
            return f"must be at least {context['ge']:g}, got {_shown(given)}"
        case "less_than_equal":
            return f"must be at most {context['le']}, got {_shown(given)}"
        case "greater_than":
            return f"must be over {context['gt']:g}, got {_shown(given)}"
        case "too_short":
            return "must not be empty"
        case "too_long" | "string_too_long":
            return f"must have at most {context['max_length']} entries or characters"
        case "string_pattern_mismatch":
            return f"must be made of letters, digits, '.', '_' and '-', got {_shown(given)}"
        case "finite_number":
            return f"must be a finite number, got {_shown(given)}"
        case "value_error":
            return str(context["error"])
        case "json_invalid":
            return "is no JSON"
        case "int_from_float":
            return f"must be a whole number, got {_shown(given)}"
        case "less_than":
            return f"must be under {context['lt']:g}, got {_shown(given)}"
        case "none_required":
            return f"must be null, got {_shown(given)}"
        case _:
            return f"cannot be {_shown(given)}"


def _shown(value: Any) -> str:
    """The value as it is written in YAML, shortened."""
    text = "nothing" if value is None else str(value) if isinstance(value, str | int | float) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _known_keys(loc: Loc) -> list[str]:
    """The keys allowed beside the unknown one that ends ``loc``."""
    match loc:
        case (_,):
            return list(ScenarioFile.model_fields)
        case ("reps", _):
            return list(Reps.model_fields)
        case ("variants", _, _):
            return list(Variant.model_fields)
        case ("variants", _, "ops", int(), str(op), _):
            return [key for key in _op_model(op).model_fields if key != "op"]
        case _:
            return []


def _op_model(op: str) -> type[BaseModel]:
    if op not in OP_NAMES:
        return FunctionSpec
    members = get_args(get_args(OpSpec)[0])
    return next(get_args(m)[0] for m in members if get_args(m)[1].tag == op)
