"""How numpy is loaded into a process that reads traces for a few seconds and ends: its memory and its threads."""

from __future__ import annotations

import ctypes
import os

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8

KEEP_BYTES = 1 << 30

BLAS_THREADS = "OPENBLAS_NUM_THREADS"


def load_numpy() -> None:
    """Import numpy so that it keeps freed memory and starts no threads: it shall multiply no matrices.

    Its OpenBLAS starts a thread for every other core while it is loaded, and those spin for a tenth of a second. It
    looks at the environment then and never again, so that what is started from here finds its own as it was.
    """
    keep_freed_memory()
    if BLAS_THREADS in os.environ:
        return
    os.environ[BLAS_THREADS] = "1"
    try:
        import numpy  # noqa: F401
    finally:
        del os.environ[BLAS_THREADS]


def keep_freed_memory() -> None:
    """Let freed arrays be used again instead of going back to the system; call it before numpy is imported.

    Analysing a million kernels makes thousands of arrays of a megabyte. glibc returns each to the system and
    asks for it again, page by zeroed page: with this the same analysis spends half the time in the kernel
    (0.5 s instead of 1.1 s). Peak memory is the same. Elsewhere than on glibc this does nothing.
    """
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(M_MMAP_THRESHOLD, KEEP_BYTES)
    mallopt(M_TRIM_THRESHOLD, KEEP_BYTES)
    mallopt(M_ARENA_MAX, 1)  # what one thread frees another may have
