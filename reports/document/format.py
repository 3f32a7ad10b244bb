"""The formats a document is shown in."""

from __future__ import annotations

from typing import Literal

Format = Literal["text", "markdown", "html", "json"]

ComparisonFormat = Literal[Format, "github"]
"""A comparison is shown as one line for a pull request, too."""

SUFFIXES: dict[Format, str] = {"text": "txt", "markdown": "md", "html": "html", "json": "json"}
"""How a file of each format ends."""
