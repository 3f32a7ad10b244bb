"""What makes two sides hard to compare; said before any number, and refused under ``--strict``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Literal

from ..arithmetic.arrays import ints
from ..breakdown.kernel_names import spell_label
from ..codes.lossy import is_lossy
from ..errors import CompareError
from ..export.devices import describe_clock
from ..runs.results import RunResult
from ..trace.trace import Trace
from ..words import BUSY_LAYERS, QualityNote
from .measured import Measured

if TYPE_CHECKING:  # pydantic, which comparing traces does without
    from ..runs.records import Machine

Severity = Literal["warning", "info"]

_CLOCK = ("clock", "the GPU's top clock")

_EXPORTER, _SCHEMA = ("versions", "nsys"), ("versions", "the export's schema")

_ORDER = ("order", "the order of steps")

_IN_TURN = (
    "the steps of a pair were timed in turn (ABBA), but for those the run's report names: drift cancels"
)

_ONE_BY_ONE = (
    "the steps of a pair were timed one after the other: drift of the machine counts as a difference"
)

_MOST_REPS = 2
"""How many times the other side's reps are still much the same: the number is estimated from a few."""

_LEAST_NOISE = 0.005

_LEAST_SLOWDOWN = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """One way in which the sides differ besides what is compared.

    Codes: gpu, clock, driver, machine, versions, settings, recorder, order, lossy, commit, warm_up,
    skipped_all, skipped_none, no_ranges of the sides; unsteady, reps, dtype, untraced, noise, identical of their pairs.
    A ``warning`` may explain a difference in the numbers, an ``info`` is only worth knowing.
    """

    code: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Under which one side was measured."""

    facts: Mapping[tuple[str, str], str]
    """(code, what) -> value; what a side does not know is left out."""
    losses: tuple[str, ...]


def describe_run(result: RunResult) -> Circumstances:
    """The machine, the software and the losses of a run."""
    facts = _describe_machine(result.machine, result.clocks)
    facts |= {("recorder", "the recorder"): result.run.recorder, _ORDER: result.run.order}
    return Circumstances(facts=facts, losses=list_losses(result.quality))


def describe_program(machine: Machine, trace: Trace) -> Circumstances:
    """The machine of a recorded program, and what its trace says of the recorder."""
    told = describe_trace(trace)
    return replace(told, facts={**_describe_machine(machine), **told.facts})


def _describe_machine(machine: Machine, clocks: Sequence[str] = ()) -> dict[tuple[str, str], str]:
    gpus = ", ".join(gpu.name for gpu in machine.gpus) or "none"
    facts = {("gpu", "the GPU"): gpus, ("machine", "the CPU"): machine.cpu}
    if clocks:
        facts[_CLOCK] = ", ".join(clocks)
    facts["versions", "Python"] = machine.python
    for name, version in machine.versions.items():
        facts[_sort_version(name), name] = version
    return facts | {("settings", name): value for name, value in machine.settings.items()}


def _sort_version(name: str) -> str:
    """The code of a version: a commit is what is compared, not a circumstance of it."""
    return "commit" if name == "commit" else "driver" if "driver" in name else "versions"


def describe_trace(trace: Trace) -> Circumstances:
    """What a trace says of its machine and recorder, and what it lost."""
    used = dict.fromkeys(device.device for device in trace.devices)
    gpus = [trace.gpus[device] for device in used if device in trace.gpus]
    facts = {("recorder", "the recorder"): trace.metadata.recorder}
    if gpus:
        facts["gpu", "the GPU"] = ", ".join(dict.fromkeys(gpu.name or "unknown" for gpu in gpus))
        facts[_CLOCK] = ", ".join(dict.fromkeys(describe_clock(gpu) for gpu in gpus))
    if (graphs := _describe_graphs(trace)) is not None:
        facts["recorder", "how CUDA graphs were recorded"] = graphs
    if trace.metadata.exporter:
        facts[_EXPORTER] = trace.metadata.exporter
    if trace.metadata.schema:
        facts[_SCHEMA] = str(trace.metadata.schema)
    return Circumstances(facts=facts, losses=list_losses(trace.quality))


def _describe_graphs(trace: Trace) -> str | None:
    """As wholes or node by node; None where no graph ran."""
    if (ints(trace.activities, "layer") == BUSY_LAYERS.index("graph")).any():
        return "as wholes"
    return "node by node" if (ints(trace.activities, "graph_node") > 0).any() else None


def find_differences(a: Circumstances, b: Circumstances) -> tuple[Caveat, ...]:
    """Facts that differ, also those only one side knows, and what either side lost."""
    caveats: list[Caveat] = []
    for code, what in dict.fromkeys([*a.facts, *b.facts]):
        left, right = (side.facts.get((code, what), "absent") for side in (a, b))
        if left != right:
            message = f"{what} differs: {left} and {right}"
            harmless = code == "commit" or ((code, what) == _EXPORTER and _have_one_schema(a, b))
            severity: Severity = "info" if harmless else "warning"
            caveats.append(Caveat(code=code, severity=severity, message=message))
    for side, circumstances in (("A", a), ("B", b)):
        caveats += [
            Caveat(code="lossy", severity="warning", message=f"{side} lost data: {loss}")
            for loss in circumstances.losses
        ]
    return tuple(caveats)


def _have_one_schema(a: Circumstances, b: Circumstances) -> bool:
    """Tables of one schema mean the same, whichever version of the exporter wrote them."""
    return _SCHEMA in a.facts and a.facts[_SCHEMA] == b.facts.get(_SCHEMA)


def describe_shared(both: Circumstances, differ: str) -> tuple[Caveat, ...]:
    """For two halves of one side that a name tells apart: what it lost, and what drift does to them."""
    caveats = [
        Caveat(code="lossy", severity="warning", message=f"A and B lost data: {loss}") for loss in both.losses
    ]
    order = both.facts.get(_ORDER)
    if order is not None:
        in_turn = order == "interleaved" and differ in ("variant", "mode")
        caveats.append(Caveat(code="order", severity="info", message=_IN_TURN if in_turn else _ONE_BY_ONE))
    return tuple(caveats)


def find_pair_differences(pairs: Sequence[tuple[Measured, Measured, str]]) -> tuple[Caveat, ...]:
    """Where the two things of a pair were not measured alike.

    Steps of two dtypes are only paired when they were selected so, ranges by their names alone.
    """
    pairs = [(a, b, spell_label(label)) for a, b, label in pairs]
    reps = [f"{label} ({a.reps} and {b.reps})" for a, b, label in pairs if a.reps != b.reps]
    once = "instances" if pairs and all(a.once == b.once == "instance" for a, b, _ in pairs) else "reps"
    uneven = any(_has_far_more_reps(a, b) or _has_far_more_reps(b, a) for a, b, _ in pairs)
    dtype = [label for a, b, label in pairs if a.names.get("dtype") != b.names.get("dtype")]
    unasked = any("range" in a.names and a.names.get("dtype") != b.names.get("dtype") for a, b, _ in pairs)
    traced = [label for a, b, label in pairs if _is_only_traced(a, b)]
    unsteady = [label for a, b, label in pairs if _is_unsteady(a) or _is_unsteady(b)]
    found: tuple[tuple[str, Severity, list[str], str], ...] = (
        (
            "unsteady",
            "warning",
            unsteady,
            "reps were slower untraced than traced, so the machine was busy, in",
        ),
        ("reps", "warning" if uneven else "info", reps, f"other number of {once} in"),
        ("dtype", "warning" if unasked else "info", dtype, "other dtypes in"),
        ("untraced", "info", traced, "no untraced times on both sides, so traced ones are compared, in"),
    )
    return tuple(
        Caveat(code=code, severity=severity, message=f"{text} {_count(labels, len(pairs))}")
        for code, severity, labels, text in found
        if labels
    )


def describe_noise(typical: Collection[float]) -> tuple[Caveat, ...]:
    """How much a new process changes, where two runs tell; under half a percent is not worth a line."""
    if max(typical, default=0.0) < _LEAST_NOISE:
        return ()
    medians = " or ".join(f"{one * 100:.1f} %" for one in sorted(typical))
    message = (
        f"between the runs, untraced and traced times changed differently (median {medians}); "
        "the intervals include it"
    )
    return (Caveat(code="noise", severity="info", message=message),)


def refuse_caveats(caveats: Iterable[Caveat]) -> None:
    """Raise CompareError, under ``--strict``, when the sides differ in more than what is compared."""
    warnings = [caveat.message for caveat in caveats if caveat.severity == "warning"]
    if warnings:
        more = f" (and {len(warnings) - 1} more)" if len(warnings) > 1 else ""
        raise CompareError(f"not comparable: {warnings[0]}{more}; leave out --strict to compare all the same")


def list_losses(notes: Iterable[QualityNote]) -> tuple[str, ...]:
    """What means lost data."""
    return tuple(note.message for note in notes if is_lossy(note))


def _is_only_traced(a: Measured, b: Measured) -> bool:
    untraced = bool(a.untraced_samples_ns and b.untraced_samples_ns)
    return not untraced and bool(a.traced_samples_ns and b.traced_samples_ns)


def _has_far_more_reps(a: Measured, b: Measured) -> bool:
    return a.reps is not None and b.reps is not None and a.reps > _MOST_REPS * b.reps


def _is_unsteady(thing: Measured) -> bool:
    """Whether the untraced pass was clearly the slower one: tracing has a price and cannot save time."""
    if not (thing.untraced_samples_ns and thing.traced_samples_ns):
        return False
    return median(thing.traced_samples_ns) < _LEAST_SLOWDOWN * median(thing.untraced_samples_ns)


def _count(labels: Sequence[str], total: int) -> str:
    if len(labels) == total > 1:
        return f"all {total} pairs, such as {labels[0]}"
    more = f" and {len(labels) - 1} more" if len(labels) > 1 else ""
    return f"{labels[0]}{more}"
