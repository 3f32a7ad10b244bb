"""What several documents have in common."""

from __future__ import annotations

from typing import Literal

from ...analysis.explain.cause import Code
from ...analysis.explain.factors import FactorName
from ...analysis.words import FORMAT, QualityNote
from .deriving import Fields, Schema, array_of, map_of, object_of, of_type, said, typed

VERSION: Fields = {"flopprof": {"const": FORMAT}}

QUALITY: Schema = array_of(of_type(QualityNote))

DONE_OR_FAILED: Schema = {"enum": ["done", "failed"]}


def explanation() -> Schema:
    """Why B takes `ratio` the time of A; see reports/data/explanation_json.py."""
    sides = {side: said(of_type(float | None), f"The term on side {side.upper()}.") for side in "ab"}
    factor = object_of({**typed(name=FactorName, ratio=float), **sides}, "A term of both sides.")
    cause = object_of(
        {
            **typed(code=Code, side=Literal["a", "b"], op=str | None, kernel=str | None, share=float | None),
            **typed(excess_ns=float | None),
            "of_difference": said(
                of_type(float | None),
                "What it explains of the difference at most: 1 is all; null where unknown.",
            ),
            "evidence": said(
                map_of(of_type(float | str | None)), "The numbers that the sentence is made of."
            ),
            **typed(sentence=str),
        },
        "What holds the slower side up.",
    )
    return object_of(
        {
            "a": said(of_type(str), "The key of side A."),
            "b": said(of_type(str), "The key of side B."),
            "ratio": said(of_type(float), "Time of B over time of A; the factors' product."),
            "factors": array_of(factor),
            **typed(sentence=str),
            "causes": array_of(cause),
        },
        "Why B takes so many times the time of A.",
    )
