"""A JSON document as text."""

from __future__ import annotations

import json
from typing import Any


def render_json(data: dict[str, Any]) -> str:
    """One document, ASCII only, so that no name can steer a terminal it is printed on."""
    return json.dumps(data, indent=1, allow_nan=False) + "\n"
