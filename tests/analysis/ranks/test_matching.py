"""Until where the collectives of two ranks are one."""

from __future__ import annotations

import numpy as np
from flopprof.analysis.ranks.families import family_of
from flopprof.analysis.ranks.matching import AHEAD, LOOSE_NS, REMEMBERED, find_break
from hypothesis import given
from hypothesis import strategies as st

NOISE_NS = 15_000


def ends(count: int, *, seed: int = 0) -> np.ndarray:
    """Differences of clocks that agree, but for some µs."""
    return np.random.default_rng(seed).integers(-NOISE_NS, NOISE_NS, count) + 7_000_000


def break_of(apart: np.ndarray) -> int:
    return find_break(apart, np.full(len(apart), LOOSE_NS))


@given(st.integers(1, 300), st.integers(0, 1000), st.floats(-50e-6, 50e-6))
def test_clocks_that_agree_or_drift_are_no_break(count: int, seed: int, drift: float) -> None:
    apart = ends(count, seed=seed) + (np.arange(count) * 2_000_000 * drift).astype(np.int64)
    assert break_of(apart) == count


@given(st.integers(AHEAD + 1, 60), st.integers(60, 200), st.integers(300_000, 10**9), st.booleans())
def test_nothing_is_matched_from_a_shift_for_good_on(at: int, count: int, shift: int, back: bool) -> None:
    apart = ends(count)
    apart[at:] += -shift if back else shift
    found = break_of(apart)
    # Where fewer are before it than after it of the first ones, which of them are right cannot be said: none is taken.
    assert found == at if at > REMEMBERED // 2 else found <= at


def test_one_late_end_is_no_break() -> None:
    apart = ends(100)
    apart[40] += 3_000_000
    assert break_of(apart) == 100


def test_noise_from_some_place_on_is_a_break() -> None:
    apart = ends(100)
    apart[50:] += np.random.default_rng(1).integers(-5_000_000, 5_000_000, 50)
    assert 45 <= break_of(apart) <= 51


def test_nothing_has_no_break() -> None:
    assert break_of(np.zeros(0, np.int64)) == 0


def test_kernels_of_every_nccl_have_their_family() -> None:
    assert {
        name: family_of(name)
        for name in (
            "ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgsStorage<(unsigned long)4096>)",
            "ncclKernel_AllReduce_RING_LL_Sum_float(ncclDevComm*, unsigned long, ncclWork*)",
            "ncclAllReduceRingLLKernel_sum_f32(ncclColl)",
            "ncclSymkDevKernel_AllReduce_RSxLD_AGxST_sum_f32(ncclSymkDevWorkArgs)",
            "ncclDevKernel_SendRecv(ncclDevKernelArgsStorage<(unsigned long)4096>)",
            "void cutlass::Kernel2<cutlass_80_simt_sgemm>(T)",
        )
    } == {
        "ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgsStorage<(unsigned long)4096>)": "AllReduce",
        "ncclKernel_AllReduce_RING_LL_Sum_float(ncclDevComm*, unsigned long, ncclWork*)": "AllReduce",
        "ncclAllReduceRingLLKernel_sum_f32(ncclColl)": "AllReduce",
        "ncclSymkDevKernel_AllReduce_RSxLD_AGxST_sum_f32(ncclSymkDevWorkArgs)": "AllReduce",
        "ncclDevKernel_SendRecv(ncclDevKernelArgsStorage<(unsigned long)4096>)": "SendRecv",
        "void cutlass::Kernel2<cutlass_80_simt_sgemm>(T)": None,
    }
