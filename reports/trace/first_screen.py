"""What the report of a trace begins with: the sentences, and the bars beside them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from ...analysis.attribution.range_names import RangeName, find_alike, name_within, spell_messages
from ...analysis.breakdown.analyze import Analysis
from ...analysis.breakdown.rows import WindowTimes
from ...analysis.breakdown.window_rows import NOT_LISTED, WindowRow, sum_layers
from ...analysis.codes.lossy import loses_device_work
from ...analysis.explain.copies_beside import find_floor
from ...analysis.explain.work_holdups import find_holdups
from ...analysis.words import name_device
from ..document.document import Bar, Picture
from ..document.names import clean
from ..document.numbers import format_quantity, format_value
from ..document.remedies import tell_heavy_kernels, tell_holdups
from .bar_picture import draw_up_bars, draw_up_layers
from .range_columns import find_shared, name_place, name_range
from .steady_step import WAITS, describe_measure, describe_step, find_alike_steps, name_of_step, step_picture

MOST_STEPS, MOST_BARS = 3, 8

NO_RANGE = "(no range)"

ANNOTATE = (
    'To have it divided, mark the program\'s parts with `with flopprof.annotate("forward"):`, its steps with '
    "`flopprof.mark_step()`, or all modules of a PyTorch model with `flopprof.annotate_torch(model)`."
)


LOST = "Device work is missing from this trace: the device was busier than that, and what would help is not known."


def compose_openings(analysis: Analysis) -> tuple[str, ...]:
    """One sentence for the step, else one for each device, and what would make the first faster; and what to do where
    nothing can be divided.
    """
    devices = [_describe_window(row) for row in takewhile(_is_trace, analysis.windows)]
    alike = find_alike_steps(analysis.steps)
    told = [describe_step(row, alike) for row in analysis.steps[:1]] or devices[:MOST_STEPS]
    told[:1] = [" ".join(filter(None, (first, *_tell_what_helps(analysis)))) for first in told[:1]]
    if not len(analysis.trace.ranges) and not any(
        one.code == "nvtx_incompatible" for one in analysis.quality
    ):
        told.append(ANNOTATE)
    return tuple(told)


def _tell_what_helps(analysis: Analysis) -> tuple[str, ...]:
    """Of a trace that lacks device work, idle time is no reason for anything."""
    if loses_device_work(analysis.quality):
        return (LOST,) if analysis.windows.on_device else ()
    holdups = find_holdups(analysis)
    alike = find_alike(map(name_of_step, analysis.steps), lambda name: name[1])
    name = name_range(name_of_step(analysis.steps[0]), alike) if analysis.steps else None
    floor = find_floor(analysis, holdups)
    return tell_heavy_kernels(holdups), _tell_floor(floor), tell_holdups(name, holdups)


def _tell_floor(copies: float | None) -> str:
    if copies is None:
        return ""
    share, rest = format_value(copies, "percent"), format_value(max(1.0 - copies, 0.0), "percent")
    return f"Copies run in {share} of it, most of that beside kernels, so faster kernels alone save at most {rest}."


def compose_rest(analysis: Analysis) -> tuple[str, ...]:
    """What the first sentences leave out: each step's measure, and the devices of a trace that has steps."""
    devices = [_describe_window(row) for row in takewhile(_is_trace, analysis.windows)]
    alike = find_alike_steps(analysis.steps)
    steps = [describe_measure(row, alike) for row in analysis.steps[:MOST_STEPS]]
    return (*steps, *(devices if steps else devices[MOST_STEPS:]))


