"""A comparison in sentences: what may be concluded, and which kernel took whose place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ...analysis.breakdown.kernel_names import read_template
from ...analysis.breakdown.rows import Launch
from ...analysis.compare.compare import Comparison, Pair
from ...analysis.compare.kernel_pairs import KernelPair, KernelUse
from ...analysis.words import STEP_NAMES
from ..document.names import clean, fold_kernel_name, name_pair, shorten
from ..document.numbers import UNKNOWN, format_value
from ..document.tables import format_dims

_WIDTH = 48

_MOST_OF_IT = 0.5

_GENERIC = ("", "kernel", "main", "lambda", "operator")


def summarise(comparison: Comparison) -> str:
    """How many pairs got which verdict.

    ``7 pairs: 3 faster, 4 same (B against A).``
    """
    verdicts = Counter(pair.verdict for pair in comparison.pairs)
    order = ("slower", "faster", "same", "unsure")
    counts = ", ".join(f"{verdicts[name]} {name}" for name in order if verdicts[name])
    total = len(comparison.pairs)
    return f"{total} {'pair' if total == 1 else 'pairs'}: {counts} (B against A)."


def describe_pairs(pairs: Iterable[Pair]) -> list[str]:
    """What is faster or slower, the most time first; steps that differ in their size alone share a sentence."""
    decided = [pair for pair in pairs if pair.verdict in ("faster", "slower")]
    groups: dict[tuple[object, ...], list[Pair]] = {}
    for pair in sorted(decided, key=lambda pair: pair.stake_ns, reverse=True):
        groups.setdefault(_name_group(pair), []).append(pair)
    return [_describe_group(group) for group in groups.values()]


def describe_kernels(pairs: Iterable[Pair]) -> list[str]:
    """One sentence for each kernel that another took the place of, over all pairs where that happened."""
    groups: dict[tuple[str, str, str], list[tuple[Pair, KernelPair]]] = {}
    for pair in pairs:
        for kernel in pair.kernels:
            if kernel.a is not None and kernel.b is not None and kernel.kind != "same":
                names = (_fold(kernel.a.kernel), _fold(kernel.b.kernel))
                groups.setdefault((kernel.op, *names), []).append((pair, kernel))
    return [_describe_substitution(group) for group in groups.values()]


def format_geometry(launch: Launch) -> str:
    """Grid and block without trailing ones.

    >>> from flopprof.analysis.breakdown.rows import Launch
    >>> format_geometry(Launch(grid=(63, 32, 1), block=(128, 4, 1), registers=32, static_shared_bytes=0,
    ...     dynamic_shared_bytes=0, occupancy=1.0, instances=1, total_ns=1, median_ns=1.0))
    '63×32 / 128×4'
    """
    return f"{format_dims(launch.grid) or UNKNOWN} / {format_dims(launch.block) or UNKNOWN}"


def format_change(ratio: float) -> str:
    """A ratio B / A as people say it.

    >>> format_change(1 / 3), format_change(1.5)
    ('3.00× faster', '1.50× slower')
    """
    if ratio == 1:
        return "the same"
    return f"{format_value(max(ratio, 1 / ratio), 'ratio')} {'faster' if ratio < 1 else 'slower'}"


def _name_group(pair: Pair) -> tuple[object, ...]:
    """What a step is without its size, on both sides, and the way it went; a range is its own group."""
    if "backend" not in pair.a.names:
        return (id(pair),)
    sides = tuple(tuple(side.names.get(name) for name in STEP_NAMES) for side in (pair.a, pair.b))
    return (*sides, pair.value_a, pair.value_b, pair.verdict)


def _describe_group(group: list[Pair]) -> str:
    """The pair with the most time at stake, and how far the others range."""
    sentence, ratios = _describe_pair(group[0]), [pair.ratio or 1.0 for pair in group[1:]]
    if not ratios:
        return sentence
    ends = dict.fromkeys(format_change(ratio) for ratio in sorted((min(ratios), max(ratios))))
    where = "one other size" if len(ratios) == 1 else f"{len(ratios)} other sizes"
    return f"{sentence.removesuffix('.')}; at {where} {' to '.join(ends)}."


def _describe_pair(pair: Pair) -> str:
    assert pair.ratio is not None and pair.interval is not None
    low, high = (format_value(end, "ratio") for end in pair.interval)
    times = f"{format_value(pair.ns_a, 'time')} → {format_value(pair.ns_b, 'time')}"
    change = f"{clean(pair.value_b)} is {format_change(pair.ratio)} than {clean(pair.value_a)}"
    ratio = f"ratio {format_value(pair.ratio, 'ratio')}, {low} to {high}; {pair.samples}"
    return f"{name_pair(pair.label)}: {change}, {times} ({ratio}){_describe_layer(pair)}."


def _describe_layer(pair: Pair) -> str:
    """The layer that most of the traced difference lies in, if one does."""
    total, known = pair.traced_delta_ns, {part: ns for part, ns in pair.delta_ns.items() if ns}
    if not total or not known or pair.ratio is None or (total > 0) != (pair.ratio > 1):
        return ""
    part, most = max(known.items(), key=lambda item: item[1] / total)
    if most / total < _MOST_OF_IT:
        return ""
    return f"; traced difference {format_value(total, 'time')}, {part} {format_value(most, 'time')}"


def _describe_substitution(group: list[tuple[Pair, KernelPair]]) -> str:
    """Told of the pair where most time is at stake; the others add how far the ratio ranges."""
    pair, kernel = max(group, key=lambda member: _longest(member[1]))
    a, b = kernel.a, kernel.b
    assert a is not None and b is not None
    if kernel.kind == "template":
        change = f"A's {_quote(_fold(a.kernel))} and B's {_quote(_fold(b.kernel))} are one template"
    else:
        change = f"A's {_quote(_call(a.kernel))} became B's {_quote(_call(b.kernel))}"
    times = f"{format_value(a.ns, 'time')} → {format_value(b.ns, 'time')}"
    change = f"{change}{_describe_launches(a, b)}: {times}, {format_change(b.ns / a.ns)}"
    place = f" at {name_pair(pair.label)}" if pair.label else ""
    return f"{clean(kernel.op)}: {change}{place}{_describe_range(group)}."


def _describe_launches(a: KernelUse, b: KernelUse) -> str:
    if not (a.launches and b.launches):
        return ""
    left, right = a.launches[0], b.launches[0]
    facts = [f"grid / block {format_geometry(left)} and {format_geometry(right)}"]
    if left.registers is not None and right.registers is not None and left.registers != right.registers:
        facts.append(f"{left.registers} and {right.registers} registers")
    if left.occupancy is not None and right.occupancy is not None and left.occupancy != right.occupancy:
        shares = [format_value(launch.occupancy, "percent") for launch in (left, right)]
        facts.append(f"occupancy {shares[0]} and {shares[1]}")
    if a.gbps and b.gbps:
        facts.append(f"{format_value(a.gbps, 'gbps')} and {format_value(b.gbps, 'gbps')} GB/s")
    return f" ({'; '.join(facts)})"


def _describe_range(group: list[tuple[Pair, KernelPair]]) -> str:
    ratios = sorted(kernel.ratio for _, kernel in group if kernel.ratio is not None)
    if len(ratios) < 2:
        return ""
    low, high = format_value(ratios[0], "ratio"), format_value(ratios[-1], "ratio")
    return f"; ratios {low} to {high} over {len(ratios)} steps"


def _longest(kernel: KernelPair) -> float:
    return max(use.ns for use in (kernel.a, kernel.b) if use is not None)


def _quote(name: str) -> str:
    """A name between backticks, of which it can have none itself."""
    return "`" + name.replace("`", "'") + "`"


def _call(kernel: str) -> str:
    """The template's own name where that says something; `Kernel2` does not."""
    own = clean(read_template(kernel).rsplit("::", 1)[-1])
    return _fold(kernel) if own.lower().rstrip("_0123456789") in _GENERIC else shorten(own, _WIDTH)


def _fold(kernel: str) -> str:
    return fold_kernel_name(kernel, _WIDTH)
