"""How large an answer is: what the command line says of it, which loads nothing for that."""

from __future__ import annotations

LEAST_CHARACTERS = 4_000

CHARACTERS = 24_000
"""An answer's size unless another is asked for: some six thousand tokens."""
