"""What a workload library must be able to do.

A backend is one library on one device. The library is imported when it is opened, never before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..operations.ops import Function, Op, reuses_output
from ..operations.shapes import OpShapes, chain_shapes
from ..operations.user_function import bind_function
from ..plan.step import Step
from ..plan.work import needed_bytes, step_labels
from .failures import step_failures
from .program import Allocate, Array, Call, Program, Reused, allocate_inputs, chain_calls, compose

Index = np.ndarray | slice
"""Rows or columns of a matrix."""


class Backend(ABC):
    """One library on one device; all methods run in the thread that opened it."""

    name: str
    device: str
    folder: Path | None = None
    """Where the user's own functions are looked for first."""

    def build(self, step: Step, seed: int) -> Program:
        """Allocate the step's inputs, uniform random in [0, 1), and prepare its calls.

        A fused step is compiled here, a graph captured. Raises StepFailure.
        """
        with step_failures():
            chain = chain_shapes(step.ops, step.params)
            # A library's own operation takes as long whatever the numbers are; a user's function may look at them.
            repeat = not any(isinstance(op, Function) for op in step.ops)
            inputs = allocate_inputs(chain, self.allocator(step.dtype, seed, repeat=repeat))
            return Program(self._calls(step, chain, inputs), inputs)

    def _calls(
        self, step: Step, chain: tuple[OpShapes, ...], inputs: tuple[tuple[Array, ...], ...]
    ) -> tuple[Call, ...]:
        if step.mode == "fused":
            return (Call(step_labels(step)[0], self.fuse(step, chain, inputs)),)
        calls = chain_calls(chain, inputs, self._operation)
        if step.mode == "graph":
            return (Call("replay", self.capture(compose(calls))),)
        return calls

    def _operation(self, op: Op) -> Callable[..., Array]:
        if isinstance(op, Function):
            return bind_function(op, self.folder)
        return Reused(self.operation(op)) if reuses_output(op) else self.operation(op)

    def needed_bytes(self, step: Step) -> int:
        """Memory of this device that the step's arrays take, about."""
        return needed_bytes(step)

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """The library's version and those of what it was built with."""

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """Settings that change results: TF32 (off), threads, accelerators."""

    @abstractmethod
    def free_bytes(self) -> int:
        """Memory this process can still have on the device."""

    @abstractmethod
    def release(self) -> None:
        """Give cached memory back, after a step."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until the device has done everything."""

    @abstractmethod
    def record_event(self) -> Any:
        """An event in the current stream; on a CUDA device only."""

    @abstractmethod
    def elapsed_ns(self, start: Any, end: Any) -> float:
        """Nanoseconds between two recorded events, after a synchronisation."""

    @abstractmethod
    def operation(self, op: Op) -> Callable[..., Array]:
        """The library's function for an op: all operands in, a fresh result out, or that given as ``out``."""

    @abstractmethod
    def allocator(self, dtype: str, seed: int, *, repeat: bool = False) -> Allocate:
        """A function that allocates and fills the step's inputs one after the other.

        With ``repeat`` numbers of large ones in host memory may come again and again.
        """

    @abstractmethod
    def fuse(
        self, step: Step, chain: tuple[OpShapes, ...], inputs: tuple[tuple[Array, ...], ...]
    ) -> Callable[[Any], Array]:
        """The chain as one compiled call."""

    @abstractmethod
    def capture(self, rep: Callable[[], Array]) -> Callable[[Any], Array]:
        """A rep as a CUDA graph; the call replays it and returns its (always same) output."""

    @abstractmethod
    def read(self, matrix: Array, rows: Index, columns: Index) -> np.ndarray:
        """The elements where rows and columns meet, as float64 on the host."""

    @abstractmethod
    def read_all(self, array: Array) -> np.ndarray:
        """A whole array as float64 on the host."""

    @abstractmethod
    def dtype_name(self, array: Array) -> str:
        """The array's dtype in a scenario's words."""


def mesh(rows: Index, columns: Index) -> tuple[Index, Index]:
    """An index of the block where rows and columns meet, also when both are arrays."""
    if isinstance(rows, np.ndarray) and isinstance(columns, np.ndarray):
        return rows[:, None], columns
    return rows, columns
