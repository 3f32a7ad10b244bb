"""Turning whatever a library raises into the one line a run records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import OutOfMemory, StepFailure

LONGEST_REASON = 300

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "unable to allocate", "alloc_failed")

_SENTENCE_END = re.compile(r"(?<!\d)\. ")  # NumPy writes 256. TiB


@contextmanager
def step_failures() -> Iterator[None]:
    """Raise StepFailure for any exception of the step's own calls; interrupts pass."""
    try:
        yield
    except Exception as error:
        raise explain_failure(error) from error


def explain_failure(error: Exception) -> StepFailure:
    """The failure of a step that raised ``error``; a StepFailure is its own explanation.

    >>> explain_failure(MemoryError("Unable to allocate 1.49 GiB")).args[0]
    'out of memory: Unable to allocate 1.49 GiB; try a smaller size'
    """
    if isinstance(error, StepFailure):
        return error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[:2])[:LONGEST_REASON]
    if isinstance(error, MemoryError) or any(sign in text.lower() for sign in _OUT_OF_MEMORY):
        return OutOfMemory(_SENTENCE_END.split(text)[0].rstrip(".") or "an allocation failed")
    name = type(error).__name__
    return StepFailure(f"{name}: {text}" if text else name)
