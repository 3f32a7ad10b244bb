"""An installation without flopprof's own dependencies, as one that only annotates: one line says what to type.

Imports nothing that might be what is missing.
"""

from __future__ import annotations

import sys

from ..machine.installation import NAME, install_packages

NEEDED = (
    *(
        "typer",
        "rich",
        "pydantic",
        "yaml",
        "numpy",
        "pandas",
        "sqlite_utils",
        "matplotlib",
        "jinja2",
        "scipy",
    ),
    *("psutil", "zstandard", "ijson", "nvtx"),
)
"""What the distribution depends on, by the names of its imports."""


def tell_missing(error: ModuleNotFoundError) -> bool:
    """Say that a dependency is missing; False for any other module, whose lack is a bug."""
    name = (error.name or "").partition(".")[0]
    if name not in NEEDED:
        return False
    # By its own name, which is installed: what is fetched is what it requires.
    remedy = install_packages(NAME)
    print(
        f"flopprof: the package of {name!r} is not installed, which this needs; install it by: {remedy}",
        file=sys.stderr,
    )
    return True
