"""The JSON of a comparison, the contract other programs build on; every key always present.

``ratio`` is B / A, ``delta_ns`` B − A per rep by layer; a kernel's ns are per rep. ``match`` of a kernel says
why two stand together: ``same`` name, instances of one ``template``, ``substituted``, or ``only`` one side's.
"""

from __future__ import annotations

from typing import Any

from ...analysis.compare.compare import Comparison, Pair
from ...analysis.compare.gate import Gate
from ...analysis.compare.kernel_pairs import KernelPair, KernelUse
from ...analysis.compare.pair_reasons import explain_pair
from ...analysis.plain import to_plain
from ...analysis.words import FORMAT
from .explanation_json import explanation_to_json


def comparison_to_json(comparison: Comparison, gate: Gate | None = None) -> dict[str, Any]:
    """The object of ``compare --json``: plain dicts, lists, numbers and strings."""
    return {
        "flopprof": FORMAT,
        "a": comparison.a,
        "b": comparison.b,
        "comparable": to_plain(comparison.comparable),
        "pairing": list(comparison.pairing),
        "pairs": [_pair(pair) for pair in comparison.pairs],
        "explanations": [
            explanation_to_json(found)
            for pair in comparison.pairs
            if (found := explain_pair(pair)) is not None
        ],
        "unmatched": {"a": list(comparison.unmatched_a), "b": list(comparison.unmatched_b)},
        "gate": None if gate is None else _gate(gate),
    }


def _gate(gate: Gate) -> dict[str, Any]:
    return {
        "fail_above": gate.percent,
        "fail_undecided": gate.fail_undecided,
        "fails": gate.fails,
        "slower": [pair.label for pair in gate.slower],
        "decided": gate.decided,
        "undecided": list(gate.undecided),
        "lost": list(gate.lost),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "key_a": pair.a.key,
        "key_b": pair.b.key,
        "label": pair.label,
        "names_a": dict(pair.a.names),
        "names_b": dict(pair.b.names),
        "samples": pair.samples,
        "ns_a": pair.ns_a,
        "ns_b": pair.ns_b,
        "ratio": pair.ratio,
        "interval": None if pair.interval is None else list(pair.interval),
        "p": pair.p,
        "verdict": pair.verdict,
        "between_runs": pair.between_runs,
        "untraced_delta_ns": pair.untraced_delta_ns,
        "traced_delta_ns": pair.traced_delta_ns,
        "delta_ns": pair.delta_ns,
        "kernels": [_kernel(kernel) for kernel in pair.kernels],
    }


def _kernel(pair: KernelPair) -> dict[str, Any]:
    a, b = pair.a, pair.b
    return {
        "op": pair.op,
        "in": pair.presence,
        "match": pair.kind,
        "kernel_a": None if a is None else a.kernel,
        "kernel_b": None if b is None else b.kernel,
        "ns_a": None if a is None else a.ns,
        "ns_b": None if b is None else b.ns,
        "ratio": pair.ratio,
        "gbps_a": None if a is None else a.gbps,
        "gbps_b": None if b is None else b.gbps,
        "launches_a": _launches(a),
        "launches_b": _launches(b),
    }


def _launches(use: KernelUse | None) -> list[Any]:
    return [] if use is None else [to_plain(launch) for launch in use.launches]
