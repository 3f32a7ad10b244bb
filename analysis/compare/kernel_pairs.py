"""Which kernel of B stands where which kernel of A stood.

Inside one op, kernels of the same full name belong together; then instances of the same template; what is
left was substituted, the longest for the longest; what is still left, only one side runs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..breakdown.kernel_names import read_template
from ..breakdown.rows import KernelRow, Launch
from .measured import MeasuredOp

Presence = Literal["both", "a", "b"]

Kind = Literal["same", "template", "substituted", "only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelUse:
    """One kernel as one op runs it."""

    kernel: str
    ns: float
    """Per rep: median launches, added."""
    per_rep: float
    """Launches a rep."""
    gbps: float | None
    """The op's least bytes over this kernel's time, where it is the op's only kernel."""
    launches: tuple[Launch, ...]
    """Its launch geometries, the one with the most time first."""

    @property
    def launch_ns(self) -> float:
        """The median of one launch, where one a rep is meant; per rep else."""
        return self.ns / self.per_rep


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelPair:
    """A kernel of A and the kernel of B in its place, or one that has no counterpart."""

    op: str
    kind: Kind
    a: KernelUse | None
    b: KernelUse | None

    @property
    def presence(self) -> Presence:
        """On which sides something runs."""
        if self.a is not None and self.b is not None:
            return "both"
        return "b" if self.a is None else "a"

    @property
    def ratio(self) -> float | None:
        """B / A, per rep; None where one side runs nothing."""
        return self.b.ns / self.a.ns if self.a is not None and self.b is not None and self.a.ns else None


def pair_kernels(a: Sequence[MeasuredOp], b: Sequence[MeasuredOp]) -> tuple[KernelPair, ...]:
    """The kernels of two lists of ops; ops join on their name and how often it came before."""
    left, right = _number(a), _number(b)
    pairs: list[KernelPair] = []
    for place in dict.fromkeys([*left, *right]):
        pairs += _pair_op(place[0], left.get(place), right.get(place))
    return tuple(pairs)


def _number(ops: Sequence[MeasuredOp]) -> dict[tuple[str, int], MeasuredOp]:
    seen: dict[str, int] = {}
    numbered: dict[tuple[str, int], MeasuredOp] = {}
    for op in ops:
        seen[op.op] = seen.get(op.op, -1) + 1
        numbered[op.op, seen[op.op]] = op
    return numbered


def _pair_op(op: str, a: MeasuredOp | None, b: MeasuredOp | None) -> list[KernelPair]:
    left, right = _list_uses(a), _list_uses(b)
    pairs: list[KernelPair] = []
    stages: list[tuple[Kind, Callable[[KernelUse], Hashable]]] = [
        ("same", lambda use: use.kernel),
        ("template", lambda use: read_template(use.kernel)),
        ("substituted", lambda _: op),
    ]
    for kind, name in stages:
        for use in list(left):
            partner = next((other for other in right if name(other) == name(use)), None)
            if partner is not None:
                left.remove(use)
                right.remove(partner)
                pairs.append(KernelPair(op=op, kind=kind, a=use, b=partner))
    pairs += [KernelPair(op=op, kind="only", a=use, b=None) for use in left]
    pairs += [KernelPair(op=op, kind="only", a=None, b=use) for use in right]
    return sorted(pairs, key=lambda pair: -max(side.ns for side in (pair.a, pair.b) if side is not None))


def _list_uses(op: MeasuredOp | None) -> list[KernelUse]:
    """An op's kernels, longest first, names breaking ties."""
    if op is None:
        return []
    alone = len(op.kernels) == 1
    uses = [_describe_use(row, op, alone) for row in op.kernels]
    return sorted(uses, key=lambda use: (-use.ns, use.kernel))


def _describe_use(row: KernelRow, op: MeasuredOp, alone: bool) -> KernelUse:
    if row.launches:
        total = sum(launch.median_ns * launch.instances for launch in row.launches)
    else:
        total = row.median_ns * row.instances
    ns = total / op.executions
    return KernelUse(
        kernel=row.kernel,
        ns=ns,
        per_rep=row.instances / op.executions,
        gbps=op.bytes / ns if alone and op.bytes and ns else None,
        launches=tuple(sorted(row.launches, key=lambda launch: -launch.total_ns)),
    )
