"""A report exported in parts, by several nsys at once: each writes some of the tables into a file of its own.

`nsys export --tables=` takes POSIX basic regular expressions, in any case of letters, each of a table's whole name; it
exports these tables and no other, also not those that they refer to. What nothing here reads is in no part: samples of
the CPU, its scheduling, calls of the operating system, which are most of a report made with nsys' own defaults.
Samples of the GPU, of which a second may hold half a million, it writes as HDF5 in a third of SQLite's time.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from ..errors import TraceError
from ..tables.joined import HDF_SUFFIX, SQLITE_SUFFIX, JoinedFile
from .nsys import Announce, Nsys, keep_silent, list_export_options, run_export

TABLES_OPTION = "--tables"

LARGE = ("CUPTI_ACTIVITY_KIND_R.*", "CUPTI_ACTIVITY_KIND_K.*")
"""Calls, and kernels."""

NVTX = "NVTX.*"

SAMPLES, NAMES = "GPU_METRICS", "TARGET_INFO_GPU_METRICS"

REST = (
    *("StringIds", "CUPTI_ACTIVITY_KIND_[^KR].*", "CUDA_G.*", "CUDA_UM_.*", "GENERIC_EVENT.*"),
    *("PROFILER_OVERHEAD", "ANALYSIS_DETAILS", "DIAGNOSTIC_EVENT", "PROCESSES", "TARGET_INFO.*"),
    *("META_DATA.*", "EXPORT_META_DATA", "ENUM_.*"),
)

MANY_CORES = 4

LEAST_CHOSEN, LEAST_SPLIT = 2 << 20, 4 << 20
"""Bytes of a report from which choosing tables is quicker than exporting all, and several parts quicker than one."""

ON_FEW_CORES = 2
"""Times larger than that a report has to be where parts and the libraries that are loaded meanwhile share cores."""


def choose_parts(cores: int, *, hdf: bool = False) -> dict[str, tuple[str, ...]]:
    """Patterns of the tables of each part, by its file. Each costs a core a third of a second, so few cores make few.

    >>> [len(choose_parts(cores)) for cores in (1, 2, 4, 16)], list(choose_parts(1, hdf=True))
    ([1, 3, 4, 4], ['0.sqlite', 'samples.h5'])
    """
    rest = REST if hdf else (*REST, SAMPLES)
    large = [(pattern,) for pattern in LARGE]
    parts = [(*LARGE, NVTX, *rest)] if cores == 1 else [*large, (NVTX, *rest)]
    if cores >= MANY_CORES:
        parts = [*large, (NVTX,), rest]
    chosen = {f"{number}{SQLITE_SUFFIX}": part for number, part in enumerate(parts)}
    return chosen | ({f"samples{HDF_SUFFIX}": (SAMPLES,)} if hdf else {})


def reads_hdf() -> bool:
    """Whether the library that reads HDF5, the extra ``flopprof[hdf5]``, is there."""
    return find_spec("h5py") is not None


def count_cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def export_parts(
    report: Path, folder: Path, nsys: Nsys, cores: int, announce: Announce = keep_silent
) -> bool:
    """Export what is read of `report` into files of a new `folder`; False, and no folder, where it has to be one file.

    An nsys that knows no --tables cannot do it. One that fails says why when it exports all, so it is not asked here.
    """
    size, options = report.stat().st_size, list_export_options(nsys, report)
    if TABLES_OPTION not in options or size < LEAST_CHOSEN:
        return False
    folder.mkdir(mode=0o700)
    least = LEAST_SPLIT if cores >= MANY_CORES else LEAST_SPLIT * ON_FEW_CORES
    parts = choose_parts(cores if size >= least else 1, hdf=reads_hdf())
    targets = [folder / name for name in parts]

    def export(target: Path) -> None:
        tell = announce if target == targets[0] else keep_silent
        chosen = [f"{TABLES_OPTION}={','.join(parts[target.name])}"]
        run_export(report, target, nsys, options, chosen, announce=tell)

    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(export, targets))
    if _hold_events(targets):
        return True
    shutil.rmtree(folder)
    return False


def _hold_events(parts: Sequence[Path]) -> bool:
    """Whether all can be opened, of which nsys may write none and exit 0, and hold calls, kernels or ranges.

    An nsys that reads patterns in another way would leave out what there is; so would one that writes no samples of
    metrics that it names.
    """
    try:
        with JoinedFile(parts) as file:
            if NAMES in file.tables and SAMPLES not in file.tables:
                return False
            return any(re.fullmatch(pattern, table) for pattern in (*LARGE, NVTX) for table in file.tables)
    except TraceError:
        return False
