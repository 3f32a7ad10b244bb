"""flopprof's own version."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

UNKNOWN = "0+unknown"


def installed_version() -> str:
    """The installed distribution's version, or ``0+unknown`` when run from a plain source tree."""
    try:
        return version("flopprof")
    except PackageNotFoundError:
        return UNKNOWN
