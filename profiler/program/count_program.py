"""`flopprof counters`: any program under Nsight Compute, and what its kernels moved and executed.

The program keeps its streams and its environment; its kernels run one at a time, each several times, so it is slow.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ...analysis.evidence.counted_ranges import ProgramCounters, count_range_kernels, count_ranges
from ...analysis.evidence.ncu_csv import NcuOutputError, read_ncu_csv
from ...analysis.words import OWN_DOMAIN
from ..errors import ProfileError
from ..recorders.folders import temporary_folder
from ..recorders.ncu import explain, open_ncu
from .recording import resolve_program
from .signals import as_shells_say

SPECIAL = re.compile(r"([@,/\[\]*+\\])")
"""What means something in an expression of ranges."""

ENDED = re.compile(r"application returned an error code \((\d+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRequest:
    """What to count."""

    command: Sequence[str]
    range: str | None = None
    """``NAME`` or ``NAME@DOMAIN``: only kernels launched in such a range."""
    instances: int | None = None
    """The most launches that are counted of each kernel and geometry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountOutcome:
    """How it went; the exit code is the program's own."""

    exit_code: int
    counters: ProgramCounters | None
    problem: str | None = None
    """One line: why nothing was counted."""


def count_program(request: CountRequest, environment: Mapping[str, str] = os.environ) -> CountOutcome:
    """Run a command under Nsight Compute. Raises ProfileError and its leaves where it cannot be run."""
    program = resolve_program(request.command, environment)
    found = open_ncu(environment)
    if isinstance(found, str):
        raise ProfileError(
            f"no hardware counters: {found}; 'flopprof profile --gpu-metrics 20000' samples the GPU instead"
        )
    ncu = replace(found, filters=(*filter_range(request.range), *filter_instances(request.instances)))
    with temporary_folder() as folder:
        code = _run(ncu.command([program.file, *request.command[1:]], folder), environment)
        table = ncu.table(folder)
        text = table.read_text(encoding="utf-8", errors="replace") if table.exists() else ""
        ended = ENDED.search(text)
        try:
            launches = read_ncu_csv(table) if text else []
        except NcuOutputError as error:
            return CountOutcome(exit_code=code, counters=None, problem=str(error))
    code = int(ended[1]) if ended else code
    if not launches:
        return CountOutcome(exit_code=code, counters=None, problem=_why_nothing(request, text))
    counters = ProgramCounters(
        program=Path(program.file).name,
        tool=ncu.version,
        range=request.range,
        instances=request.instances,
        launches=len(launches),
        ranges=count_ranges(launches),
        kernels=count_range_kernels(launches),
    )
    return CountOutcome(exit_code=code, counters=counters)


def filter_range(name: str | None) -> tuple[str, ...]:
    r"""Options for the ranges of a name: those of a thread and those that start and end, in the default domain or ours.

    >>> filter_range("train@mine")
    ('--nvtx-include', 'mine@train/', '--nvtx-include', 'mine@train')
    >>> filter_range("a/b")[1], len(filter_range("a/b"))
    ('a\\/b/', 8)
    """
    if name is None:
        return ()
    message, at, domain = name.rpartition("@")
    message = message if at else name
    domains = [f"{_escape(domain)}@"] if at else ["", f"{OWN_DOMAIN}@"]
    return tuple(
        word
        for where in domains
        for end in ("/", "")
        for word in ("--nvtx-include", f"{where}{_escape(message)}{end}")
    )


def filter_instances(most: int | None) -> tuple[str, ...]:
    """Options for so many launches of each kernel and geometry; the others run as they would."""
    return () if most is None else ("--filter-mode", "per-launch-config", "--launch-count", str(most))


def _escape(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text)


def _why_nothing(request: CountRequest, text: str) -> str:
    why = explain(text)
    if why != "it gave no reason":
        return f"no kernel was counted: {why}"
    if request.range is not None:
        return (
            f"no kernel was launched in a range {request.range!r}; give NAME@DOMAIN for another domain than the "
            "default one, or leave --range out"
        )
    return "no kernel was launched"


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit code; Ctrl-C reaches the program from the terminal, SIGTERM and SIGHUP from here."""
    try:
        child = subprocess.Popen(command, env=dict(environment))
    except OSError as error:
        raise ProfileError(f"{command[0]}: {error.strerror or error}") from error
    with _signals_to(child):
        return as_shells_say(child.wait())


@contextmanager
def _signals_to(child: subprocess.Popen[bytes]) -> Iterator[None]:
    handlers = {
        number: signal.signal(number, lambda sent, _: child.send_signal(sent))
        for number in (signal.SIGTERM, signal.SIGHUP)
    }
    handlers[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
