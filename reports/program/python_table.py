"""Where the Python of a program was, as samples of its main thread say: sentences, bars and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...analysis.programs.samples import Function, PythonSamples, SampledThread
from ..document.document import Bar, Picture, Table
from ..document.names import clean
from ..document.numbers import format_value
from ..document.tables import ColumnOf, drop_empty, fill_row
from ..trace.bar_picture import draw_up_bars

MAIN_ROWS, MOST_NAMED, MOST_BARS = 15, 3, 6

_WHOLE_SHARE, _LEAST_SHARE = 0.8, 0.05

_MOST_OF_IT = 0.5

_NESTED = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>", "<lambda>")
"""Nothing to put a range into; the function around them is."""

_FEWEST = 10
"""Samples under which nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What samples say of one function, ns of the thread's time."""

    function: Function
    alone_ns: float
    total_ns: float
    """With what it calls, counted once where it calls itself."""
    cpu_ns: float | None
    """What the thread computed in that; None where the system does not say."""


def find_main_thread(samples: PythonSamples | None) -> SampledThread | None:
    """The thread that a report is about; None where too little was seen of it."""
    thread = samples.main_thread if samples is not None else None
    return thread if thread is not None and thread.samples >= _FEWEST else None


def list_places(samples: PythonSamples, thread: SampledThread) -> list[Place]:
    """Every function that a thread was in, those first that most of its time was spent in."""
    alone: dict[int, float] = {}
    total: dict[int, float] = {}
    cpu: dict[int, float] = {}
    known = all(stack.cpu_ns is not None for stack in thread.stacks)
    for stack in thread.stacks:
        if not stack.functions:
            continue
        alone[stack.functions[-1]] = alone.get(stack.functions[-1], 0.0) + stack.ns
        for at in set(stack.functions):
            total[at] = total.get(at, 0.0) + stack.ns
            cpu[at] = cpu.get(at, 0.0) + min(stack.cpu_ns or 0, stack.ns)
    places = [
        Place(
            function=samples.functions[at],
            alone_ns=alone.get(at, 0.0),
            total_ns=ns,
            cpu_ns=cpu[at] if known else None,
        )
        for at, ns in total.items()
    ]
    return sorted(places, key=lambda place: (-place.alone_ns, -place.total_ns))


def choose_parts(samples: PythonSamples, thread: SampledThread) -> list[Place]:
    """The program's own functions that divide its time: from the outermost inwards past those that hold it all, up
    to one that spends most of it outside of those that it calls.
    """
    places = {place.function: place for place in list_places(samples, thread)}
    whole = thread.ns
    stacks = [
        ([f for f in functions if _can_be_marked(f)], stack.ns) for functions, stack in samples.stacks(thread)
    ]
    prefix: list[Function] = []
    while True:
        inside: dict[Function, int] = {}
        for own, count in stacks:
            if own[: len(prefix)] == prefix and len(own) > len(prefix):
                inside[own[len(prefix)]] = inside.get(own[len(prefix)], 0) + count
        parts = sorted(inside, key=lambda function: -inside[function])
        parts = [one for one in parts if places[one].total_ns >= _LEAST_SHARE * whole]
        if not parts or _is_itself_most(places, prefix, parts):
            return [places[one] for one in prefix[-1:]]
        if len(parts) > 1 or places[parts[0]].total_ns < _WHOLE_SHARE * whole:
            return [places[one] for one in parts[:MOST_BARS]]
        prefix.append(parts[0])


def _can_be_marked(function: Function) -> bool:
    return function.own and not function.name.endswith(_NESTED)


def _is_itself_most(
    places: Mapping[Function, Place], prefix: Sequence[Function], parts: Sequence[Function]
) -> bool:
    """Whether a function's time lies for the most part in none of those it calls; a module's top is no function."""
    if not prefix or prefix[-1].name == "<module>":
        return False
    return sum(places[one].total_ns for one in parts) < _MOST_OF_IT * places[prefix[-1]].total_ns


