"""CuPy on a CUDA device."""

from __future__ import annotations

import gc
import importlib
import operator
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import BackendUnavailable, StepFailure
from ..operations.ops import (
    DeviceToHost,
    Function,
    HostMemory,
    HostToDevice,
    Matmul,
    Matvec,
    Op,
    Outer,
    Shape,
    Sum,
)
from ..operations.shapes import OpShapes
from ..plan.capability import FUSED_BY_CUPY, is_outer_sum
from ..plan.step import Step
from .backend import Backend, Index, mesh
from .program import Allocate, Array
from .uniform import PERIOD, STEPS, fill_uniform

GRAPH_WARM_UP = 3
"""Reps before capture: kernels are compiled and memory is pooled, so the capture allocates nothing new."""

SETTING_VARIABLES = ("CUPY_ACCELERATORS", "CUPY_TF32")


class CupyBackend(Backend):
    """CuPy's own functions, one call an op; a reduction kernel and CUDA graphs for the other modes."""

    name = "cupy"
    device = "cuda"

    def __init__(self, device: str) -> None:
        if device != "cuda":
            raise BackendUnavailable("CuPy computes on CUDA devices only")
        os.environ["CUPY_TF32"] = "0"
        cupy: Any = importlib.import_module("cupy")

        if cupy.cuda.runtime.getDeviceCount() == 0:
            raise BackendUnavailable(f"CuPy {cupy.__version__} sees no CUDA device")
        self._cupy = cupy
        self._cupyx: Any = importlib.import_module("cupyx")

    def versions(self) -> dict[str, str]:
        runtime = self._cupy.cuda.runtime
        return {
            "cupy": self._cupy.__version__,
            "cupy cuda": _cuda_version(runtime.runtimeGetVersion()),
            "cuda driver": _cuda_version(runtime.driverGetVersion()),
        }

    def settings(self) -> dict[str, str]:
        return {f"cupy {name}": os.environ.get(name, "default") for name in SETTING_VARIABLES}

    def free_bytes(self) -> int:
        unused = self._cupy.get_default_memory_pool().free_bytes()
        return self._cupy.cuda.runtime.memGetInfo()[0] + unused

    def release(self) -> None:
        gc.collect()
        self._cupy.get_default_memory_pool().free_all_blocks()
        self._cupy.get_default_pinned_memory_pool().free_all_blocks()

    def synchronize(self) -> None:
        self._cupy.cuda.runtime.deviceSynchronize()

    def record_event(self) -> Any:
        event = self._cupy.cuda.Event()
        event.record()
        return event

    def elapsed_ns(self, start: Any, end: Any) -> float:
        return self._cupy.cuda.get_elapsed_time(start, end) * 1e6

    def operation(self, op: Op) -> Callable[..., Array]:
        match op:
            case Matvec() | Matmul() | Outer(via="matmul"):
                return self._cupy.matmul
            case Outer():
                return self._cupy.multiply
            case Sum(axis=axis, out="reuse"):
                return lambda array, out=None: array.sum(axis, out=out)
            case Sum(axis=axis):
                return operator.methodcaller("sum", axis)
            case HostToDevice(memory=memory):
                return self._from_pinned if memory == "pinned" else self._from_pageable
            case DeviceToHost(memory=memory):
                return self._to_pinned if memory == "pinned" else self._to_pageable
            case Function():
                raise AssertionError("a user's function is bound by the caller")

    # The pointers' own methods are used for copies, because `cupy.asarray` stages pageable memory through a
    # pinned buffer of its own: that would measure another thing than the scenario names.

    def _from_pinned(self, host: np.ndarray) -> Array:
        array = self._cupy.empty(host.shape, host.dtype)
        array.data.copy_from_host_async(host.ctypes.data, host.nbytes)
        return array

    def _from_pageable(self, host: np.ndarray) -> Array:
        array = self._cupy.empty(host.shape, host.dtype)
        array.data.copy_from_host(host.ctypes.data, host.nbytes)
        return array

    def _to_pinned(self, array: Array) -> np.ndarray:
        host = self._cupyx.empty_pinned(array.shape, array.dtype)
        array.data.copy_to_host_async(host.ctypes.data, host.nbytes)
        return host

    def _to_pageable(self, array: Array) -> np.ndarray:
        host = np.empty(array.shape, array.dtype)
        array.data.copy_to_host(host.ctypes.data, host.nbytes)
        return host

    def allocator(self, dtype: str, seed: int, *, repeat: bool = False) -> Allocate:
        device_generator = self._cupy.random.default_rng(seed)
        host_generator = np.random.default_rng(seed)

        def allocate(shape: Shape, memory: HostMemory | None) -> Array:
            if memory is None:
                return self._uniform(shape, dtype, device_generator)
            empty = self._cupyx.empty_pinned if memory == "pinned" else np.empty
            return fill_uniform(empty(shape, dtype), host_generator, repeat=repeat)

        return allocate

    def _uniform(self, shape: Shape, dtype: str, generator: Any) -> Array:
        if dtype in ("float32", "float64"):
            return generator.random(shape, dtype=dtype)
        array = self._cupy.empty(shape, dtype)
        flat = array.reshape(-1)
        for start in range(0, flat.size, PERIOD):
            piece = flat[start : start + PERIOD]
            piece[:] = self._cupy.floor(generator.random(piece.size, dtype="float32") * STEPS) / STEPS
        return array

    def fuse(
        self, step: Step, chain: tuple[OpShapes, ...], inputs: tuple[tuple[Array, ...], ...]
    ) -> Callable[[Any], Array]:
        """One reduction kernel over column × row, which are broadcast by strides: no matrix is ever stored."""
        if not is_outer_sum(step.ops):
            raise StepFailure(FUSED_BY_CUPY)
        total = step.ops[1]
        assert isinstance(total, Sum)
        axis, (column, row) = total.axis, inputs[0]
        kernel = self._outer_sum_kernel("double" if step.dtype == "float64" else "float")
        kernel(column, row, axis=axis)
        return lambda _: kernel(column, row, axis=axis)

    def _outer_sum_kernel(self, accumulator: str) -> Callable[..., Array]:
        return self._cupy.ReductionKernel(
            in_params="T x, T y",
            out_params="T z",
            map_expr=f"({accumulator})x * ({accumulator})y",
            reduce_expr="a + b",
            post_map_expr="z = a",
            identity="0",
            name="flopprof_outer_sum",
            reduce_type=accumulator,
        )

    def capture(self, rep: Callable[[], Array]) -> Callable[[Any], Array]:
        """Capture on a stream and from a memory pool of the graph's own.

        The pool is never used again and lives as long as the replay: what the graph writes to while it runs,
        workspaces included, cannot be handed to anyone else.
        """
        cuda = self._cupy.cuda
        stream, pool = cuda.Stream(non_blocking=True), cuda.MemoryPool()
        cuda.runtime.deviceSynchronize()
        with cuda.using_allocator(pool.malloc), stream:
            for _ in range(GRAPH_WARM_UP):
                rep()
            stream.synchronize()
            stream.begin_capture()
            output = rep()
            graph = stream.end_capture()
        kept = (output, pool)

        def replay(_: Any) -> Array:
            graph.launch()
            return kept[0]

        return replay

    def read(self, matrix: Array, rows: Index, columns: Index) -> np.ndarray:
        if isinstance(matrix, np.ndarray):
            return self.read_all(matrix[mesh(rows, columns)])
        row_index, column_index = (
            self._cupy.asarray(part) if isinstance(part, np.ndarray) else part for part in mesh(rows, columns)
        )
        return self.read_all(matrix[row_index, column_index])

    def read_all(self, array: Array) -> np.ndarray:
        return self._cupy.asnumpy(array).astype(np.float64)

    def dtype_name(self, array: Array) -> str:
        return array.dtype.name


def _cuda_version(number: int) -> str:
    """CUDA's 13020 as 13.2."""
    return f"{number // 1000}.{number % 1000 // 10}"
