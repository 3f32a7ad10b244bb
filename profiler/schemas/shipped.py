"""The schemas as they are shipped: JSON files beside this one, which reading takes no import of what they describe."""

from __future__ import annotations

import json
from importlib import resources
from importlib.resources.abc import Traversable

from ...scenarios.errors import FlopprofError

SUFFIX = ".schema.json"


class UnknownSchema(FlopprofError):
    """There is no such document."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no schema {name!r}; there is: {', '.join(list_schemas())}")


def list_schemas() -> dict[str, str]:
    """Names of documents, and where each is printed or written."""
    names = sorted(
        file.name.removesuffix(SUFFIX) for file in _folder().iterdir() if file.name.endswith(SUFFIX)
    )
    return {name: str(json.loads(read_schema(name))["title"]) for name in names}


def read_schema(name: str) -> str:
    """The text of a schema. Raises UnknownSchema."""
    try:
        return (_folder() / f"{name}{SUFFIX}").read_text(encoding="utf-8").rstrip("\n")
    except (OSError, ValueError):
        raise UnknownSchema(name) from None


def _folder() -> Traversable:
    return resources.files(__package__ or __name__.rpartition(".")[0])
