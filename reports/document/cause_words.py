"""A cause as a sentence, with the numbers that show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ...analysis.explain.cause import Cause, Code
from ...analysis.explain.explain import Explanation
from ...analysis.explain.subject import Once
from .launches import describe_blocks
from .names import clean, fold_kernel_name
from .numbers import Kind, format_digits, format_quantity, format_value

_WIDTH = 48

_FAR_BELOW = 0.6
"""Of the warps that fit: with fewer active it is not what fits that is too little."""

_BRINGS = {
    "counters": "flopprof run with --evidence counters (Nsight Compute) counts it",
    "auto": "flopprof run with --evidence auto records it",
    "resume": "flopprof run --resume RUN with --evidence counters goes on with it",
    "profile": "flopprof profile with --gpu-metrics HZ samples it",
}


def describe_cause(cause: Cause, once: Once = "rep") -> str:
    """A sentence with its evidence, its part of the rep or instance, and what it explains of the difference at most.

    ``cupy_sum (sum of outer_sum): underfilled: 250 blocks fill 47.3 % of 528 slots; 55 % of the rep, up to 39 % of the
    difference.``
    """
    said = _SAID[cause.code](cause)
    parts = [f"{format_value(cause.share, 'percent')} of the {once}"] if cause.share is not None else []
    explains = cause.of_difference
    parts += [f"up to {format_value(min(explains, 1.0), 'percent')} of the difference"] if explains else []
    return f"{_name(cause)}: {said}{'; ' if parts else ''}{', '.join(parts)}."


def describe_causes(explanations: Sequence[Explanation]) -> list[str]:
    """Every cause that was found, once, those of several explanations too; and where none was."""
    told = [
        describe_cause(cause, explanation.a.once)
        for explanation in explanations
        for cause in explanation.causes
        if cause.code != "not_measured"
    ]
    told += [_tell_unexplained(one) for one in explanations if one.unexplained]
    return list(dict.fromkeys(told))


def _tell_unexplained(explanation: Explanation) -> str:
    slower = explanation.b if explanation.ratio > 1 else explanation.a
    sampled = any(
        side.counters and side.counters.source == "gpu_metrics" for side in (explanation.a, explanation.b)
    )
    unseen = "; samples see no single accesses, which Nsight Compute counts" if sampled else ""
    return f"{clean(slower.name)}: no cause was found: what was measured shows none of those that are known{unseen}."


def describe_missing(explanations: Iterable[Explanation]) -> list[str]:
    """What was not measured and what brings it, of all the sides that lack the same."""
    missing: dict[str, dict[str, None]] = {}
    for cause in (cause for explanation in explanations for cause in explanation.causes):
        if cause.code == "not_measured":
            missing.setdefault(_not_measured(cause), {})[clean(cause.side)] = None
    return [f"{', '.join(sides)}: {said}." for said, sides in missing.items()]


def _name(cause: Cause) -> str:
    side = clean(cause.side)
    if cause.op is None:
        return side
    if cause.kernel is None:
        return f"{clean(cause.op)} of {side}"
    return f"{fold_kernel_name(cause.kernel, _WIDTH)} ({clean(cause.op)} of {side})"


_LIMITERS = {
    "registers": "their registers",
    "shared memory": "their shared memory",
    "block size": "the block's size",
}


def _number(cause: Cause, name: str) -> float | None:
    value = cause.evidence.get(name)
    return None if value is None or isinstance(value, str) else value


def _write(cause: Cause, name: str, kind: Kind) -> str:
    return format_quantity(_number(cause, name), kind)


def _at_roof(cause: Cause) -> str:
    share = _number(cause, "memory_share")
    return f", {format_value(share, 'percent')} of the memory's roof" if share is not None else ""


def _moved(cause: Cause) -> str:
    return (
        f"moved {_write(cause, 'moved_bytes', 'bytes')} of at least {_write(cause, 'least_bytes', 'bytes')}"
    )


def _launch_bound(cause: Cause) -> str:
    exposed, whole = (_write(cause, name, "time") for name in ("exposed_ns", "time_ns"))
    return f"launch-bound: nothing runs on the GPU in {exposed} of {whole}"


def _memory_bound(cause: Cause) -> str:
    counted = _number(cause, "moved_bytes") is not None
    what = "its bytes" if counted else "its least bytes"
    share, attained = (_write(cause, name, "percent") for name in ("memory_share", "attained_share"))
    seen = f" and {attained} of what kernels get of it" if attained != share else ""
    return f"memory-bound: {what} take {share} of the memory's roof{seen}, so only fewer bytes help"


def _compute_bound(cause: Cause) -> str:
    return f"compute-bound: {_write(cause, 'pipe_share', 'percent')} of the roof of its arithmetic"


def _underfilled(cause: Cause) -> str:
    blocks, slots, waves = (_number(cause, name) for name in ("blocks", "slots", "waves"))
    assert blocks is not None and slots is not None and waves is not None
    filled = describe_blocks(round(blocks), round(slots), waves, with_tail=True)
    return f"underfilled: {filled}, so that too little of the GPU works{_at_roof(cause)}"


def _low_occupancy(cause: Cause) -> str:
    limiter = cause.evidence.get("limiter")
    occupancy = _number(cause, "occupancy")
    by = f", limited by {_LIMITERS.get(str(limiter), str(limiter))}" if limiter is not None else ""
    fits = f"{format_value(occupancy, 'percent')} of an SM's warps fit{by}" if occupancy is not None else ""
    active = _number(cause, "warps")
    works = f"{format_value(active, 'percent')} are active" if active is not None else ""
    said = ", ".join(text for text in (fits, works) if text)
    if occupancy is not None and active is not None and active < _FAR_BELOW * occupancy:
        said = f"{fits} and {works}: blocks end sooner than others take their places"
        return f"few warps: {said}{_at_roof(cause)}"
    return f"low occupancy: {said}{_at_roof(cause)}"


def _uncoalesced(cause: Cause) -> str:
    sectors, ideal = _number(cause, "sectors_per_request"), _number(cause, "ideal")
    assert sectors is not None and ideal is not None
    way = "load" if cause.evidence.get("way") == "load" else "store"
    return (
        f"uncoalesced: a warp's {way} touches {format_digits(sectors)} sectors of 32 bytes, "
        f"{format_digits(ideal)} where its lanes are neighbours"
    )


def _narrow_loads(cause: Cause) -> str:
    sectors, wide = (_number(cause, name) for name in ("sectors_per_request", "other_sectors"))
    assert sectors is not None and wide is not None
    return (
        f"narrow loads: a warp's load takes {format_digits(sectors)} sectors of 32 bytes, {format_digits(wide)} on the "
        f"faster side, so that as many warps keep fewer bytes on their way{_at_roof(cause)}"
    )


def _extra_traffic(cause: Cause) -> str:
    return f"extra traffic: it {_moved(cause)}, {_write(cause, 'excess', 'ratio')}"


def _cache_hits(cause: Cause) -> str:
    other = _write(cause, "other_excess", "ratio")
    return f"fast for its cache hits: it {_moved(cause)}, as the L2 served the rest, the slower one {other} its least"


def _extra_arithmetic(cause: Cause) -> str:
    return (
        f"extra arithmetic: it executes {_write(cause, 'executed_over_counted', 'ratio')} the FLOPs it needs, "
        f"{_write(cause, 'pipe_share', 'percent')} of the roof of its arithmetic"
    )


def _page_faults(cause: Cause) -> str:
    result = _number(cause, "result_bytes")
    fresh = f" for {format_value(result, 'bytes')} of fresh result" if result else ""
    return (
        f"page faults: {_write(cause, 'minor_faults', 'count')} a rep{fresh}; "
        f"the system takes {_write(cause, 'system_share', 'percent')} of its CPU time"
    )


def _few_cores(cause: Cause) -> str:
    return (
        f"few cores: {_write(cause, 'cores', 'number')} of {_write(cause, 'cores_allowed', 'count')} at work"
    )


def _not_measured(cause: Cause) -> str:
    lacks = (
        "user and system time"
        if cause.evidence.get("lacks") == "cpu"
        else "what the kernels move and execute"
    )
    why = cause.evidence.get("why")
    reason = f" ({clean(str(why)).rstrip('.')})" if why else ""
    return f"not measured: {lacks}{reason}; {_BRINGS[str(cause.evidence.get('brings'))]}"


_SAID: dict[Code, Callable[[Cause], str]] = {
    "launch_bound": _launch_bound,
    "memory_bound": _memory_bound,
    "compute_bound": _compute_bound,
    "underfilled": _underfilled,
    "low_occupancy": _low_occupancy,
    "uncoalesced": _uncoalesced,
    "narrow_loads": _narrow_loads,
    "extra_traffic": _extra_traffic,
    "cache_hits": _cache_hits,
    "extra_arithmetic": _extra_arithmetic,
    "page_faults": _page_faults,
    "few_cores": _few_cores,
    "not_measured": _not_measured,
}
