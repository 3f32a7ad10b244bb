"""The formats a document is shown in."""

from __future__ import annotations

from typing import Literal

Format = Literal["text", "markdown", "html", "json"]

SUFFIXES: dict[Format, str] = {"text": "txt", "markdown": "md", "html": "html", "json": "json"}
"""How a file of each format ends."""
