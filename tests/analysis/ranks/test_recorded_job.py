"""Two real ranks: DDP on two H200, in steps 10-19 rank 1 computes more, in 20-29 rank 0 sleeps 4 ms in `data`."""

from __future__ import annotations

import functools
import lzma
import shutil
import sqlite3
import statistics
from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.ranks.summaries import STEP_LAYERS
from flopprof.analysis.ranks.whole_job import JobAnalysis, RanksRequest, analyse_job
from running.engines import Inline

TRACES = tuple(DATA / "ranks" / f"strag_rank{rank}.sqlite.xz" for rank in range(2))


@functools.cache
def job() -> JobAnalysis:
    return analyse_job(TRACES, Inline(), RanksRequest())


def plain_kernels(folder: Path) -> list[list[tuple[int, int, int]]]:
    """(start, length, epoch) of each rank's NCCL kernels, stream by stream, so that the n-th is one on all ranks."""
    ranks = []
    for path in TRACES:
        plain = folder / path.stem
        plain.write_bytes(lzma.decompress(path.read_bytes()))
        rows = sqlite3.connect(plain).execute(
            "SELECT k.start, k.end - k.start, (SELECT utcEpochNs FROM TARGET_INFO_SESSION_START_TIME)"
            " FROM CUPTI_ACTIVITY_KIND_KERNEL k JOIN StringIds s ON s.id = k.demangledName"
            " WHERE s.value LIKE 'nccl%' ORDER BY k.streamId, k.start"
        )
        ranks.append(rows.fetchall())
    return ranks


def plain_collectives(folder: Path) -> list[tuple[int, int, int]]:
    """(transfer, wait of rank 0, wait of rank 1) of each collective by the start on rank 0, by a plain script."""
    found = [
        (start, min(one, other), one, other)
        for (start, one, _), (_, other, _) in zip(*plain_kernels(folder), strict=True)
    ]
    return [(transfer, a - transfer, b - transfer) for _, transfer, a, b in sorted(found)]


def test_waits_and_transfers_are_those_of_a_plain_script_to_the_ns(tmp_path: Path) -> None:
    mine = [(one.transfer_ns, one.wait_ns[0], one.wait_ns[1]) for one in job().collectives]
    assert mine == plain_collectives(tmp_path)
    assert len(mine) == 183


def test_the_planted_stragglers_are_named_with_range_and_layer() -> None:
    runs = [
        (run.first, run.last, run.straggler, run.cause and (run.cause.path, run.cause.layer))
        for run in job().runs
    ]
    assert runs == [
        (0, 9, None, None),
        (10, 19, 1, (("step", "forward"), "kernel")),
        (20, 29, 0, (("step", "data"), "host")),
    ]


def test_every_step_of_the_planted_ones_names_its_straggler_and_cause() -> None:
    steps = job().steps
    assert {step.straggler for step in steps[10:20]} == {1}
    assert {(s.cause.path, s.cause.layer) for s in steps[10:20] if s.cause} == {
        (("step", "forward"), "kernel")
    }
    assert {step.straggler for step in steps[20:30]} == {0}
    assert {(s.cause.path, s.cause.layer) for s in steps[20:30] if s.cause} == {(("step", "data"), "host")}


def test_the_excess_is_what_was_planted() -> None:
    forward, data = (run.cause for run in job().runs[1:])
    assert forward is not None and 2_000_000 < forward.excess_ns < 3_000_000  # one product of 4096³ more
    assert data is not None and 4_000_000 < data.excess_ns < 4_300_000  # a sleep of 4 ms


def test_layers_of_a_step_add_up_to_its_length_on_each_rank() -> None:
    assert all(len(layers) == len(STEP_LAYERS) for step in job().steps for layers in step.layers.values())
    for step in job().steps:
        assert {rank: sum(ns or 0 for ns in layers.values()) for rank, layers in step.layers.items()} == (
            step.wall_ns
        )


def test_clocks_are_set_by_the_median_of_collectives_ends_and_the_residual_is_told(tmp_path: Path) -> None:
    apart = [
        (b_start + b_length + b_epoch) - (a_start + a_length + a_epoch)
        for (a_start, a_length, a_epoch), (b_start, b_length, b_epoch) in zip(
            *plain_kernels(tmp_path), strict=True
        )
    ]
    middle = round(statistics.median(apart))
    residual = round(statistics.median(abs(one - middle) for one in apart))
    assert [(clock.offset_ns, clock.residual_ns) for clock in job().clocks] == [(0, 0), (-middle, residual)]
    assert (middle, residual) == (703, 7520)


def test_wall_clocks_alone_name_the_same_stragglers() -> None:
    runs = analyse_job(TRACES, Inline(), RanksRequest(align="utc")).runs
    assert [(run.first, run.straggler) for run in runs] == [(0, None), (10, 1), (20, 0)]


def test_the_order_in_which_traces_are_given_changes_nothing() -> None:
    other = analyse_job(TRACES[::-1], Inline(), RanksRequest())
    assert other.steps == job().steps
    assert other.collectives == job().collectives


def test_steps_left_out_at_the_beginning_keep_their_numbers() -> None:
    steps = analyse_job(TRACES, Inline(), RanksRequest(skip=25)).steps
    assert steps == job().steps[25:]


def test_of_steps_that_are_all_left_out_the_last_is_kept_and_said() -> None:
    of_all = analyse_job(TRACES, Inline(), RanksRequest(skip=1000))
    assert of_all.steps == job().steps[29:]
    told = {one.code: (one.severity, one.message) for one in of_all.quality}
    assert told["skipped_all"] == (
        "warning",
        "--skip asks to leave out every instance of a range, so its last one is kept "
        "(train:step has 30 instances, --skip 1000 was asked, 1 is kept)",
    )
    as_many = analyse_job(TRACES, Inline(), RanksRequest(skip=29))
    assert as_many.steps == of_all.steps
    assert "skipped_all" not in {one.code for one in as_many.quality}


def test_a_rank_whose_file_is_cut_short_is_a_row_with_its_reason(tmp_path: Path) -> None:
    paths = [tmp_path / f"strag_rank{rank}.sqlite" for rank in range(2)]
    for path, packed in zip(paths, TRACES, strict=True):
        path.write_bytes(lzma.decompress(packed.read_bytes()))
    paths[1].write_bytes(paths[1].read_bytes()[:300_000])
    cut = analyse_job(paths, Inline(), RanksRequest())
    assert [(row.rank, row.reason) for row in cut.rows] == [
        (0, None),
        (1, f"{paths[1]}: is cut short; export it again from its .nsys-rep"),
    ]
    assert "rank_failed" in {note.code for note in cut.quality}
    assert {step.straggler for step in cut.steps} == {None}


def test_a_trace_recorded_again_under_its_name_gives_the_new_answer(tmp_path: Path) -> None:
    paths = [tmp_path / f"job_rank{rank}.sqlite.xz" for rank in range(2)]
    for path, packed in zip(paths, TRACES, strict=True):
        shutil.copy(packed, path)
    before = analyse_job(paths, Inline(), RanksRequest())
    for path, packed in zip(paths, TRACES[::-1], strict=True):
        shutil.copy(packed, path)
    after = analyse_job(paths, Inline(), RanksRequest())
    assert [run.straggler for run in before.runs] == [None, 1, 0]
    assert [run.straggler for run in after.runs] == [None, 0, 1]


@pytest.mark.parametrize("glob", ["step", "st*"])
def test_steps_may_be_named(glob: str) -> None:
    assert analyse_job(TRACES, Inline(), RanksRequest(range_glob=glob)).steps == job().steps
