"""A slower traced pass is tracing's fault as far as its calls can cost that, and noise beyond."""

from __future__ import annotations

from dataclasses import replace

from drawing.report_samples import cpu_step, gpu_run
from flopprof.analysis.runs.noise import (
    Excess,
    RecordedCalls,
    describe_surroundings,
    is_noisy,
    merge_surroundings,
    split_excess,
)
from flopprof.analysis.runs.quality import list_step_notes
from flopprof.analysis.runs.records import CallCosts, Surroundings
from flopprof.reports.contest.caveats import tell_disturbances
from flopprof.reports.contest.sweep import read_sweep
from hypothesis import given
from hypothesis import strategies as st

COSTS = CallCosts(range_ns=2_000, call_ns=3_000)
times = st.floats(1e3, 1e9)


def test_one_range_cannot_add_800_ms():
    excess = split_excess(317e6, 1117e6, RecordedCalls(ranges=2, cuda=0), COSTS)
    assert excess == Excess(tracing_ns=4_000, noise_ns=800e6 - 4_000)
    assert is_noisy(317e6, excess)


def test_what_the_calls_of_a_rep_cost_is_tracing():
    excess = split_excess(10e3, 17e3, RecordedCalls(ranges=2, cuda=1), COSTS)
    assert (excess, is_noisy(10e3, excess)) == (Excess(tracing_ns=7_000, noise_ns=0), False)


def test_an_untraced_pass_that_was_disturbed_is_noisy_too():
    excess = split_excess(20e6, 10e6, RecordedCalls(ranges=2, cuda=0), COSTS)
    assert (excess, is_noisy(20e6, excess)) == (Excess(tracing_ns=0, noise_ns=-10e6), True)


def test_a_run_that_did_not_measure_a_call_is_given_the_benefit_of_ten_microseconds():
    assert split_excess(10e3, 100e3, RecordedCalls(ranges=2, cuda=1), None).tracing_ns == 30_000


@given(untraced=times, traced=times, ranges=st.integers(1, 9), cuda=st.integers(0, 9))
def test_both_parts_sum_to_the_difference(untraced: float, traced: float, ranges: int, cuda: int):
    excess = split_excess(untraced, traced, RecordedCalls(ranges=ranges, cuda=cuda), COSTS)
    assert abs(excess.tracing_ns + excess.noise_ns - (traced - untraced)) <= 1e-6 * max(untraced, traced)
    assert 0 <= excess.tracing_ns <= ranges * 2_000 + cuda * 3_000


def test_the_worst_of_both_passes_is_told():
    quiet = Surroundings(others_cores=0.0, steal_share=0.0, load=1.0, gpu_limits=[], gpu_processes=1)
    busy = Surroundings(others_cores=1.04, steal_share=0.03, gpu_limits=["power cap"], gpu_processes=3)
    merged = merge_surroundings([quiet, busy])
    assert merged is not None and describe_surroundings(quiet) == ()
    assert describe_surroundings(merged) == (
        "other processes kept 1.0 cores busy",
        "3.0 % of the CPUs' time was stolen by other machines of the host",
        "the GPU's clock was held down by power cap",
        "3 processes computed on the GPU",
    )


def test_noise_is_not_called_tracing():
    step = replace(
        cpu_step("matvec", "torch", 1000, 300.0),
        traced_ns=1100e6,
        slowdown=1100 / 300,
        tracing_ns=4_000.0,
        noise_ns=800e6 - 4_000,
        noisy=True,
        surroundings=Surroundings(others_cores=1.0),
    )
    (note,) = list_step_notes([step], [], [])
    assert note.code == "noisy"
    assert note.message.endswith(
        "(most matvec torch cpu float32 n=1000, 3.67× as long traced; other processes kept 1.0 cores busy)"
    )
    faster = replace(step, traced_ns=1e6, slowdown=1 / 300, tracing_ns=0.0, noise_ns=-299e6)
    (note,) = list_step_notes([step, faster], [], [])
    assert "(most matvec torch cpu float32 n=1000, 300× as long untraced; other" in note.message
    result = replace(gpu_run(), steps=(step,), ops=())
    assert tell_disturbances(result, read_sweep(result)) == [
        "1 of 1 step is noisy, by more than tracing can explain: most torch cpu n=1000 matvec, 300 ms untraced and "
        "1100 ms traced, of which its recorded calls cost at most 4.00 µs; other processes kept 1.0 cores busy."
    ]
