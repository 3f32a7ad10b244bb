"""Jobs made by hand, of which it is known who was late and what each rank waited."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from drawing.jobs import COMM, Job, Program, SimRank, ddp, fsdp
from flopprof.analysis.ranks.whole_job import JobAnalysis, RanksRequest, analyse_job
from flopprof.reports.ranks.sentences import list_verdicts
from running.engines import Inline

PLAIN = RanksRequest()

HOUR_NS = 3_600_000_000_000


def late(rank: SimRank, step: int) -> tuple[int, int]:
    """Rank 1 computes 2 ms more in steps 0-4, rank 2 loads data 3 ms longer in steps 10-19."""
    host = 3_000_000 if rank.number == 2 and 10 <= step < 20 else 0
    return host, 2_000_000 if rank.number == 1 and step < 5 else 0


def analyse(paths: Sequence[Path], request: RanksRequest = PLAIN) -> JobAnalysis:
    return analyse_job(paths, Inline(), request)


def told(job: JobAnalysis) -> list[tuple[int, int, int | None, str | None]]:
    """(first, last, rank, range/layer) of each run of steps."""
    return [
        (
            run.first,
            run.last,
            None if run.straggler is None else job.done[run.straggler].rank,
            None if run.cause is None else f"{run.cause.range}/{run.cause.layer}",
        )
        for run in job.runs
    ]


def codes(job: JobAnalysis) -> list[str]:
    """All that is odd, but for the communicators, which only some exports name."""
    return [note.code for note in job.quality if note.code != "communicators_unknown"]


LATE = [(0, 4, 1, "forward/kernel"), (5, 9, None, None), (10, 19, 2, "data/host"), (20, 29, None, None)]


@pytest.mark.parametrize("blobs", [False, True])
@pytest.mark.parametrize("kind", [ddp, fsdp])
def test_who_is_late_is_named_with_range_and_layer(tmp_path: Path, kind: type, *, blobs: bool) -> None:
    job = analyse(Job(4, seed=1).run_in_ranges(kind(late), 30).write(tmp_path, blobs=blobs))
    assert told(job) == LATE
    assert codes(job) == []
    assert job.rotates is False


@pytest.mark.parametrize("kind", [ddp, fsdp])
def test_waits_are_those_that_were_lived(tmp_path: Path, kind: type) -> None:
    made = Job(3, seed=2).run_in_ranges(kind(late), 12)
    job = analyse(made.write(tmp_path))
    for rank in made.ranks:
        summary = job.done[rank.number].summary
        assert summary is not None
        lived = {(op.start or 0) - rank.number * 1_000_000: op.wait for op in rank.ops if op.family}
        mine = {
            int(summary.collectives.start_ns[one.places[rank.number]]): one.wait_ns[rank.number]
            for one in job.collectives
        }
        assert mine == lived


def test_clocks_hours_apart_are_said_and_change_no_answer(tmp_path: Path) -> None:
    made = Job(4, seed=1).run_in_ranges(ddp(late), 30)
    job = analyse(made.write(tmp_path, off_ns=[0, 5 * HOUR_NS, -7 * HOUR_NS, 1]))
    assert told(job) == LATE
    assert codes(job) == ["clock_offset", "clock_offset"]
    assert [note.message.rsplit("(")[-1] for note in job.quality if note.code == "clock_offset"] == [
        "rank 1 is 5.00 h later than rank 0)",
        "rank 2 is 7.00 h earlier than rank 0)",
    ]
    assert all(clock.residual_ns is not None and clock.residual_ns < 3_000 for clock in job.clocks)


def test_a_rank_that_is_missing_is_said(tmp_path: Path) -> None:
    paths = Job(4, seed=1).run_in_ranges(ddp(late), 30).write(tmp_path)
    job = analyse([paths[0], paths[1], paths[3]])
    assert codes(job) == ["rank_missing"]
    assert [row.rank for row in job.rows] == [0, 1, 3]
    assert told(job) == [(0, 4, 1, "forward/kernel"), (5, 29, None, None)]


def test_the_last_rank_is_missed_by_what_nccl_says_of_the_size(tmp_path: Path) -> None:
    paths = Job(4, seed=1).run_in_ranges(ddp(late), 6).write(tmp_path, blobs=True)
    assert codes(analyse(paths[:3])) == ["rank_missing"]
    assert codes(analyse(paths[:3], RanksRequest(size=4))) == ["rank_missing"]


def test_two_traces_of_one_rank_are_not_both_taken(tmp_path: Path) -> None:
    made = Job(2, seed=1).run_in_ranges(ddp(late), 6)
    paths = [*made.write(tmp_path), made.write(tmp_path, name="again_rank{}.sqlite")[1]]
    job = analyse(paths)
    assert [row.rank for row in job.done] == [0, 1]
    assert [row.reason for row in job.rows if row.reason] == [
        f"is of rank 1, as is {paths[2]}; give one trace of each rank"
    ]
    assert codes(job) == ["rank_twice"]


def test_a_rank_truncated_in_time_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    made = Job(4, seed=5).run_in_ranges(ddp(late), 30)
    cut = made.ranks[3]
    half = sorted(op.start or 0 for op in cut.ops)[len(cut.ops) // 2]
    cut.ops = [op for op in cut.ops if (op.end or 0) < half]
    cut.ranges = [one for one in cut.ranges if one[3] < half]
    cut.calls = [one for one in cut.calls if one[1] < half]
    job = analyse(made.write(tmp_path))
    assert told(job) == [(0, 4, 1, "forward/kernel"), (5, 9, None, None), (10, 14, 2, "data/host")]
    assert codes(job) == ["collectives_differ", "steps_differ"]


@pytest.mark.parametrize("blobs", [False, True])
def test_after_a_lost_collective_nothing_is_matched_and_nobody_blamed(tmp_path: Path, *, blobs: bool) -> None:
    made = Job(2, seed=6).run_in_ranges(ddp(late), 20)
    made.ranks[1].ops.remove([op for op in made.ranks[1].ops if op.family][30])
    job = analyse(made.write(tmp_path, blobs=blobs))
    assert len(job.collectives) == 30
    assert codes(job) == ["collectives_differ", "collectives_apart"]
    assert [step.lost_ns is None for step in job.steps] == [False] * 10 + [True] * 10
    assert told(job)[-1] == (10, 19, None, None)


def test_ranks_of_two_jobs_are_not_matched(tmp_path: Path) -> None:
    paths = Job(2, seed=1).run_in_ranges(ddp(late), 20).write(tmp_path)
    other = Job(2, seed=3).run_in_ranges(fsdp(late), 20).write(tmp_path, name="other_rank{}.sqlite")
    job = analyse([paths[0], other[1]])
    assert "ranks_apart" in codes(job)
    assert job.collectives == ()
    assert {step.straggler for step in job.steps} <= {None}


def test_two_runs_of_one_program_are_not_matched_when_nccl_names_their_communicators(tmp_path: Path) -> None:
    one = Job(2, seed=1).run_in_ranges(ddp(late), 20)
    other = Job(2, seed=8, communicators=100).run_in_ranges(ddp(late), 20)
    paths = one.write(tmp_path, blobs=True), other.write(tmp_path, blobs=True, name="other_rank{}.sqlite")
    job = analyse([paths[0][0], paths[1][1]])
    assert job.collectives == ()
    assert {step.straggler for step in job.steps} <= {None}


def test_lateness_that_passes_from_rank_to_rank_is_said(tmp_path: Path) -> None:
    def rotating(rank: SimRank, step: int) -> tuple[int, int]:
        return 0, 3_000_000 if rank.number == step % 4 else 0

    job = analyse(Job(4, seed=3).run_in_ranges(ddp(rotating), 24).write(tmp_path))
    assert job.rotates is True
    assert told(job) == [(0, 23, None, None)]
    assert [step.straggler for step in job.steps] == [step % 4 for step in range(24)]


def test_where_ranks_are_even_nobody_is_late(tmp_path: Path) -> None:
    job = analyse(Job(4, seed=4).run_in_ranges(ddp(), 24).write(tmp_path))
    assert told(job) == [(0, 23, None, None)]
    assert job.rotates is None


def tensor_parallel(rank: SimRank, step: int) -> None:
    """Even and odd ranks share a communicator each, and all of them one; all on one stream."""
    with rank.range("forward"):
        done = rank.kernel(300_000)
        rank.collective("AllReduce", 100_000, after=[done], communicator=1 + rank.number % 2, stream=COMM)
    with rank.range("backward"):
        done = rank.kernel(500_000 + (2_000_000 if rank.number == 3 and step > 5 else 0))
        rank.collective("AllReduce", 150_000, after=[done])


def test_communicators_of_some_ranks_match_among_those(tmp_path: Path) -> None:
    job = analyse(Job(4, seed=7).run_in_ranges(tensor_parallel, 12).write(tmp_path, blobs=True))
    ranks = [tuple(sorted(one.places)) for one in job.collectives]
    assert {pair: ranks.count(pair) for pair in set(ranks)} == {(0, 2): 12, (1, 3): 12, (0, 1, 2, 3): 12}
    assert told(job) == [(0, 5, None, None), (6, 11, 3, "backward/kernel")]


def test_bus_bandwidth_is_that_of_nccl_tests(tmp_path: Path) -> None:
    job = analyse(Job(4, seed=7).run_in_ranges(ddp(), 2).write(tmp_path, blobs=True))
    one = job.collectives[0]
    assert one.bytes == 150_000  # the drawing's message has as many bytes as its transfer has ns
    assert one.bus_gbps == pytest.approx(2 * 3 / 4 * 150_000 / one.transfer_ns, abs=1e-3)


def test_steps_whose_names_hold_their_numbers_are_one_kind(tmp_path: Path) -> None:
    made = Job(2, seed=1).run_in_ranges(ddp(late), 8, name=lambda step: f"step {step}")
    job = analyse(made.write(tmp_path))
    assert job.choice is not None
    assert (job.choice.domain, job.choice.name, len(job.steps)) == ("train", "step #", 8)
    assert told(job)[0] == (0, 4, 1, "forward/kernel")


def twice_forward(rank: SimRank, step: int) -> None:
    """A step with a forward of two domains; rank 1 takes longer in that of `model`, rank 0 has none of `aux`."""
    with rank.range("forward"):
        rank.kernel(400_000)
    if rank.number:
        with rank.range("forward", domain="aux"):
            rank.kernel(300_000)
    with rank.range("forward", domain="model"), rank.range("mm"):
        done = [rank.kernel(1_000_000 if rank.number else 200_000)]
    rank.collective("AllReduce", 150_000, after=done)


def test_ranges_of_one_name_in_several_domains_are_told_apart_in_every_rank(tmp_path: Path) -> None:
    job = analyse(Job(2, seed=3).run_in_ranges(twice_forward, 8).write(tmp_path))
    assert [run.cause.path for run in job.runs if run.cause] == [("step", "model:forward", "mm")]
    assert {path for sums in job.sums.values() for path in sums.paths} >= {
        ("step", "train:forward"),
        ("step", "aux:forward"),
        ("step", "model:forward"),
        ("step", "model:forward", "mm"),
    }
    assert list_verdicts(job)[0].startswith("Steps 0–7: rank 1 is late, model:forward › mm +")


def test_ranges_that_differ_by_more_than_their_domains_are_named_without(tmp_path: Path) -> None:
    job = analyse(Job(2, seed=3).run_in_ranges(ddp(), 4).write(tmp_path))
    assert all(":" not in "".join(path) for sums in job.sums.values() for path in sums.paths)


def test_without_collectives_no_wait_is_invented(tmp_path: Path) -> None:
    def alone(rank: SimRank, step: int) -> None:
        with rank.range("forward"):
            rank.kernel(300_000)

    job = analyse(Job(2, seed=1).run_in_ranges(alone, 4).write(tmp_path))
    assert codes(job) == ["clocks_not_aligned", "missing_collectives"]
    assert [step.wait_ns for step in job.steps] == [{0: None, 1: None}] * 4
    assert told(job) == [(0, 3, None, None)]


def test_ranges_that_do_not_repeat_are_no_steps(tmp_path: Path) -> None:
    made = Job(2, seed=1)
    paths = made.run_in_ranges(ddp(), 1).write(tmp_path)
    job = analyse(paths)
    assert job.choice is None
    assert "steps_not_found" in codes(job)
    assert "skipped_none" not in codes(job)
    skipping = analyse(paths, RanksRequest(skip=3))
    assert [one.message for one in skipping.quality if one.code == "skipped_none"] == [
        "--skip leaves nothing out: no range repeats that could be a step (--skip 3 was asked)"
    ]


def test_a_host_that_runs_ahead_of_its_device_is_cut_on_the_device(tmp_path: Path) -> None:
    """Without synchronisation a step's host window holds hardly any of its own work."""

    def device_late(rank: SimRank, step: int) -> tuple[int, int]:
        return 0, 2_000_000 if rank.number == 1 and 5 <= step < 15 else 0

    job = analyse(Job(2, seed=2).run_in_ranges(ddp(device_late), 20, sync=False).write(tmp_path))
    assert job.choice is not None and job.choice.window == "device"
    assert (5, 14, 1, "forward/kernel") in told(job)


PROGRAMS: dict[str, Program] = {"ddp": ddp(late), "fsdp": fsdp(late), "tensor": tensor_parallel}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("sync", [True, False])
def test_layers_and_waiting_add_up_to_each_step(tmp_path: Path, program: str, *, sync: bool) -> None:
    made = Job(4, seed=11).run_in_ranges(PROGRAMS[program], 10, sync=sync)
    job = analyse(made.write(tmp_path, blobs=True))
    for step in job.steps:
        for rank, layers in step.layers.items():
            assert sum(ns or 0 for ns in layers.values()) == step.wall_ns[rank]
