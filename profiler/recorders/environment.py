"""What of the caller's environment a recorded program may see.

Nsight Systems stores the environment of what it starts, so `run` passes a list of names and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

ALLOWED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_*",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "CUDA_*",
    "NVIDIA_*",
    "OMP_*",
    "MKL_*",
    "OPENBLAS_*",
    # Where libraries keep compiled kernels; without them every run would compile anew.
    "CUPY_CACHE_DIR",
    "TRITON_CACHE_DIR",
    "TORCHINDUCTOR_CACHE_DIR",
    "XDG_CACHE_HOME",
)


def allowed_environment(environment: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """The allowed part of ``environment``, with ``temporary`` (a private folder) as its TMPDIR."""
    kept = {
        name: value
        for name, value in environment.items()
        if any(fnmatchcase(name, pattern) for pattern in ALLOWED)
    }
    return {**kept, "TMPDIR": str(temporary)}
