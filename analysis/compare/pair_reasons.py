"""Why the two sides of a pair take unequal time."""

from __future__ import annotations

from dataclasses import replace

from ..evidence.counters import Counters
from ..explain.explain import Explanation, explain
from ..explain.subject import Part, Subject, heaviest_launch
from ..hardware.data_sheets import ATTAINABLE
from ..words import BUSY_LAYERS
from .compare import Pair
from .measured import Measured, MeasuredOp

_ALL = 0.98


def explain_pair(pair: Pair) -> Explanation | None:
    """The factors of the ratio that was judged, and causes where it is decided; None without two times."""
    if pair.ns_a is None or pair.ns_b is None:
        return None
    names = (pair.value_a, pair.value_b) if pair.value_a != pair.value_b else ("A", "B")
    a, b = (
        _subject(thing, ns, name)
        for thing, ns, name in zip((pair.a, pair.b), (pair.ns_a, pair.ns_b), names, strict=True)
    )
    decided = pair.verdict in ("faster", "slower")
    found = explain(a, b, pair.interval)
    if found is None or decided or not (found.causes or found.unexplained):
        return found
    return replace(found, causes=(), unexplained=False)


def _subject(thing: Measured, ns: float, name: str) -> Subject:
    if thing.subject is not None:
        return replace(thing.subject, name=name, time_ns=ns)
    working = thing.layers.get("kernel")
    if working is not None:
        working += thing.layers.get("graph") or 0.0
    bandwidth = next((op.bytes_per_s for op in thing.ops), None)
    return Subject(
        key=thing.key,
        name=name,
        device="cpu" if working is None else "cuda",
        time_ns=ns,
        working_ns=working or None,
        busy_ns=None if working is None else sum(thing.layers.get(layer) or 0.0 for layer in BUSY_LAYERS),
        counters=_counters_of_all(thing, working),
        bytes_per_s=bandwidth,
        attainable_bytes_per_s=None if bandwidth is None else ATTAINABLE * bandwidth,
        traced_only=True,
        parts=tuple(_part(op) for op in thing.ops),
    )


def _counters_of_all(thing: Measured, working_ns: float | None) -> Counters | None:
    """The counters of a range's own work where that is all of its kernels' time, and no range inside it has some."""
    if len(thing.ops) != 1 or not working_ns:
        return None
    own = _part(thing.ops[0]).ns
    return thing.ops[0].counters if own is not None and own >= _ALL * working_ns else None


def _part(op: MeasuredOp) -> Part:
    kernel, launch = heaviest_launch(op.kernels)
    total = sum(row.total_ns for row in op.kernels)
    return Part(
        op=op.op,
        kernel=kernel,
        launch=launch,
        ns=total / op.executions if op.executions and op.kernels else None,
        counters=op.counters,
    )
