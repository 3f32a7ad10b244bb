"""Which kernel of B stands where which kernel of A stood.

Inside one op, kernels of the same full name belong together, and a number that a compiler gave (inductor's
``triton_poi_fused_add_4``) is no part of it, nor is how a recorder spells it; then instances of the same template;
what is left was substituted
where it stands at the same place in the order of launch, kernels of one geometry first; what is still left,
only one side runs. How long a kernel takes never decides what it is paired with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..breakdown.kernel_names import read_template, unify_spelling
from ..breakdown.rows import KernelRow, Launch
from .measured import MeasuredOp

Presence = Literal["both", "a", "b"]

Kind = Literal["same", "template", "substituted", "only"]

_GENERATED = re.compile(r"^triton_|fus(?:ion|ed)|^(?:wrapped|nvfuser|loop|input|custom|cutlass_op|copy)_")

_NUMBERED = re.compile(r"(?:[_.$]\d+)+$")


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
    first_ns: int | None = None
    """When the first of them began."""

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
    found: list[tuple[Kind, KernelUse, KernelUse]] = []
    for kind, name in _STAGES:
        for one, other in _pair_named(left, right, name):
            left.remove(one)
            right.remove(other)
            found.append((kind, one, other))
    pairs = [KernelPair(op=op, kind=kind, a=one, b=other) for kind, one, other in found]
    pairs += [
        KernelPair(op=op, kind="substituted", a=one, b=other)
        for one, other in _pair_between(left, right, [(one, other) for _, one, other in found])
    ]
    taken = {id(use) for pair in pairs for use in (pair.a, pair.b)}
    pairs += [KernelPair(op=op, kind="only", a=use, b=None) for use in left if id(use) not in taken]
    pairs += [KernelPair(op=op, kind="only", a=None, b=use) for use in right if id(use) not in taken]
    return sorted(pairs, key=lambda pair: -max(side.ns for side in (pair.a, pair.b) if side is not None))


def fold_generated(kernel: str) -> str:
    """A kernel's name without the number that a compiler gave it.

    >>> fold_generated("triton_poi_fused_add_4"), fold_generated("loop_add_fusion_3")
    ('triton_poi_fused_add', 'loop_add_fusion')
    >>> fold_generated("gemm2"), fold_generated("my_kernel_64")
    ('gemm2', 'my_kernel_64')
    """
    return _NUMBERED.sub("", kernel) if _GENERATED.search(kernel) else kernel


_STAGES: tuple[tuple[Kind, Callable[[str], str]], ...] = (
    ("same", fold_generated),
    ("same", unify_spelling),
    ("template", read_template),
)


def _pair_named(
    left: Sequence[KernelUse], right: Sequence[KernelUse], name: Callable[[str], str]
) -> list[tuple[KernelUse, KernelUse]]:
    """Kernels of one name; where the numbers of generated ones differ between the sides, they do not count."""
    groups: dict[str, tuple[list[KernelUse], list[KernelUse]]] = {}
    for side, uses in enumerate((left, right)):
        for use in uses:
            groups.setdefault(name(use.kernel), ([], []))[side].append(use)
    return [pair for ours, theirs in groups.values() for pair in _pair_alike(ours, theirs)]


def _pair_alike(left: Sequence[KernelUse], right: Sequence[KernelUse]) -> list[tuple[KernelUse, KernelUse]]:
    """By full name where one side has all names of the other, else by geometry, else in the order of launch."""
    names, others = ({use.kernel for use in side} for side in (left, right))
    if names <= others or others <= names:
        keys: list[Callable[[KernelUse], object]] = [lambda use: use.kernel]
    else:
        keys = [_describe_launch, lambda _: None]
    rest, others_left = list(left), list(right)
    pairs: list[tuple[KernelUse, KernelUse]] = []
    for key in keys:
        for use in list(rest):
            partner = next((other for other in others_left if key(other) == key(use)), None)
            if partner is not None:
                rest.remove(use)
                others_left.remove(partner)
                pairs.append((use, partner))
    return pairs


def _describe_launch(use: KernelUse) -> object:
    """The main geometry, and how often a rep launches it."""
    launch = use.launches[0] if use.launches else None
    return (launch.grid, launch.block) if launch else None, round(use.per_rep, 3)


def _pair_between(
    left: Sequence[KernelUse],
    right: Sequence[KernelUse],
    anchors: Sequence[tuple[KernelUse, KernelUse]],
) -> list[tuple[KernelUse, KernelUse]]:
    """What stands at the same place between kernels that are paired: of one geometry first, else in order."""
    before_a, before_b = ([side[at].first_ns for side in anchors] for at in (0, 1))
    ours, theirs = _gather(left, before_a), _gather(right, before_b)
    return [pair for place, uses in ours.items() for pair in _pair_alike(uses, theirs.get(place, []))]


def _gather(
    uses: Sequence[KernelUse], anchors: Sequence[int | None]
) -> dict[frozenset[int], list[KernelUse]]:
    """Kernels by which anchors began before them."""
    found: dict[frozenset[int], list[KernelUse]] = {}
    for use in uses:
        place = frozenset(
            at
            for at, begun in enumerate(anchors)
            if begun is not None and use.first_ns is not None and begun < use.first_ns
        )
        found.setdefault(place, []).append(use)
    return found


def _list_uses(op: MeasuredOp | None) -> list[KernelUse]:
    """An op's kernels in the order of launch; where that is not known, by their names."""
    if op is None:
        return []
    alone = len(op.kernels) == 1
    uses = [_describe_use(row, op, alone) for row in op.kernels]
    return sorted(uses, key=lambda use: (use.first_ns is None, use.first_ns or 0, use.kernel))


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
        first_ns=row.first_ns,
    )
