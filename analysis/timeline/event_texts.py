"""One event of a timeline as JSON text, in the words of Kineto's traces so that their readers know it.

Times are microseconds with the nanoseconds behind the point: no digit is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..arithmetic.arrays import Ints, ints
from ..attribution.attribution import LIBRARY_DOMAINS
from ..export.frames import payload_value
from ..kineto.events import COPY_KINDS, MEMORY_KINDS, RANGE_DOMAINS
from ..trace.trace import Trace
from ..words import GRAPH, KERNEL

LIBRARY_CATEGORY = "nvtx_library"
"""Of ranges that a library marked: no reader takes them for the program's own."""

_CATEGORIES = {domain: category for category, domain in RANGE_DOMAINS.items()}

_COPIES = {number: name for name, number in COPY_KINDS.items()}

_MEMORIES = {number: name for name, number in MEMORY_KINDS.items()}


def format_micros(ns: int) -> str:
    """Nanoseconds as microseconds, exactly.

    >>> format_micros(1234567), format_micros(-1), format_micros(20)
    ('1234.567', '-0.001', '0.020')
    """
    whole, rest = divmod(abs(ns), 1000)
    return f"{'-' if ns < 0 else ''}{whole}.{rest:03d}"


@dataclass(frozen=True)
class EventTexts:
    """Writes the events of one trace."""

    trace: Trace

    @cached_property
    def _names(self) -> list[str]:
        """Every text as JSON, by its code; the last stands for none."""
        return [*(json.dumps(name) for name in self.trace.names), '""']

    @cached_property
    def _geometries(self) -> list[str]:
        """Launch geometries as JSON, by their row; the last stands for none."""
        names = list(self.trace.launches.columns)
        rows = zip(*(ints(self.trace.launches, name).tolist() for name in names), strict=True)
        return [*(_describe_launch(dict(zip(names, row, strict=True))) for row in rows), ""]

    @cached_property
    def _copied(self) -> Mapping[int, tuple[str, int]]:
        """By row of activities: what a copy or a fill is called, and its bytes."""
        copies = self.trace.copies
        columns = (
            ints(copies, name).tolist() for name in ("activity", "bytes", "copy_kind", "src_kind", "dst_kind")
        )
        return {row: (_name_copy(kind, a, b), size) for row, size, kind, a, b in zip(*columns, strict=True)}

    def ranges(self, rows: Ints, pid: int, lane: int, tid: int) -> Iterator[str]:
        """Ranges as complete events; ``lane`` is where they are drawn, ``tid`` the thread's own number."""
        frame, names = self.trace.ranges, self._names
        thread = f',"thread":{tid}' if lane != tid else ""
        for row, begun, end, domain, name in _pick(frame, rows, "start_ns", "end_ns", "domain", "name"):
            domain_text = self.trace.name(domain)
            args = f'"domain":{names[domain]}{thread}{self._more_of_range(row)}'
            yield (
                f'{{"ph":"X","cat":"{_categorise(domain_text)}","name":{names[name]},"pid":{pid},"tid":{lane},'
                f'"ts":{format_micros(begun)},"dur":{format_micros(end - begun)},"args":{{{args}}}}}'
            )

    def _more_of_range(self, row: int) -> str:
        frame = self.trace.ranges
        value = payload_value(int(ints(frame, "payload_kind")[row]), int(ints(frame, "payload")[row]))
        payload = "" if value is None else f',"payload":{json.dumps(value)}'
        return payload + (',"never closed":true' if bool(frame["open"].to_numpy()[row]) else "")

    def calls(self, rows: Ints, pid: int, lane: int, tid: int) -> Iterator[str]:
        """Calls of the API; those that asked for device work begin an arrow to it."""
        names, asked = self._names, self._asked
        for row, begun, end, name in _pick(self.trace.calls, rows, "start_ns", "end_ns", "name"):
            correlation = f',"correlation":{row + 1}' if asked[row] else ""
            start = format_micros(begun)
            yield (
                f'{{"ph":"X","cat":"cuda_runtime","name":{names[name]},"pid":{pid},"tid":{lane},'
                f'"ts":{start},"dur":{format_micros(end - begun)},"args":{{"thread":{tid}{correlation}}}}}'
            )
            if asked[row]:
                yield (
                    f'{{"ph":"s","cat":"ac2g","name":"ac2g","id":{row + 1},"pid":{pid},"tid":{lane},"ts":{start}}}'
                )

    @cached_property
    def _asked(self) -> list[bool]:
        """Which calls asked for device work."""
        found = np.zeros(len(self.trace.calls) + 1, np.bool_)
        found[ints(self.trace.activities, "call")] = True
        return found[:-1].tolist()

    def work(self, rows: Ints, pid: int, lane: int) -> Iterator[str]:
        """Kernels, copies, fills and whole graphs, each with the arrow from its call."""
        columns = (
            "start_ns",
            "end_ns",
            "layer",
            "device",
            "context",
            "stream",
            "name",
            "launch",
            "call",
            "graph_node",
        )
        for row, begun, end, layer, device, context, stream, name, launch, call, node in _pick(
            self.trace.activities, rows, *columns
        ):
            category, text, more = self._describe_work(row, layer, name, launch)
            start = format_micros(begun)
            place = f'"device":{device},"context":{context},"stream":{stream}'
            called = f',"correlation":{call + 1}' if call >= 0 else ""
            of_graph = f',"graph id":{node >> 32},"graph node id":{node & 0xFFFFFFFF}' if node else ""
            yield (
                f'{{"ph":"X","cat":"{category}","name":{text},"pid":{pid},"tid":{lane},'
                f'"ts":{start},"dur":{format_micros(end - begun)},"args":{{{place}{called}{of_graph}{more}}}}}'
            )
            if call >= 0:
                yield (
                    f'{{"ph":"f","bp":"e","cat":"ac2g","name":"ac2g","id":{call + 1},"pid":{pid},"tid":{lane},'
                    f'"ts":{start}}}'
                )

    def _describe_work(self, row: int, layer: int, name: int, launch: int) -> tuple[str, str, str]:
        """Category, name and further arguments."""
        if layer == KERNEL:
            return "kernel", self._names[name], self._geometries[launch]
        if layer == GRAPH:
            return "gpu_graph", self._names[name] if name >= 0 else '"CUDA graph"', ""
        said, size = self._copied.get(row, ("", 0))
        category = "gpu_memset" if said.startswith("Memset") else "gpu_memcpy"
        return category, json.dumps(said or "Memcpy"), f',"bytes":{size}'

    def work_names(self, rows: Ints) -> list[str]:
        """What the work of rows is called: a kernel's name, the kind of a copy."""
        columns = _pick(self.trace.activities, rows, "layer", "name", "launch")
        return [
            json.loads(self._describe_work(row, layer, name, launch)[1])
            for row, layer, name, launch in columns
        ]

    def counters(self, device: int, pid: int, start_ns: int, end_ns: int) -> Iterator[str]:
        """Samples of a device; one holds since the sample before it, where a viewer's step begins."""
        for samples in self.trace.samples:
            if samples.device != device:
                continue
            since = np.append(samples.time_ns[:1] - round(samples.period_ns), samples.time_ns[:-1])
            shown = np.flatnonzero((samples.time_ns >= start_ns) & (since <= end_ns))
            for figure, values in samples.values.items():
                for at in shown[~np.isnan(values[shown])].tolist():
                    yield (
                        f'{{"ph":"C","name":"{figure}","pid":{pid},"ts":{format_micros(int(since[at]))},'
                        f'"args":{{"%":{float(values[at]):g}}}}}'
                    )


