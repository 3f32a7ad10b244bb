"""What would make a slow side faster, for each cause of the closed list: a clause after "To speed up outer_sum:"."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.explain.cause import Cause, Code

_FUSE, _FEWER_BYTES = "fuse its operations", "move fewer bytes (fuse, or a narrower dtype)"

_REMEDIES: dict[Code, str | None] = {
    "launch_bound": "launch less often (fuse, or replay a CUDA graph)",
    "memory_bound": _FEWER_BYTES,
    "compute_bound": "use tensor cores or a narrower dtype",
    "underfilled": "launch more or smaller blocks",
    "low_occupancy": "let more warps run on each SM",
    "uncoalesced": "let neighbouring threads access neighbouring places",
    "extra_traffic": "use again what is in the cache (tile, or fuse)",
    "cache_hits": None,
    "extra_arithmetic": "use a kernel without the extra arithmetic",
    "page_faults": "write into memory that is kept, not into a fresh result",
    "few_cores": "let all cores work",
    "not_measured": "measure first what its kernels move (--evidence counters)",
}
"""Cache hits slow nothing down."""

_OF_LIMITERS = {
    "registers": "use a kernel that takes fewer registers",
    "shared memory": "use a kernel that takes less shared memory",
    "block size": "use blocks of another size",
}


def tell_remedy(cause: Cause) -> str | None:
    """What to try against one cause; None where there is nothing to mend."""
    limiter = cause.evidence.get("limiter")
    if cause.code == "low_occupancy" and isinstance(limiter, str):
        return _OF_LIMITERS.get(limiter, _REMEDIES[cause.code])
    return _REMEDIES[cause.code]


def tell_remedies(slower: str, causes: Sequence[Cause], *, saves_bytes: bool, ops: int) -> str:
    """The sentence after causes: what to try against them, and where it ``saves_bytes``, against those that must be
    moved; empty where neither is known. Several ``ops`` can be fused.
    """
    told = list(dict.fromkeys(remedy for cause in causes if (remedy := tell_remedy(cause))))
    if saves_bytes and ops > 1:
        told = [_FUSE, *(one for one in told if one != _FEWER_BYTES)]
    elif saves_bytes and _FEWER_BYTES not in told:
        told = [_FEWER_BYTES, *told]
    return f"To speed up {slower}: {'; '.join(told)}." if told else ""
