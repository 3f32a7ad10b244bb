"""Every cause of the closed list has a remedy, or is known to need none."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from flopprof.analysis.explain.cause import Cause, Code
from flopprof.analysis.explain.holdups import Holdup, WaitCode
from flopprof.reports.document.remedies import tell_remedies, tell_remedy


@pytest.mark.parametrize("code", get_args(WaitCode))
def test_every_wait_has_a_remedy(code: WaitCode):
    assert tell_remedy(Holdup(code=code, share=0.5))


@pytest.mark.parametrize("code", get_args(Code))
def test_every_cause_has_a_remedy(code: Code):
    remedy = tell_remedy(Cause(code=code, side="outer_sum"))
    assert (remedy is None) == (code == "cache_hits")


def test_what_takes_the_room_of_warps_is_named():
    cause = Cause(code="low_occupancy", side="a", evidence={"limiter": "registers"})
    assert tell_remedies("a", [cause], saves_bytes=False, ops=1) == (
        "To speed up a: use a kernel that takes fewer registers."
    )
    assert tell_remedies("a", [replace(cause, evidence={})], saves_bytes=False, ops=1) == (
        "To speed up a: let more warps run on each SM."
    )


def test_bytes_that_fusing_saves_come_first_and_are_told_once():
    bound, few = Cause(code="memory_bound", side="a"), Cause(code="underfilled", side="a")
    fused = "To speed up a: fuse its operations"
    assert tell_remedies("a", [bound], saves_bytes=True, ops=2) == f"{fused}."
    assert tell_remedies("a", [few], saves_bytes=True, ops=2) == f"{fused}; launch more or smaller blocks."


def test_each_remedy_of_several_causes_is_told_once():
    causes = [Cause(code="underfilled", side="a", op=op) for op in ("outer", "sum")]
    causes.append(Cause(code="uncoalesced", side="a", op="norm"))
    assert tell_remedies("a", causes, saves_bytes=False, ops=3) == (
        "To speed up a: launch more or smaller blocks; let neighbouring threads access neighbouring places."
    )


def test_one_operation_alone_is_not_to_be_fused_with_itself():
    bound = Cause(code="memory_bound", side="a")
    for causes in ([bound], []):
        assert tell_remedies("a", causes, saves_bytes=True, ops=1) == (
            "To speed up a: move fewer bytes (fuse, or a narrower dtype)."
        )


def test_without_a_cause_there_is_no_remedy():
    assert tell_remedies("a", [], saves_bytes=False, ops=2) == ""


def test_copies_that_have_a_stream_of_their_own_are_not_told_to_get_one():
    copies = Holdup(code="exposed_copies", share=0.5)
    assert tell_remedy(copies) == "copy on a stream of its own, beside kernels"
    assert tell_remedy(replace(copies, evidence={"own_stream": 1.0})) == (
        "copy less, or begin earlier: its copies have streams of their own already"
    )
