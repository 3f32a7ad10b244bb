"""How many blocks a launch has, and how much of the GPU they fill, as words."""

from __future__ import annotations

from ...analysis.breakdown.rows import Launch
from .numbers import count_noun, format_value


def describe_fill(launch: Launch) -> str | None:
    """The blocks of a launch against the GPU's slots for them; None where those are not known.

    >>> from flopprof.analysis.breakdown.rows import Launch
    >>> shape = dict(block=(512, 1, 1), registers=24, static_shared_bytes=0, dynamic_shared_bytes=0, occupancy=1.0)
    >>> times = dict(instances=1, total_ns=1, median_ns=1.0)
    >>> describe_fill(Launch(grid=(250, 1, 1), **shape, blocks_per_sm=4, slots=528, waves=250 / 528, **times))
    '250 blocks fill 47.3 % of 528 slots'
    >>> describe_fill(Launch(grid=(625, 1, 1), **shape, blocks_per_sm=4, slots=528, waves=625 / 528, **times))
    '625 blocks are 1.18 waves of 528 slots, the last 18.4 % full'
    """
    if launch.slots is None or launch.waves is None or launch.blocks is None:
        return None
    return describe_blocks(launch.blocks, launch.slots, launch.waves, with_tail=launch.underfilled)


def describe_blocks(blocks: int, slots: int, waves: float, *, with_tail: bool) -> str:
    """So many blocks against so many slots; `with_tail` says how full the last wave is."""
    said = count_noun(blocks, "block")
    if waves <= 1:
        verb = "fills" if blocks == 1 else "fill"
        return f"{said} {verb} {format_value(waves, 'percent')} of {count_noun(slots, 'slot')}"
    rest = waves % 1
    last = f", the last {format_value(rest, 'percent')} full" if with_tail and rest else ""
    return f"{said} are {format_value(waves, 'number')} waves of {count_noun(slots, 'slot')}{last}"
