"""The JSON of an explanation: the product of its factors' ratios is its ratio; shares are of the slower side's rep."""

from __future__ import annotations

from typing import Any

from ...analysis.explain.explain import Explanation
from ...analysis.plain import to_plain
from ..document.cause_words import describe_cause
from ..document.factor_words import describe_factors


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    """The object of one explanation: plain dicts, lists, numbers and strings."""
    return {
        "a": explanation.a.key,
        "b": explanation.b.key,
        "ratio": explanation.ratio,
        "factors": [
            {"name": factor.name, "ratio": factor.ratio, "a": factor.a, "b": factor.b}
            for factor in explanation.factors
        ],
        "sentence": f"{describe_factors(explanation)}.",
        "causes": [
            {
                "code": cause.code,
                "side": explanation.side_of(cause),
                "op": cause.op,
                "kernel": cause.kernel,
                "share": cause.share,
                "excess_ns": cause.excess_ns,
                "of_difference": cause.of_difference,
                "evidence": to_plain(dict(cause.evidence)),
                "sentence": describe_cause(cause, explanation.a.once),
            }
            for cause in explanation.causes
        ],
    }