def _pick(frame: pd.DataFrame, rows: Ints, *columns: str) -> Iterator[tuple[int, ...]]:
    return zip(rows.tolist(), *(ints(frame, name)[rows].tolist() for name in columns), strict=True)


def _categorise(domain: str) -> str:
    if domain in _CATEGORIES and domain:
        return _CATEGORIES[domain]
    return LIBRARY_CATEGORY if domain.lower() in LIBRARY_DOMAINS else "user_annotation"


def _name_copy(kind: int, source: int, target: int) -> str:
    if kind < 0:
        return f"Memset ({_MEMORIES.get(target, 'Unknown')})"
    ends = f"{_MEMORIES.get(source, 'Unknown')} -> {_MEMORIES.get(target, 'Unknown')}"
    return f"Memcpy {_COPIES.get(kind, 'Other')} ({ends})"


def _describe_launch(row: Mapping[str, int]) -> str:
    def dims(word: str) -> Sequence[int]:
        return [row[f"{word}_{axis}"] for axis in "xyz"]

    known = [f',"{word}":{json.dumps(dims(word))}' for word in ("grid", "block") if min(dims(word)) >= 0]
    if row["registers"] >= 0:
        known.append(f',"registers per thread":{row["registers"]}')
    shared = [row[f"{kind}_shared_bytes"] for kind in ("static", "dynamic")]
    if max(shared) >= 0:
        known.append(f',"shared memory":{sum(max(0, size) for size in shared)}')
    return "".join(known)
