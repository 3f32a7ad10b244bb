"""What a key says by its name: the unit that it ends in, and the words that every document uses alike."""

from __future__ import annotations

UNITS = "A name's ending is its unit; unknown, not measured and undefined are null, never 0. Keys are only ever added."
"""What every schema says of itself."""

_ENDINGS = {
    "bytes_per_s": "Bytes per second.",
    "flops_per_s": "Floating-point operations per second.",
    "bytes": "Bytes.",
    "flops": "Floating-point operations.",
    "gbps": "10⁹ bytes per second.",
    "tflops": "10¹² floating-point operations per second.",
    "ns": "Nanoseconds.",
    "seconds": "Seconds.",
    "hz": "Per second.",
    "mhz": "Megahertz.",
    "pct": "Percent.",
    "share": "A share: 1 is all.",
    "ratio": "A ratio: 1 is equal.",
    "slowdown": "A ratio: 1 is equal.",
}

_PLURALS = ("instances", "faults", "switches", "allowed", "cycles", "instructions", "processes")

_NUMBERS = {
    "flopprof": "Version of the document.",
    "pid": "Process.",
    "tid": "Thread.",
    "device": "A GPU by its number; null for the host, or where the records do not say which.",
    "ordinal": "A GPU's number for its process.",
    "registers": "For each thread.",
    "occupancy": "Theoretical: a share of the warps that an SM can hold.",
    "fill": "A share of the GPU's places for blocks.",
    "activities": "How many pieces of device work.",
    "reps": "Executions of a step that were timed.",
    "warmup": "Executions before those.",
    "instance": "Its number, in the order of time.",
    "index": "Its place, from 0.",
    "payload": "The number that the range carries.",
    "start_ns": "On the trace's clock.",
    "p": "Probability by a rank test, adjusted for several (Holm).",
    "n": "Rows and columns.",
    "load_sectors_per_request": "Sectors of 32 bytes.",
    "store_sectors_per_request": "Sectors of 32 bytes.",
}
"""What a number means by its whole name."""

_COUNTS = ("count", "launches", "cores", "samples", "steps", "done", "failed", "shards", "calls", "load")

_WORDS = {
    "grid": "Blocks in x, y and z.",
    "block": "Threads in x, y and z.",
    "interval": "The 95 % interval of the ratio, its lower and its upper end.",
    "untraced_interval": "The 95 % interval of untraced_ns, its lower and its upper end, in nanoseconds.",
    "params": "What the sweep set, by name.",
    "domain": "The NVTX domain; empty for the default one.",
    "kernel": "Its full demangled name.",
}
"""The same of what is no number."""


def describe_key(name: str, *, is_number: bool) -> str:
    """What a key means by its name alone; nothing where that says nothing.

    >>> describe_key("kernel_ns", is_number=True), describe_key("steps", is_number=False)
    ('Nanoseconds.', '')
    """
    name = name.removesuffix("_a").removesuffix("_b")  # of the sides of a comparison
    endings = [text for ending, text in _ENDINGS.items() if name == ending or name.endswith(f"_{ending}")]
    if not is_number:
        return _WORDS.get(name, "ISO 8601, UTC." if name.endswith("_at") else "")
    count = "How many." if name in _COUNTS or name.endswith(_PLURALS) else ""
    return " ".join(text for text in (_NUMBERS.get(name, ""), *endings[:1], count) if text)
