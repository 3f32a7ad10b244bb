# pyright: strict
"""A domain of NVTX that records under every Nsight Systems, whichever nvtx is installed.

From 0.2.12 on nvtx asks Nsight Systems whether a domain is switched on, and takes no answer for a no: Nsight Systems
up to 2024.2 knows no such question, so that every range is lost in silence. The domain is made here without asking.
Where nobody records, the calls below do nothing in the NVTX library itself.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

NEW = "dummy_domain"
"""What nvtx 0.2.12 and newer have for a domain that is switched off."""


def nvtx_library() -> Any:
    """The calls of nvtx below its own ``annotate``, which keeps every number ever seen in memory."""
    return import_module("nvtx._lib")


def open_domain(lib: Any, name: str) -> Any:
    """A domain whose ``handle`` the calls of ``lib`` take, and whose ``get_event_attributes`` says what a range is."""
    if not hasattr(lib, NEW):
        return lib.Domain(name)
    domain = object.__new__(lib.Domain)
    domain.handle = import_module("nvtx._lib.lib").DomainHandle(name)
    domain.__init__(name)
    return domain


def end_of_ranges(lib: Any) -> Callable[[Any], object]:
    """What ends a range that ``lib.start_range`` began; from 0.2.12 on that gave the two arguments as a pair."""
    if not hasattr(lib, NEW):
        return lib.end_range
    end = lib.end_range

    def end_pair(started: Any, /) -> object:
        return end(*started)

    return end_pair
