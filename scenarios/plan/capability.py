"""Which combinations of backend, device, dtype and mode exist at all, on any machine."""

from __future__ import annotations

from collections.abc import Sequence

from ..operations.ops import COPIES, Matmul, Matvec, Op, Outer, Sum, reuses_output

CAPTURED_BY_CUPY = (
    "CuPy cannot record matrix products (cuBLAS) in a CUDA graph; {outer: {via: multiply}} it can"
)

NO_OUTPUT = "a fused chain is one call whose result is always fresh; out: reuse needs mode eager or graph"

FUSED_BY_CUPY = "CuPy fuses outer followed by sum only; other fused chains need torch"


def why_impossible(
    backend: str, device: str, dtype: str, mode: str, ops: Sequence[Op], variant: str
) -> tuple[str, str] | None:
    """None when the combination exists, else its label and the reason.

    The label is as wide as the reason: ``numpy cuda`` stands for every step of NumPy on a GPU.

    >>> why_impossible("numpy", "cuda", "float32", "eager", (), "matvec")
    ('numpy cuda', 'NumPy computes on the CPU only')
    """
    place = f"{backend} {device}"
    if backend == "numpy" and device == "cuda":
        return place, "NumPy computes on the CPU only"
    if backend == "cupy" and device == "cpu":
        return place, "CuPy computes on CUDA devices only"
    if dtype == "bfloat16" and backend != "torch":
        return f"{place} {dtype}", "bfloat16 runs in torch only"
    reason = _why_mode_impossible(backend, device, mode, ops)
    return None if reason is None else (f"{variant} {place}", reason)


def _why_mode_impossible(backend: str, device: str, mode: str, ops: Sequence[Op]) -> str | None:
    if device == "cpu" and any(isinstance(op, COPIES) for op in ops):
        return "copies between host and device need a CUDA device"
    if mode == "graph" and device == "cpu":
        return "CUDA graphs need a CUDA device"
    if mode == "graph" and backend == "cupy" and any(uses_cublas(op) for op in ops):
        return CAPTURED_BY_CUPY
    if mode == "fused" and any(reuses_output(op) for op in ops):
        return NO_OUTPUT
    if mode == "fused" and backend == "numpy":
        return "NumPy has no fused mode"
    if mode == "fused" and backend == "cupy" and not is_outer_sum(ops):
        return FUSED_BY_CUPY
    return None


def uses_cublas(op: Op) -> bool:
    """Whether a library makes this op of its matrix product."""
    return isinstance(op, (Matvec, Matmul)) or (isinstance(op, Outer) and op.via == "matmul")


def is_outer_sum(ops: Sequence[Op]) -> bool:
    """Whether a chain is an outer product and the sum of its result."""
    return len(ops) == 2 and isinstance(ops[0], Outer) and isinstance(ops[1], Sum)
