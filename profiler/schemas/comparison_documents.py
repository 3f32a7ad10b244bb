"""The document of a comparison."""

from __future__ import annotations

from ...analysis.breakdown.rows import Launch
from ...analysis.compare.comparability import Caveat
from ...analysis.compare.compare import Comparison, Pair
from ...analysis.compare.gate import Gate
from ...analysis.compare.kernel_pairs import KernelUse, Kind, Presence
from .deriving import Fields, array_of, fields_of, object_of, of_type, or_null, said, typed
from .parts import VERSION, explanation


def compare_document() -> Fields:
    """`flopprof compare --json`; ratio is B / A, a difference B − A and per rep."""
    own = fields_of(Comparison, ("a", "b", "comparable", "pairing"))
    gate = said(
        or_null(object_of(_gate())), "What --fail-above and --fail-undecided found; null without them."
    )
    return {
        **VERSION,
        **own,
        "comparable": array_of(of_type(Caveat)),
        "pairs": array_of(object_of(_pair(), "One thing on both sides.")),
        "explanations": array_of(explanation()),
        "unmatched": object_of(typed(a=list[str], b=list[str]), "What only one side has."),
        "gate": gate,
    }


def _gate() -> Fields:
    return {
        "fail_above": said(of_type(float | None), "Percent; null without --fail-above."),
        **fields_of(Gate, ("fail_undecided",)),
        "fails": said(of_type(bool), "Whether the command exits 1."),
        "slower": said(of_type(list[str]), "Labels of pairs that are slower by more."),
        "decided": said(of_type(int), "How many pairs."),
        **fields_of(Gate, ("undecided", "lost")),
    }


def _pair() -> Fields:
    names = said(of_type(dict[str, str]), "What it is selected and paired by: variant, parameters, range ….")
    return {
        "key_a": said(of_type(str), "Its key on side A."),
        "key_b": said(of_type(str), "Its key on side B."),
        **fields_of(Pair, ("label",)),
        "names_a": names,
        "names_b": names,
        **fields_of(Pair, ("samples", "ns_a", "ns_b", "ratio", "interval", "p", "verdict", "between_runs")),
        **fields_of(Pair, ("untraced_delta_ns", "traced_delta_ns", "delta_ns")),
        "kernels": array_of(object_of(_kernel(), "Kernels in each other's place.")),
    }


def _kernel() -> Fields:
    time = fields_of(KernelUse, ("ns",))["ns"]
    launches = array_of(of_type(Launch))
    return {
        "op": of_type(str),
        "in": said(of_type(Presence), "Which side has it."),
        "match": said(of_type(Kind), "Why two stand together; only: they do not."),
        **typed(kernel_a=str | None, kernel_b=str | None),
        "ns_a": or_null(time),
        "ns_b": or_null(time),
        **typed(ratio=float | None, gbps_a=float | None, gbps_b=float | None),
        "launches_a": launches,
        "launches_b": launches,
    }
