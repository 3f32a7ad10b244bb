"""The sampler set before a program's Python, and what it saw taken in when the program has ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...analysis.programs.samples import Function, PythonSamples, SampledThread, Stack
from . import python_sampler
from .starter import add_starter

USUAL_HZ = 100.0

_MOST_STACKS = 2000
"""Of a thread, those seen most often: what a report shows is made of few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """A folder that the sampler is imported from, and one that it writes into."""

    folder: Path
    hz: float

    def extend(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The program's environment, in which its Python samples itself."""
        seen = self.folder / "seen"
        seen.mkdir(parents=True)
        started = add_starter(
            environment, self.folder / "import", python_sampler.__file__, python_sampler.LOADED_AS
        )
        return {**started, python_sampler.FOLDER: str(seen), python_sampler.HZ: f"{self.hz:g}"}

    def collect(self) -> PythonSamples | None:
        """What was seen; None where no Python ran, or not for long enough."""
        texts = [path.read_bytes() for path in sorted((self.folder / "seen").glob("*.json"))]
        return merge_samples(self.hz, (json.loads(text) for text in texts))


def merge_samples(hz: float, seen: Iterable[Mapping[str, Any]]) -> PythonSamples | None:
    """What the processes of a program wrote, with one list of functions."""
    functions: dict[tuple[str, str, int, bool], int] = {}
    threads: list[SampledThread] = []
    for process in seen:
        places = [functions.setdefault(tuple(one), len(functions)) for one in process["functions"]]
        threads += [_thread(thread, places) for thread in process["threads"] if thread["stacks"]]
    if not threads:
        return None
    names = [Function(name=n, file=f, line=line, own=own) for n, f, line, own in functions]
    return PythonSamples(hz=hz, functions=names, threads=threads)


def _thread(thread: Mapping[str, Any], places: list[int]) -> SampledThread:
    stacks = sorted(thread["stacks"], key=lambda stack: -stack[1])[:_MOST_STACKS]
    return SampledThread(
        pid=thread["pid"],
        name=thread["name"],
        main=thread["main"],
        stacks=[
            Stack(
                functions=[places[at] for at in path], samples=count, ns=ns, cpu_ns=None if cpu < 0 else cpu
            )
            for path, count, ns, cpu in stacks
        ],
    )