def draw_up_trace_picture(analysis: Analysis) -> Picture | None:
    """The parts of a steady step; else whose time the first window is; else the ranges on the host."""
    if analysis.steps and (picture := step_picture(analysis.steps[0])):
        return picture
    windows = list(takewhile(_is_trace, analysis.windows))
    if windows and windows[0].owners:
        return _draw_up(name_device(windows[0].device or 0), _bar_owners(windows[0]))
    longest = sorted(analysis.ranges, key=lambda row: -row.wall_ns)[:MOST_BARS]
    rows = {(row.domains, row.path): row.wall_ns for row in longest if row.wall_ns}
    bars = [Bar(label=_label(name, find_shared(rows), list(rows)), time_ns=ns) for name, ns in rows.items()]
    return _draw_up("ranges on the host", bars) if bars else None


def _draw_up(title: str, bars: Sequence[Bar]) -> Picture:
    return draw_up_bars(f"Time by range, {title}", title, bars)


def _bar_owners(window: WindowRow) -> list[Bar]:
    """The owners of a window with most time, each in its layers; the others together."""
    times = window.sum_owners()
    order = sorted(times, key=lambda name: -sum(times[name].values()))
    shown = order if len(order) <= MOST_BARS else order[: MOST_BARS - 1]
    shared = find_shared(name for name in order if name[1] not in ((), NOT_LISTED))
    bars = [_bar(_label(name, shared, shown), times[name]) for name in shown]
    if rest := order[len(shown) :]:
        bars.append(_bar(f"({len(rest)} others)", sum_layers(times[name] for name in rest)))
    return bars


def _label(name: RangeName, shared: RangeName, shown: Sequence[RangeName]) -> str:
    """A range's own name, with where it lies where another one is called the same."""
    path = name[1]
    if path == NOT_LISTED:
        return "(not listed)"
    if not path:
        return NO_RANGE
    same = sum(other[1][-1:] == path[-1:] for other in shown) > 1
    if not same:
        return name_range(name)
    alike = find_alike(shown)
    own = clean(spell_messages(name, every=name in alike)[-1])
    around = name_place(name, shared, alike)
    return f"{own} ({around})" if around else own


def _bar(label: str, layers: dict[str, float]) -> Bar:
    return draw_up_layers(label, sum(layers.values()), layers)


def _is_trace(row: WindowRow) -> bool:
    """Windows of the whole trace have none beside them."""
    return row.kind == "trace"


def _describe_window(row: WindowRow) -> str:
    """How busy a device was, and what its idle time was made of."""
    times = row.times
    where = "the host" if row.device is None else name_device(row.device)
    if times.busy_ns is None and not times.wall_ns:
        return "Neither device work nor ranges that took time were recorded: there is nothing to divide."
    if times.busy_ns is None:
        share, wall = _share(times.compute_ns, times), format_quantity(times.wall_ns, "time")
        return f"On {where}: the innermost ranges cover {share} of {wall}, from the first record to the last."
    start = f"{where}: busy {_share(times.busy_ns, times)} of {format_value(times.wall_ns, 'time')}"
    longest = _tell_longest(row)
    if times.launch_ns is None or times.latency_ns is None:
        return f"{start}; why it idled the trace cannot say{longest}."
    exposed = _share(times.launch_ns + times.latency_ns, times)
    rest = ", ".join(
        f"{WAITS[name]} {_share(getattr(times, f'{name}_ns'), times)}"
        for name in ("sync", "api", "host", "unknown")
    )
    return f"{start}; exposed launch overhead (launch and latency) {exposed}; {rest}{longest}."


def _tell_longest(row: WindowRow) -> str:
    """The range with most of a device's time."""
    times = row.sum_owners()
    named = [name for name in times if name[1] and name[1] != NOT_LISTED]
    if not named:
        return ""
    longest = max(named, key=lambda name: sum(times[name].values()))
    share = _share(sum(times[longest].values()), row.times)
    domains = {name[0][-1] for name in named if name[1][-1] == longest[1][-1]}
    return f"; its longest range is {clean(name_within(longest, len(domains)))}, {share}"


def _share(ns: float | None, times: WindowTimes) -> str:
    return format_value(ns / times.wall_ns if ns is not None and times.wall_ns else None, "percent")
