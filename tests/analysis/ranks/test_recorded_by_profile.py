"""DDP and FSDP on two H200, recorded by `profile --ranks 2`.

The script planted it: in steps 10-19 rank 1 multiplies 4096² matrices twice more in `forward`, from step 20 on rank 0
sleeps 4 ms in `data`. Of FSDP the first 25 steps are kept, of DDP all 30.
"""

from __future__ import annotations

import functools
import lzma
import sqlite3
from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.ranks.whole_job import JobAnalysis, RanksRequest, analyse_job
from running.engines import Inline

FORWARD, SLEEP = ((1, ("step", "forward"), "kernel"), (0, ("step", "data"), "host"))


def traces(kind: str) -> tuple[Path, ...]:
    return tuple(DATA / "ranks" / f"{kind}_rank{rank}.sqlite.xz" for rank in range(2))


@functools.cache
def job(kind: str) -> JobAnalysis:
    return analyse_job(traces(kind), Inline(), RanksRequest())


def plain_walls(path: Path, plain: Path) -> list[dict[str, int]]:
    """What each part of each step took on the host."""
    plain.write_bytes(lzma.decompress(path.read_bytes()))
    events = sqlite3.connect(plain).execute(
        "SELECT start, end, coalesce(text, (SELECT value FROM StringIds WHERE id = textId)) AS name"
        " FROM NVTX_EVENTS WHERE eventType = 59 AND end IS NOT NULL ORDER BY start"
    )
    walls: list[dict[str, int]] = []
    for start, end, name in events:
        if name == "step":
            walls.append({})
        elif name in ("data", "forward", "backward", "optimizer", "metrics"):
            walls[-1][name] = end - start
    return walls


@pytest.mark.parametrize(("kind", "steps"), [("ddp", 30), ("fsdp", 25)])
def test_what_the_script_planted_is_named_in_every_step(kind: str, steps: int) -> None:
    causes = [s.cause and (s.cause.rank, s.cause.path, s.cause.layer) for s in job(kind).steps]
    assert causes[10:] == [*[FORWARD] * 10, *[SLEEP] * (steps - 20)]
    planted = [
        (run.first, run.last, run.cause and (run.cause.rank, run.cause.path, run.cause.layer))
        for run in job(kind).runs
        if run.first >= 10
    ]
    assert planted == [(10, 19, FORWARD), (20, steps - 1, SLEEP)]


@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_the_sleep_costs_what_was_slept(kind: str) -> None:
    cause = job(kind).runs[-1].cause
    assert cause is not None and 4_000_000 < cause.excess_ns < 4_300_000


def test_nobody_is_late_in_ddp_before_anything_was_planted() -> None:
    assert all(step.straggler is None for step in job("ddp").steps[:10])


def test_a_host_is_late_by_no_more_than_it_took_longer(tmp_path: Path) -> None:
    """Hosts of FSDP differ by themselves; idle time that the other's waiting hides is nobody's lateness."""
    walls = [plain_walls(path, tmp_path / path.stem) for path in traces("fsdp")]
    on_host = [
        (step.cause.rank, step.cause.range, step.cause.excess_ns, at)
        for at, step in enumerate(job("fsdp").steps)
        if step.cause is not None and step.cause.layer == "host"
    ]
    longer = [(excess, walls[r][at][name] - walls[1 - r][at][name]) for r, name, excess, at in on_host]
    assert len(longer) >= 10
    assert all(excess <= wall for excess, wall in longer)
    (first, *_) = job("fsdp").runs
    assert (first.first, first.last, first.straggler) == (0, 6, 0)
    assert first.cause is not None and (first.cause.range, first.cause.layer) == ("forward", "host")


def test_message_sizes_are_those_of_nccl() -> None:
    """A layer of the model has 2048·8192·2 + 8192 + 2048 parameters of 4 bytes."""
    layer = 4 * (2 * 2048 * 8192 + 8192 + 2048)
    sizes = {one.bytes for one in job("fsdp").collectives if one.bytes is not None}
    assert sizes == {layer // 2}
