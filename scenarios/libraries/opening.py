"""Opening a library on a device, or saying in one line why it cannot be."""

from __future__ import annotations

from pathlib import Path

from ..errors import BackendUnavailable
from .backend import Backend


def open_backend(name: str, device: str, *, folder: Path | None = None) -> Backend:
    """Import a library and set it up for one device; its own settings (TF32 off) change with that.

    ``folder`` is where a scenario's own functions are looked for first. Raises BackendUnavailable.
    """
    try:
        backend = _open(name, device)
    except BackendUnavailable:
        raise
    except ImportError as error:
        raise BackendUnavailable(f"{name} cannot be imported: {_first_line(error)}") from error
    except Exception as error:
        raise BackendUnavailable(f"{name} cannot use {device}: {_first_line(error)}") from error
    backend.folder = folder
    return backend


def _open(name: str, device: str) -> Backend:
    match name:
        case "numpy":
            from .numpy_backend import NumpyBackend

            return NumpyBackend(device)
        case "torch":
            from .torch_backend import TorchBackend

            return TorchBackend(device)
        case "cupy":
            from .cupy_backend import CupyBackend

            return CupyBackend(device)
        case _:
            raise BackendUnavailable(f"there is no backend {name}; known are numpy, torch, cupy")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
