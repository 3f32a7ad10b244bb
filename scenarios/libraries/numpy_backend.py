"""NumPy on the CPU: eager only."""

from __future__ import annotations

import gc
import operator
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import BackendUnavailable, StepFailure
from ..operations.ops import HostMemory, Matmul, Matvec, Op, Outer, Shape, Sum
from ..operations.shapes import OpShapes
from ..plan.step import Step
from .backend import Backend, Index, mesh
from .memory import host_free_bytes
from .program import Allocate, Array
from .uniform import fill_uniform

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class NumpyBackend(Backend):
    """NumPy's own functions, one call an op."""

    name = "numpy"
    device = "cpu"

    def __init__(self, device: str) -> None:
        if device != "cpu":
            raise BackendUnavailable("NumPy computes on the CPU only")

    def versions(self) -> dict[str, str]:
        return {"numpy": np.__version__}

    def settings(self) -> dict[str, str]:
        return {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}

    def free_bytes(self) -> int:
        return host_free_bytes()

    def release(self) -> None:
        gc.collect()

    def synchronize(self) -> None:
        """NumPy's calls return when they are done."""

    def record_event(self) -> Any:
        raise StepFailure("the CPU has no device events")

    def elapsed_ns(self, start: Any, end: Any) -> float:
        raise StepFailure("the CPU has no device events")

    def operation(self, op: Op) -> Callable[..., Array]:
        match op:
            case Matvec() | Matmul() | Outer(via="matmul"):
                return np.matmul
            case Outer():
                return np.multiply
            case Sum(axis=axis, out="reuse"):
                return lambda array, out=None: array.sum(axis, out=out)
            case Sum(axis=axis):
                return operator.methodcaller("sum", axis)
            case _:
                raise StepFailure(f"NumPy has no {op.kind}")

    def allocator(self, dtype: str, seed: int, *, repeat: bool = False) -> Allocate:
        generator = np.random.default_rng(seed)

        def allocate(shape: Shape, memory: HostMemory | None) -> Array:
            assert memory is None, "a CPU step copies nothing over a link"
            return fill_uniform(np.empty(shape, dtype), generator, repeat=repeat)

        return allocate

    def fuse(
        self, step: Step, chain: tuple[OpShapes, ...], inputs: tuple[tuple[Array, ...], ...]
    ) -> Callable[[Any], Array]:
        raise StepFailure("NumPy has no fused mode")

    def capture(self, rep: Callable[[], Array]) -> Callable[[Any], Array]:
        raise StepFailure("CUDA graphs need a CUDA device")

    def read(self, matrix: Array, rows: Index, columns: Index) -> np.ndarray:
        return self.read_all(matrix[mesh(rows, columns)])

    def read_all(self, array: Array) -> np.ndarray:
        return np.asarray(array, np.float64)

    def dtype_name(self, array: Array) -> str:
        return array.dtype.name
