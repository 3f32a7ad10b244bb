"""What would make a slow side faster, for each cause of the closed list, or a step by itself: clauses after "To
speed up outer_sum:".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from ...analysis.explain.cause import Cause
from ...analysis.explain.holdups import Holdup, HoldupCode, WaitCode
from .factor_words import PHRASES
from .names import clean, fold_kernel_name, list_names
from .numbers import format_value

_FUSE, _FEWER_BYTES = "fuse its operations", "move fewer bytes (fuse, or a narrower dtype)"

_FEWER_LAUNCHES = "launch less often (fuse, or replay a CUDA graph)"

_KERNEL_WIDTH = 32

_MEASURE = "measure first what its kernels move"

_REMEDIES: dict[HoldupCode, str | None] = {
    "launch_bound": _FEWER_LAUNCHES,
    "memory_bound": _FEWER_BYTES,
    "compute_bound": "use tensor cores or a narrower dtype",
    "underfilled": "launch more or smaller blocks",
    "low_occupancy": "let more warps run on each SM",
    "uncoalesced": "let neighbouring threads access neighbouring places",
    "narrow_loads": "load several items a thread at once (vector loads)",
    "extra_traffic": "use again what is in the cache (tile, or fuse)",
    "cache_hits": None,
    "extra_arithmetic": "use a kernel without the extra arithmetic",
    "page_faults": "write into memory that is kept, not into a fresh result",
    "few_cores": "let all cores work",
    "not_measured": f"{_MEASURE} (--evidence counters)",
    "launches_between": _FEWER_LAUNCHES,
    "late_host": "prepare the next work while the GPU is busy (in another thread or process)",
    "unmarked": "mark the program's own code that lies in none of its parts",
    "synchronising": "wait for the GPU less often (.item(), print, synchronize)",
    "allocating": "allocate once and keep the memory",
    "loading": "load its kernels before (a warm-up)",
    "pageable_copies": "copy from and to pinned memory, beside kernels",
    "exposed_copies": "copy on a stream of its own, beside kernels",
    "device_copies": "copy less within the GPU (work in place)",
    "managed_copies": "prefetch managed memory",
    "collectives": "communicate beside kernels (`flopprof ranks` says who is waited for)",
    "longest_part": "begin",
}
"""Cache hits slow nothing down."""

_BROUGHT_BY = {
    "profile": f"{_MEASURE} (profile --gpu-metrics 10000)",
    "nodes": "record first its CUDA graphs node by node (--cuda-graph-trace=node)",
}

_OWN_STREAM = {
    "pageable_copies": "copy from and to pinned memory",
    "exposed_copies": "copy less, or begin earlier: its copies have streams of their own already",
}
"""Against copies in whose streams no kernel runs."""

OF_SEVERAL = {"is": "are", "has": "have", "moves": "move", "runs": "run"}
"""The verbs of what is said of kernels."""

_OF_LIMITERS = {
    "registers": "use a kernel that takes fewer registers",
    "shared memory": "use a kernel that takes less shared memory",
    "block size": "use blocks of another size",
}


def tell_remedy(cause: Cause | Holdup) -> str | None:
    """What to try against one cause; None where there is nothing to mend."""
    limiter = cause.evidence.get("limiter")
    if cause.code == "low_occupancy" and isinstance(limiter, str):
        return _OF_LIMITERS.get(limiter, _REMEDIES[cause.code])
    if cause.code == "launch_bound" and cause.evidence.get("within_graphs"):
        return "fuse its kernels"
    if cause.code == "not_measured" and (brings := _BROUGHT_BY.get(str(cause.evidence.get("brings")))):
        return brings
    if cause.code == "unmarked" and cause.evidence.get("steps") is None:
        steps = "first mark its steps (`flopprof.mark_step()`) or choose a --range"
        return f"{steps}, to leave out the program's own code in no range"
    if cause.evidence.get("own_stream") and cause.code in _OWN_STREAM:
        return _OWN_STREAM[cause.code]
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


def tell_holdups(name: str | None, holdups: Sequence[Holdup]) -> str:
    """The sentence after what is slow; ``name`` is the step's, None for a whole trace. Each remedy is told once."""
    told: dict[str, list[Holdup]] = {}
    for holdup in sorted(holdups, key=lambda one: one.code == "not_measured"):
        if remedy := tell_remedy(holdup):
            told.setdefault(remedy, []).append(holdup)
    clauses = [
        f"{remedy}{_tell_places(against)}, {format_value(sum(one.share for one in against), 'percent')}"
        for remedy, against in told.items()
    ]
    if not clauses:
        return ""
    of = "the time in ranges" if name is None and holdups[0].code == "longest_part" else "it"
    start = "To speed it up" if name is None else f"To speed up {name}"
    return f"{start}: {'; '.join([f'{clauses[0]} of {of}', *clauses[1:]])}."


def tell_heavy_kernels(holdups: Sequence[Holdup]) -> str:
    """Why its heaviest kernels are slow, or of the heaviest how much it takes where that is not known; else empty."""
    why: dict[str, dict[str, None]] = {}
    phrases_of: dict[str, str] = dict(PHRASES.items())
    for holdup in filter(_is_of_kernel, holdups):
        named = f"{_name_kernel(holdup)} ({format_value(holdup.share, 'percent')} of it)"
        why.setdefault(named, {})[phrases_of[holdup.code]] = None
    if why:
        alike: dict[tuple[str, ...], list[str]] = {}
        for named, phrases in why.items():
            alike.setdefault(tuple(phrases), []).append(named)
        told = [_say_of_all(names, phrases) for phrases, names in alike.items()]
        return f"Of its kernels, {list_names(told) if len(alike) == len(why) else '; '.join(told)}."
    heavy = next((one for one in holdups if one.code == "not_measured" and one.place), None)
    share = heavy.evidence.get("kernel_share") if heavy is not None else None
    if heavy is None or not isinstance(share, float):
        return ""
    return f"Its heaviest kernel is {_name_kernel(heavy)}, {format_value(share, 'percent')} of it."


def _say_of_all(names: Sequence[str], phrases: Sequence[str]) -> str:
    """``a is underfilled``, ``a and b are underfilled``."""
    if len(names) > 1:
        split = [phrase.partition(" ") for phrase in phrases]
        phrases = [f"{OF_SEVERAL[verb]} {rest}" for verb, _, rest in split]
    return f"{list_names(names)} {' and '.join(phrases)}"


def _is_of_kernel(holdup: Holdup) -> bool:
    return (
        holdup.place is not None
        and holdup.code in PHRASES
        and holdup.code not in (*get_args(WaitCode), "launch_bound")
    )


def _name_kernel(holdup: Holdup) -> str:
    return fold_kernel_name(holdup.place or "", _KERNEL_WIDTH)


def _tell_places(holdups: Sequence[Holdup]) -> str:
    """Where a remedy is to be tried: `` for gemm and softmax``, `` in backward``, `` with forward``."""
    held = [one for one in holdups if one.place is not None and one.code != "not_measured"]
    if not held:
        return ""
    above = ", above all" if len(held) < len(holdups) or any(one.spread for one in held) else ""
    if _is_of_kernel(held[0]):
        return f"{above} for {list_names(dict.fromkeys(map(_name_kernel, held)))}"
    word = "with" if held[0].code == "longest_part" else "in"
    return f"{above} {word} {list_names(dict.fromkeys(clean(one.place or '') for one in held))}"
