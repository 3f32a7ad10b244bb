"""Python, the array libraries and the CUDA they were built for; read from their files, as importing takes seconds."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..machine.installation import find_installation, install_extra, install_packages
from ..machine.version import installed_version
from .findings import Finding, broken, ok, warning

LEAST_PYTHON, BEYOND_PYTHON = (3, 11), (3, 15)

CUPY_PACKAGES = ("cupy-cuda12x", "cupy-cuda13x", "cupy")

NVTX_LEAST, NVTX_LIMIT = (0, 2, 11), (0, 3)

NVTX = "nvtx>=0.2.11,<0.3"

EXTRAS = {"cluster": "distributed", "mcp": "mcp"}
"""What is an extra beside the array libraries, by a package of it."""


def examine_libraries(driver_cuda: str | None) -> Iterator[Finding]:
    """``driver_cuda`` is the CUDA version that the driver supports, such as `13.0`; None without a driver."""
    yield examine_flopprof()
    yield examine_python()
    yield examine_numpy()
    yield examine_torch(driver_cuda)
    yield examine_cupy(driver_cuda)
    yield examine_nvtx()


def examine_flopprof() -> Finding:
    """flopprof itself: where it is from, and what to type for the extras that it lacks."""
    own = find_installation()
    origin = f"editable, {own.folder}" if own.folder else own.source or "from a package index"
    lacking = [
        f"without {name}: {own.with_extra(name)}"
        for name, package in EXTRAS.items()
        if not installed(package)
    ]
    return ok("flopprof", "; ".join([f"{installed_version()} by {own.tool}, {origin}", *lacking]))


def examine_python() -> Finding:
    """This interpreter."""
    found = ".".join(map(str, sys.version_info[:3]))
    if LEAST_PYTHON <= sys.version_info[:2] < BEYOND_PYTHON:
        return ok("python", found)
    return broken("python", f"{found} is not supported", "install flopprof with Python 3.11 to 3.14")


def examine_numpy() -> Finding:
    """NumPy, without which neither backends nor analysis run."""
    found = installed("numpy")
    return ok("numpy", found) if found else broken("numpy", "not installed", install_packages("numpy"))


def examine_torch(driver_cuda: str | None) -> Finding:
    """torch and the CUDA of its build."""
    found = installed("torch")
    if not found:
        return warning("torch", "not installed; its steps are skipped", install_extra("torch"))
    cuda = torch_cuda()
    if cuda is None:
        words = f"{found}, a CPU build"
        if driver_cuda is None:
            return ok("torch", words)
        remedy = f"install a build for CUDA {driver_cuda} or older: https://pytorch.org/get-started/locally"
        return warning("torch", f"{words}, though there is a GPU driver", remedy)
    return _judge_cuda("torch", f"{found}, built for CUDA {cuda}", cuda, driver_cuda)


def examine_cupy(driver_cuda: str | None) -> Finding:
    """CuPy, of which there may be one package only."""
    found = {name: number for name in CUPY_PACKAGES if (number := installed(name))}
    if len(found) > 1:
        names = " and ".join(found)
        return broken(
            "cupy",
            f"{names} are both installed and overwrite each other",
            f"pip uninstall {' '.join(found)}, then install one",
        )
    if not found:
        if driver_cuda is None:
            return ok("cupy", "not installed, and no GPU for it")
        extra = "cuda13" if int(driver_cuda.split(".")[0]) >= 13 else "cuda12"
        return warning("cupy", "not installed; its steps are skipped", install_extra(extra))
    ((name, number),) = found.items()
    built = re.search(r"cuda(\d+)x", name)
    words = f"{number} ({name})"
    return _judge_cuda("cupy", words, f"{built.group(1)}.0", driver_cuda) if built else ok("cupy", words)


def examine_nvtx() -> Finding:
    """The package that makes ranges; whether it works with this nsys is shown by recording one."""
    found = installed("nvtx")
    if not found:
        return broken("nvtx", "not installed", install_packages(NVTX))
    numbers = tuple(int(part) for part in re.findall(r"\d+", found)[:3])
    if numbers < NVTX_LEAST:
        return broken("nvtx", f"{found} is too old: a range cannot be made with it", install_packages(NVTX))
    if numbers >= NVTX_LIMIT:
        return warning("nvtx", f"{found} is newer than what flopprof was tried with", install_packages(NVTX))
    return ok("nvtx", found)


def _judge_cuda(name: str, words: str, built: str, driver_cuda: str | None) -> Finding:
    if driver_cuda is None:
        return warning(
            name, f"{words}; there is no GPU driver", "install NVIDIA's driver, or run on --set devices=cpu"
        )
    if int(built.split(".")[0]) > int(driver_cuda.split(".")[0]):
        remedy = f"update the driver, or install {name} for CUDA {driver_cuda.split('.')[0]}"
        return warning(name, f"{words}; the driver supports CUDA {driver_cuda} at most", remedy)
    return ok(name, words)


def installed(package: str) -> str | None:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def torch_cuda() -> str | None:
    """The CUDA version the installed torch was built for, None for a CPU build."""
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return None
    file = Path(next(iter(spec.submodule_search_locations))) / "version.py"
    match = re.search(r"^cuda[^=]*=\s*['\"]([\d.]+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return match.group(1) if match else None
