"""A stand-in for nsys: its reports are SQLite files, of which it exports copies."""

from __future__ import annotations

import sys
from pathlib import Path

from flopprof.analysis.trace.nsys import Nsys

EXPORT = """#!{python}
import os, shutil, sys
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("NVIDIA Nsight Systems version 2025.3.2.474")
    sys.exit()
if arguments == ["export", "--help"]:
    print("--include-blobs")
    sys.exit()
options = dict(one.split("=", 1) for one in arguments if one.startswith("--") and "=" in one)
with open(os.environ["HOME"] + "/exports", "a") as log:
    log.write("all\\n")
shutil.copyfile(arguments[-1], options["--output"])
"""


def write_nsys(folder: Path) -> Nsys:
    """The stand-in as `folder`/nsys."""
    folder.mkdir(exist_ok=True)
    path = folder / "nsys"
    path.write_text(EXPORT.format(python=sys.executable), encoding="utf-8")
    path.chmod(0o755)
    return Nsys(path=path, version="2025.3.2.474")