def describe_thread(samples: PythonSamples, thread: SampledThread, title: str) -> str:
    """How much of the time the main thread computed."""
    whole = thread.ns
    said = f"{title}: its main thread was looked at {samples.hz:g} times a second for {format_value(whole, 'time')}"
    if any(stack.cpu_ns is None for stack in thread.stacks):
        return f"{said}."
    computed = sum(min(stack.cpu_ns or 0, stack.ns) for stack in thread.stacks)
    return f"{said}, in which it computed {format_value(computed / whole, 'percent')} and waited otherwise."


def describe_parts(parts: Sequence[Place], thread: SampledThread) -> str:
    """Where the time was, and what to mark."""
    whole = thread.ns
    named = [part for part in parts if part.function.name != "<module>"][:MOST_NAMED]
    if not named:
        return "No function of its own stands out: all ran at the top of a script or in libraries; the table has them."
    told = ", ".join(
        f"{clean(part.function.label)} {format_value(part.total_ns / whole, 'percent')}" for part in named
    )
    first = clean(named[0].function.name.rpartition(".")[2])
    what = "these do" if len(named) > 1 else "it does"
    return (
        f'It was in {told}: mark what {what} with `with flopprof.annotate("{first}"):`, and the next report '
        "divides its time by your names."
    )


def describe_hottest(samples: PythonSamples, thread: SampledThread) -> str:
    """The functions with most of the time in themselves; empty where none has much."""
    places = [place for place in list_places(samples, thread) if place.alone_ns >= _LEAST_SHARE * thread.ns]
    told = ", ".join(
        f"{clean(place.function.label)} {format_value(place.alone_ns / thread.ns, 'percent')}"
        for place in places[:MOST_NAMED]
    )
    return f"Most of that was in {told}." if told else ""


def parts_picture(thread: SampledThread, parts: Sequence[Place]) -> Picture:
    """A bar for each of the parts, what it computed and what it waited, and the rest."""
    whole = thread.ns
    bars = [_bar(clean(part.function.label), part.total_ns, part.cpu_ns) for part in parts]
    rest = whole - sum(part.total_ns for part in parts)
    if rest > _LEAST_SHARE * whole:
        bars.append(_bar("(elsewhere)", rest, None))
    return draw_up_bars("Where the main thread was", "main thread", bars)


def _bar(label: str, total_ns: float, cpu_ns: float | None) -> Bar:
    if cpu_ns is None:
        return Bar(label=label, time_ns=total_ns)
    parts = (("compute", cpu_ns), ("wait", max(0.0, total_ns - cpu_ns)))
    return Bar(label=label, time_ns=total_ns, parts=tuple((name, ns) for name, ns in parts if ns))


def python_table(samples: PythonSamples, thread: SampledThread) -> Table:
    """The functions that the main thread was in."""
    whole = thread.ns
    places = [place for place in list_places(samples, thread) if place.total_ns >= whole / 1000]
    columns: tuple[ColumnOf[Place], ...] = (
        ColumnOf(key="function", title="function", value=lambda place: clean(place.function.name)),
        ColumnOf(key="file", title="where", value=_name_place),
        ColumnOf(key="alone", title="alone", kind="time", value=lambda place: place.alone_ns),
        ColumnOf(key="share", title="share", kind="percent", value=lambda place: place.alone_ns / whole),
        ColumnOf(key="total", title="with calls", kind="time", term="", value=lambda place: place.total_ns),
        ColumnOf(key="cpu", title="computing", kind="time", value=lambda place: place.cpu_ns),
    )
    others = len(samples.threads) - 1
    more = f" {others} other threads were seen, too; the table is of the main one." if others else ""
    table = Table(
        name="python",
        title="Where Python was",
        columns=columns,
        rows=tuple(
            fill_row(columns, place, main=at < MAIN_ROWS, bar=(place.alone_ns / whole,))
            for at, place in enumerate(places)
        ),
        bar_parts=("time",),
        notes=(
            f"{thread.samples} samples, {samples.hz:g} a second at most, taken inside the program: one has the time "
            "since that before it. alone: in the function itself, or in compiled code that it called; with "
            "calls: also in what it called; computing: CPU time of the thread in that, the rest is waiting."
            + more,
        ),
    )
    return drop_empty(table, keep=("function", "alone"))


def _name_place(place: Place) -> str | None:
    function = place.function
    return clean(f"{function.file}:{function.line}") if function.line else clean(function.file) or None
