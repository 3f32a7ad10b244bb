"""Documents held against the shipped schemas, which in tests allow no key that they do not name."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flopprof.profiler.schemas.shipped import read_schema
from jsonschema import Draft202012Validator


def close(schema: Any) -> Any:
    """The same schema for documents without any further key: what is added to a document is added to its schema."""
    if isinstance(schema, list):
        return [close(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: close(value) for name, value in schema.items()}
    names = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    return {**closed, "additionalProperties": False} if names else closed


@cache
def validator_of(name: str) -> Draft202012Validator:
    schema = close(json.loads(read_schema(name)))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def faults(name: str, document: object) -> list[str]:
    """Where a document, as text or as data, is not as its schema says; the first ten places."""
    data = json.loads(document if isinstance(document, str) else json.dumps(document, allow_nan=False))
    found = (f"{error.json_path}: {error.message[:200]}" for error in validator_of(name).iter_errors(data))
    return [line for line, _ in zip(found, range(10), strict=False)]
