"""What is to be said of two traces before their numbers: warm-up, folded names, GPUs of one side, no ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..attribution.steady_instances import tell_skipped, tell_unskipped
from ..errors import CompareError
from ..trace.quality import note
from ..words import name_device
from .comparability import Caveat
from .measured import Measured

if TYPE_CHECKING:
    from ..attribution.steady_instances import SetAside
    from .pairs import Match
    from .sides import Side


def refuse_other_clocks(a: Side, b: Side) -> None:
    """Raise CompareError where one trace has device work and the other has none: their times are not of one kind."""
    if a.source is None or b.source is None:
        return
    works = [any(thing.device is not None for thing in side.things) for side in (a, b)]
    if works[0] == works[1]:
        return
    one, other = (a, b) if works[0] else (b, a)
    raise CompareError(
        f"{other.name} has no device work and {one.name} has: times on the host and on a GPU do not compare; record "
        "both with --trace=cuda,nvtx on a machine with a GPU"
    )


def describe_gpus(a: Sequence[Measured], b: Sequence[Measured], matches: Sequence[Match]) -> Iterator[Caveat]:
    """GPUs that worked on one side only."""
    sides = (("A", a, {match.a.device for match in matches}), ("B", b, {match.b.device for match in matches}))
    both = ", ".join(_name_compared(matches))
    for name, things, paired in sides:
        found = {thing.device for thing in things}
        alone = sorted(device for device in found - paired if device is not None)
        if alone:
            gpus = ", ".join(name_device(device) for device in alone)
            yield Caveat(
                code="gpu",
                severity="warning",
                message=f"{gpus} {'has' if len(alone) == 1 else 'have'} work only in {name}; compared is {both}",
            )


def _name_compared(matches: Sequence[Match]) -> list[str]:
    """``GPU 0``; where the sides number it otherwise, ``GPU 2 of A with GPU 0 of B``."""
    pairs = {(match.a.device, match.b.device) for match in matches}
    return [
        name_device(a) if a == b else f"{name_device(a)} of A with {name_device(b)} of B"
        for a, b in sorted((a, b) for a, b in pairs if a is not None and b is not None)
    ]


def describe_set_aside(sides: Mapping[str, Side]) -> Iterator[Caveat]:
    """The first instances that are not compared: those of start-up and warm-up, or those of ``--skip``."""
    for side, ranges in ((name, side.set_aside) for name, side in sides.items()):
        if not ranges:
            continue
        told = [f"{one.count} of {one.of} of {one.range}" for one in ranges]
        more = f" and {len(told) - 3} more ranges" if len(told) > 3 else ""
        skipped = ranges[0].skip is not None
        why, remedy = ("by --skip", "") if skipped else ("as start-up and warm-up", "; --all keeps them")
        message = f"set aside {why} in {side}: the first {', '.join(told[:3])}{more}{remedy}"
        yield Caveat(code="warm_up", severity="info", message=message)
        yield from _describe_skipped(side, [one for one in ranges if one.is_all])
    yield from _describe_unskipped({name: side for name, side in sides.items() if not side.set_aside})


def _describe_skipped(side: str, ranges: Sequence[SetAside]) -> Iterator[Caveat]:
    """The ranges of which ``--skip`` asked to leave out every instance."""
    if ranges:
        more = f"; and so in {len(ranges) - 1} more" if len(ranges) > 1 else ""
        told = tell_skipped(ranges[0].range, ranges[0].of, ranges[0].skip or 0)
        one = note("skipped_all", len(ranges), detail=f"in {side}: {told}{more}")
        yield Caveat(code=one.code, severity="warning", message=one.message)


def _describe_unskipped(sides: Mapping[str, Side]) -> Iterator[Caveat]:
    """The sides of which ``--skip`` leaves nothing out, as nothing repeats."""
    asked = {name: side.skip for name, side in sides.items() if side.skip}
    if asked:
        told = f"in {' and '.join(asked)}: {tell_unskipped(next(iter(asked.values())))}"
        one = note("skipped_none", detail=told)
        yield Caveat(code=one.code, severity="warning", message=one.message)


def describe_missing_ranges(a: Side, b: Side) -> Iterator[Caveat]:
    """Traces that are compared kernel by kernel, and programs that are compared as a whole."""
    if a.paths is None and a.result is None:
        yield Caveat(
            code="no_ranges",
            severity="info",
            message="without ranges and kernels the whole programs are compared, and the functions that their Python "
            "was seen in; each ran once, so nothing is decided: mark the parts with flopprof.annotate, what repeats "
            "with flopprof.mark_step",
        )
    if a.source is not None and a.source.by_kernel:
        yield Caveat(
            code="no_ranges",
            severity="info",
            message="without ranges on both sides the whole traces are compared, kernel by kernel, a launch a sample; "
            f"launches in all: {_tell_kernels(a)} in A, {_tell_kernels(b)} in B",
        )


def _tell_kernels(side: Side) -> str:
    """Launches of all its kernels, paired or not."""
    launches = sum(len(thing.traced_samples_ns) for thing in side.things)
    return f"{launches} of {len(side.things)} kernel{'s' if len(side.things) != 1 else ''}"


def describe_idle_maps(maps: Sequence[str]) -> Iterator[Caveat]:
    """Maps that somebody meant to do something."""
    for text in maps:
        message = f"--map {text} changes nothing: no range of A becomes one of B by it that was not paired so"
        yield Caveat(code="map", severity="warning", message=message)


def describe_folded(a: Mapping[str, Sequence[str]], b: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """One line for each name whose counter was folded, with the full names."""
    for name in dict.fromkeys([*a, *b]):
        sides = [f"{_span(side[name])} in {word}" for word, side in (("A", a), ("B", b)) if name in side]
        yield f"{name} is {' and '.join(sides)} (--exact-names keeps them apart)"


def _span(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]} ({len(names)})"
