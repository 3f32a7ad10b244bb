"""A run's verdicts as JSON: each headline ratio, how sure it is, and in which layers its difference lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...analysis.arithmetic.judgement import Judgement
from .verdicts import Contest, find_doubt, judge_contests


def contests_to_json(contests: Mapping[str, Contest]) -> list[dict[str, Any]]:
    """One object for each step at the largest size that is held against its reference."""
    judged = judge_contests(list(contests.values()))
    return [_verdict(contest, judged.get(key)) for key, contest in contests.items()]


def _verdict(contest: Contest, judgement: Judgement | None) -> dict[str, Any]:
    return {
        "key": contest.step.key,
        "reference": contest.reference.key,
        "samples": "traced" if contest.traced else "untraced",
        "ratio": contest.ratio,
        "interval": None if judgement is None else list(judgement.interval),
        "p": None if judgement is None else judgement.p,
        "verdict": "unsure" if judgement is None or find_doubt(contest, judgement) else judgement.verdict,
        "traced_delta_ns": contest.traced_delta_ns,
        "delta_ns": contest.delta_ns,
    }
