"""PyTorch on the CPU or a CUDA device."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable
from functools import partial
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
from ..plan.step import Step
from .backend import Backend, Index, mesh
from .memory import host_free_bytes
from .program import Allocate, Array
from .uniform import fill_uniform

GRAPH_WARM_UP = 3
"""Reps on a side stream before capture, as PyTorch's documentation of CUDA graphs asks for."""

CXX_COMPILER = "g++"
"""What torch.compile calls on the CPU, for a worker's environment has no CXX."""


class TorchBackend(Backend):
    """PyTorch's own functions, one call an op; ``torch.compile`` and CUDA graphs for the other modes."""

    name = "torch"

    def __init__(self, device: str) -> None:
        os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no pool of processes inside a recording
        import torch

        if device == "cuda" and not torch.cuda.is_available():
            built = "sees no CUDA device" if torch.version.cuda else "is built without CUDA"
            raise BackendUnavailable(f"torch {torch.__version__} {built}")
        torch.set_float32_matmul_precision("highest")  # TF32 off
        self.device = device
        self._torch = torch

    def versions(self) -> dict[str, str]:
        cuda = self._torch.version.cuda
        return {"torch": self._torch.__version__, **({"torch cuda": cuda} if cuda else {})}

    def settings(self) -> dict[str, str]:
        precision = self._torch.get_float32_matmul_precision()
        return {
            "torch tf32": "off" if precision == "highest" else "on",
            "torch threads": str(self._torch.get_num_threads()),
        }

    def free_bytes(self) -> int:
        if self.device == "cpu":
            return host_free_bytes()
        cuda = self._torch.cuda
        return cuda.mem_get_info()[0] + cuda.memory_reserved() - cuda.memory_allocated()

    def release(self) -> None:
        gc.collect()
        if self.device == "cuda":
            self._torch.cuda.empty_cache()

    def synchronize(self) -> None:
        if self.device == "cuda":
            self._torch.cuda.synchronize()

    def record_event(self) -> Any:
        event = self._torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def elapsed_ns(self, start: Any, end: Any) -> float:
        return start.elapsed_time(end) * 1e6

    def operation(self, op: Op) -> Callable[..., Array]:
        torch = self._torch
        match op:
            case Matvec() | Matmul() | Outer(via="matmul"):
                return torch.mm
            case Outer():
                return torch.mul
            case Sum(axis=axis):
                return partial(torch.sum, dim=axis)
            case HostToDevice(memory=memory):
                return lambda host: host.to("cuda", non_blocking=memory == "pinned")
            case DeviceToHost(memory="pinned"):
                return self._to_pinned
            case DeviceToHost():
                return lambda array: array.to("cpu")
            case Function():
                raise AssertionError("a user's function is bound by the caller")

    def _to_pinned(self, array: Array) -> Array:
        host = self._torch.empty(array.shape, dtype=array.dtype, pin_memory=True)
        return host.copy_(array, non_blocking=True)

    def allocator(self, dtype: str, seed: int, *, repeat: bool = False) -> Allocate:
        torch = self._torch
        kind = getattr(torch, dtype)
        generators = {place: torch.Generator(place).manual_seed(seed) for place in {"cpu", self.device}}
        host_generator = np.random.default_rng(seed)

        def allocate(shape: Shape, memory: HostMemory | None) -> Array:
            place = self.device if memory is None else "cpu"
            array = torch.empty(shape, dtype=kind, device=place, pin_memory=memory == "pinned")
            if place == "cuda" or dtype == "bfloat16":  # which NumPy does not have
                return array.uniform_(generator=generators[place])
            fill_uniform(array.numpy(), host_generator, repeat=repeat)
            return array

        return allocate

    def fuse(
        self, step: Step, chain: tuple[OpShapes, ...], inputs: tuple[tuple[Array, ...], ...]
    ) -> Callable[[Any], Array]:
        self._require_compiler()
        torch = self._torch
        operations = tuple(self._fusible(shapes.op) for shapes in chain)
        torch.compiler.reset()  # else the ninth step would run into the limit of recompilations

        def whole(operands: tuple[tuple[Array, ...], ...]) -> Array:
            value = operations[0](*operands[0])
            for operation, own in zip(operations[1:], operands[1:], strict=True):
                value = operation(value, *own)
            return value

        own_code = any(isinstance(op, Function) for op in step.ops)
        compiled = torch.compile(whole, dynamic=False, fullgraph=not own_code)
        compiled(inputs)
        return lambda _: compiled(inputs)

    def _fusible(self, op: Op) -> Callable[..., Array]:
        """The op's function, the outer product always as a multiplication: a matrix product is not fused into."""
        return self._torch.mul if isinstance(op, Outer) else self._operation(op)

    def _require_compiler(self) -> None:
        if self.device == "cpu" and shutil.which(CXX_COMPILER) is None:
            raise StepFailure("torch.compile needs a C++ compiler on the CPU; install g++")

    def capture(self, rep: Callable[[], Array]) -> Callable[[Any], Array]:
        cuda = self._torch.cuda
        side = cuda.Stream()
        side.wait_stream(cuda.current_stream())
        with cuda.stream(side):
            for _ in range(GRAPH_WARM_UP):
                rep()
        cuda.current_stream().wait_stream(side)
        cuda.synchronize()
        graph = cuda.CUDAGraph()
        with cuda.graph(graph):
            output = rep()

        def replay(_: Any) -> Array:
            graph.replay()
            return output

        return replay

    def read(self, matrix: Array, rows: Index, columns: Index) -> np.ndarray:
        as_tensor = self._torch.from_numpy
        row_index, column_index = (
            as_tensor(part).to(matrix.device) if isinstance(part, np.ndarray) else part
            for part in mesh(rows, columns)
        )
        return self.read_all(matrix[row_index, column_index])

    def read_all(self, array: Array) -> np.ndarray:
        return array.detach().to(self._torch.float64).cpu().numpy()

    def dtype_name(self, array: Array) -> str:
        return str(array.dtype).removeprefix("torch.")
