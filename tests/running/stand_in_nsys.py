"""A stand-in for nsys: its reports are SQLite files, of which it exports copies, or parts where it knows --tables."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from drawing.traces import unpacked
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.analysis.trace.nsys import Nsys
from flopprof.analysis.trace.open import Announce, open_trace_file
from flopprof.analysis.trace.split_export import count_cores
from flopprof.reports.render.json_text import stream_json

EXPORT = """#!{python}
import os, re, shutil, sqlite3, sys
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("NVIDIA Nsight Systems version 2025.3.2.474")
    sys.exit()
if arguments == ["export", "--help"]:
    print("--include-blobs {knows}")
    sys.exit()
options = dict(one.split("=", 1) for one in arguments if one.startswith("--") and "=" in one)
with open(os.environ["HOME"] + "/exports", "a") as log:
    log.write(options.get("--tables", "all") + "\\n")
if options["--type"] == "hdf":
    import h5py
    import numpy as np
    with h5py.File(options["--output"], "w") as made, sqlite3.connect(arguments[-1]) as known:
        for pattern in options["--tables"].split(","):
            found = known.execute("SELECT name FROM sqlite_master WHERE name = ?", (pattern,)).fetchall()
            for (table,) in found:  # its raw times are unsigned in HDF5
                rows = known.execute(f'SELECT * FROM "{{table}}"')
                kinds = [(one[0], "u8" if "raw" in one[0] else "i8") for one in rows.description]
                made[table] = np.array(rows.fetchall(), [(name, "i8") for name, _ in kinds]).astype(kinds)
    {then}
    sys.exit()
shutil.copyfile(arguments[-1], options["--output"])
if "--tables" in options:
    patterns = options["--tables"].split(",")
    copy = sqlite3.connect(options["--output"])
    for (table,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if not any(re.fullmatch(pattern, table, re.IGNORECASE) for pattern in patterns):
            copy.execute(f'DROP TABLE "{{table}}"')
        elif table == "META_DATA_EXPORT":
            copy.execute("DELETE FROM META_DATA_EXPORT WHERE name LIKE '%TABLES_TO_EXPORT'")
            copy.execute(f"INSERT INTO {{table}} (name, value) VALUES ('EXPORT_PARAM_TABLES_TO_EXPORT', 'some')")
    copy.commit()
    {then}
"""


def write_nsys(folder: Path, *, knows: str = "", then: str = "pass") -> Nsys:
    """The stand-in as `folder`/nsys, with the options it `knows`; `then` is done, in Python, when it exported."""
    folder.mkdir(exist_ok=True)
    path = folder / "nsys"
    path.write_text(EXPORT.format(python=sys.executable, knows=knows, then=then), encoding="utf-8")
    path.chmod(0o755)
    return Nsys(path=path, version="2025.3.2.474")


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, *, knows: str = "") -> Path:
    """The stand-in, first on PATH; what it exported is in the file that this is."""
    found = write_nsys(folder / "bin", knows=knows)
    monkeypatch.setenv("PATH", f"{found.path.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(folder))
    return folder / "exports"


def recording_of(name: str, folder: Path) -> Path:
    """A real trace as a report that the stand-in can export."""
    (folder / "reports").mkdir()
    return unpacked(name, folder).rename(folder / "reports" / "raw.nsys-rep")


def analysis_of(path: Path, *, announce: Announce | None = None, keep: bool = False) -> dict[str, Any]:
    """What `analyze --json` says, but for the name of the file."""
    with open_trace_file(path, announce=announce, cores=count_cores(), keep=keep) as opened:
        plain = json.loads("".join(stream_json(analyze_file(path, opened=opened).parts())))
    del plain["trace"]["path"]
    return plain
