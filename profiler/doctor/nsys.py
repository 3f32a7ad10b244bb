"""Nsight Systems: whether it is there, and whether it records, by recording one range for real.

Its exit codes and file lists do not tell: the importer may be elsewhere or lack a library, and some versions of
nvtx record nothing under some of nsys, in silence. One small recording shows all of that at once.
"""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ...analysis.errors import TraceError
from ...analysis.trace.nsys import Nsys, find_importer, find_nsys
from ..errors import CaptureError
from ..machine.installation import find_installation, install_packages
from ..machine.machine import cuda_devices, needed_for_activity
from ..recorders.folders import temporary_folder
from ..recorders.recorder import NESTED_SIGNS, NsysRecorder, explain_silence
from ..recorders.turns import turn_to_start
from .findings import Finding, broken, ok, warning
from .libraries import NVTX, installed
from .probe import watch_probe

PROBE = "from flopprof.profiler.annotation.ranges import annotate\nwith annotate('probe', flops=7): pass"

COUNT_PROBES = (
    "SELECT count(*) FROM NVTX_EVENTS LEFT JOIN StringIds ON StringIds.id = textId"
    " WHERE eventType = 59 AND int64Value = 7 AND coalesce(value, text) = 'probe'"
)

INSTALL = (
    "install it from your distribution or from NVIDIA (developer.nvidia.com/nsight-systems), nsys on PATH"
)


LOCKED = "if no nsys is recording: kill the `nsys --start-agent` that `ps` lists, and rm -f /dev/shm/NSys-*"
"""An agent killed in its first instant leaves a block of shared memory half made, and all later ones wait for it."""

PACKAGES = {
    "libdw.so.1": "libdw1",
    "libelf.so.1": "libelf1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libpfm.so.4": "libpfm4",
    "libnuma.so.1": "libnuma1",
    "libssh.so.4": "libssh-4",
    "libz.so.1": "zlib1g",
}
"""Debian's packages of the libraries that importers were seen to lack."""


def how_to_install() -> str:
    """What to do about a missing Nsight Systems: a checkout has a command for it."""
    folder = find_installation().folder
    return f"make -C {shlex.quote(str(folder))} nsys, or {INSTALL}" if folder else INSTALL


def examine_nsys() -> Iterator[Finding]:
    """nsys, its importer, and a recording."""
    if any(sign in os.environ for sign in NESTED_SIGNS):
        yield warning(
            "nsys", f"this is already under Nsight Systems; {tell_embedded()}", "run flopprof outside of it"
        )
        return
    nsys = find_nsys()
    if nsys is None:
        yield warning("nsys", f"{explain_silence() or 'not found'}; {tell_embedded()}", how_to_install())
        return
    yield ok("nsys", f"{nsys.version} at {nsys.path}")
    importer = find_importer(nsys)
    if importer is None:
        yield warning(
            "importer", f"QdstrmImporter is not beside {nsys.path}; {tell_embedded()}", how_to_install()
        )
        return
    recording = try_recording(nsys)
    missing = missing_libraries(importer) if recording.state != "ok" else []
    yield broken_importer(importer, missing) if missing else ok("importer", str(importer))
    yield recording


def tell_embedded() -> str:
    """What recordings without Nsight Systems have in them here."""
    if not cuda_devices():
        return "`run` records ranges only, no GPU activity"
    needed = needed_for_activity()
    if needed is None:
        return "`run` records GPU activity by torch.profiler"
    return f"`run` records ranges only, no GPU activity, which needs it or {needed}"


def broken_importer(importer: Path, missing: list[str]) -> Finding:
    """An importer that cannot be loaded, and the packages that would mend it."""
    packages = [PACKAGES[name] for name in missing if name in PACKAGES]
    rest = [name for name in missing if name not in PACKAGES]
    remedies = [f"apt-get install {' '.join(packages)}"] if packages else []
    if rest:
        remedies.append(
            f"reinstall Nsight Systems, or install what `apt-file search` names for {', '.join(rest)}"
        )
    remedy = "; ".join(remedies)
    return broken("importer", f"{importer} lacks {', '.join(missing)}", remedy)


def missing_libraries(program: Path) -> list[str]:
    """Shared libraries that the loader does not find for a program; none when ldd cannot say."""
    try:
        done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    return sorted(set(re.findall(r"^\s*(\S+) => not found", done.stdout, re.MULTILINE)))


def try_recording(nsys: Nsys) -> Finding:
    """Record one range, export it and look for it."""
    with temporary_folder() as folder:
        recorder = NsysRecorder(nsys=nsys)
        with turn_to_start(nsys.path):
            problem = watch_probe(
                recorder.command([sys.executable, "-c", PROBE], folder), folder, "nsys profile"
            )
        if problem is not None:
            lost = recorder.failed_to_start(folder)
            remedy = LOCKED if lost else f"reinstall Nsight Systems ({how_to_install()})"
            return broken("recording", problem, f"{remedy}, or run with --recorder embedded")
        try:
            found = count_probes(recorder.collect(folder))
        except (CaptureError, TraceError) as error:
            return broken("recording", str(error), "see the importer above, or run with --recorder embedded")
    if found == 1:
        return ok("recording", "one range recorded, exported and found again")
    nvtx = installed("nvtx")
    return broken(
        "recording",
        f"nvtx {nvtx} records nothing under nsys {nsys.version}",
        f"{install_packages(NVTX)}, or a newer Nsight Systems",
    )


def count_probes(trace: Path) -> int:
    """How many of the probe's ranges a trace holds; 0 also when it has no table for ranges."""
    with closing(sqlite3.connect(f"{trace.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            return int(connection.execute(COUNT_PROBES).fetchone()[0])
        except sqlite3.OperationalError:
            return 0
