"""Which kernels are NCCL's, and what kind of collective each one is.

NCCL's kernels are called after what they do, in ways that changed with its versions:

    ncclDevKernel_AllReduce_Sum_f32_RING_LL(…)     2.19 and later; ncclSymkDevKernel_… for symmetric memory
    ncclKernel_AllReduce_RING_LL_Sum_float(…)      2.12 and later
    ncclAllReduceRingLLKernel_sum_f32(…)           before
    ncclDevKernel_Generic_4(…)                     any collective that has no kernel of its own
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..arithmetic.arrays import NONE, Codes

_KERNEL = re.compile(
    r"\bnccl(?:\w*?Kernel_(?P<name>[A-Z][A-Za-z]*)|(?P<old>[A-Z][A-Za-z]*?)(?:Ring|Tree|CollNet|NVLS)\w*?Kernel)"
)

SYNCHRONISING = frozenset({"AllReduce", "AllGather", "ReduceScatter", "AlltoAll", "AllToAll"})
"""Families in which no rank can be done before the last has arrived; a broadcast's root can."""


def family_of(kernel: str) -> str | None:
    """What a kernel of NCCL does, None for other kernels.

    >>> family_of("ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgsStorage<(unsigned long)4096>)")
    'AllReduce'
    >>> family_of("ncclAllGatherRingLLKernel_sum_i8(ncclColl)"), family_of("ncclDevKernel_Generic_4(ncclArgs)")
    ('AllGather', 'Generic')
    >>> family_of("void at::native::reduce_kernel<512, 1>(T)") is None
    True
    """
    match = _KERNEL.search(kernel)
    return None if match is None else match["name"] or match["old"]


def name_families(names: Sequence[str]) -> tuple[tuple[str, ...], Codes]:
    """The families among names, and of each name the place of its family, -1 for what is not NCCL's."""
    found = [family_of(name) for name in names]
    families = tuple(sorted({family for family in found if family is not None}))
    place = {family: at for at, family in enumerate(families)}
    return families, np.array([NONE if one is None else place[one] for one in found] + [NONE], np.int32)
