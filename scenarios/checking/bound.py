"""How far a right result may lie from the float64 one.

Inputs lie in [0, 1), so nothing cancels and a relative bound holds: each op may add ``K·u_acc + 4·u`` (K the length
of its reduction, u the unit roundoff of the dtype, u_acc that of the accumulator; Higham, Accuracy and Stability of
Numerical Algorithms, §3.1). Half-precision types are accumulated in float32 by every library here but NumPy, whose
float16 sum accumulates in float16: for long reductions its bound is so wide that only grossly wrong results fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..operations.ops import COPIES, Function, Matmul, Matvec, Sum
from ..operations.shapes import OpShapes
from ..plan.step import Step

ROUNDOFF = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}

SMALLEST = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}
"""The smallest normal number: below it rounding is absolute."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a result may be from the reference: ``relative · |reference| + absolute``."""

    relative: float
    absolute: float


def error_bound(chain: Sequence[OpShapes], step: Step) -> Bound:
    """The bound of this module's docstring, added up over the chain."""
    if all(isinstance(shapes.op, COPIES) for shapes in chain):
        return Bound(0.0, 0.0)
    unit, accumulator = roundoffs(step)
    relative = sum(reduction_length(shapes) * accumulator + 4 * unit for shapes in chain)
    return Bound(relative, SMALLEST[step.dtype])


def reduction_length(shapes: OpShapes) -> int:
    """The length of an op's reduction; 1 where it has none."""
    match shapes.op:
        case Matvec() | Matmul():
            return shapes.operands[0][1]
        case Sum(axis=axis):
            return shapes.operands[0][axis]
        case Function():
            return max((length for shape in shapes.operands for length in shape), default=1)
        case _:
            return 1


def roundoffs(step: Step) -> tuple[float, float]:
    """Unit roundoff of the dtype, and of what its reductions accumulate in."""
    unit = ROUNDOFF[step.dtype]
    in_half = step.backend == "numpy" and step.dtype == "float16"
    return unit, unit if in_half else min(unit, ROUNDOFF["float32"])
