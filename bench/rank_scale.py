"""A job of many ranks with many kernels each: how long `flopprof ranks` takes, and how much memory it needs.

python bench/rank_scale.py --ranks 8 --kernels 1000000 --jobs 1 --jobs 2 --folder /tmp/ranks
"""

from __future__ import annotations

import argparse
import itertools
import json
import sqlite3
import sys
import time
from pathlib import Path

import numpy as np
import psutil

KERNELS_PER_STEP, TRANSFER_NS, EPOCH_NS = 1000, 150_000, 1_800_000_000_000_000_000
LATE_NS, LATE_STEPS = 3_000_000, 10
"""So much longer one rank computes, in so many steps in a row; then it is the next rank's turn."""

NCCL = "ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgsStorage<(unsigned long)4096>)"


def main() -> None:
    """Make the traces once, then time each number of processes on them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", type=int, default=8)
    parser.add_argument("--kernels", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, action="append")
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    if not given.folder.exists():
        make_job(given.folder, given.ranks, given.kernels)
    size = sum(file.stat().st_size for file in given.folder.iterdir())
    print(f"{given.ranks} ranks x {given.kernels:,} kernels, {size / 1e6:.0f} MB")
    outputs = {measure(given.folder, jobs) for jobs in given.jobs or [1, 2]}
    assert len(outputs) == 1, "another number of processes, another result"
    check(json.loads(outputs.pop()), given.ranks)


def make_job(folder: Path, ranks: int, kernels: int) -> None:
    """A trace a rank; in runs of steps one rank after the other is late."""
    folder.mkdir(parents=True)
    steps, random = kernels // KERNELS_PER_STEP, np.random.default_rng(1)
    compute = random.integers(4_000_000, 6_000_000, (ranks, steps))
    late = np.arange(steps) // LATE_STEPS % ranks
    compute[late, np.arange(steps)] += LATE_NS
    ready = compute + 20_000
    length = ready.max(axis=0) + TRANSFER_NS + 50_000
    begin = 1_000_000 + np.concatenate([[0], np.cumsum(length)[:-1]])
    for rank in range(ranks):
        write_rank(folder / f"rank{rank}.sqlite", rank, begin, ready[rank], ready.max(axis=0) + TRANSFER_NS)


def write_rank(path: Path, rank: int, begin: np.ndarray, ready: np.ndarray, end: np.ndarray) -> None:
    """One rank: kernels back to back from 20 µs after a step's begin, then a collective that ends with all others."""
    pid = 1 << 48 | (100 + rank) << 24
    rows: list[tuple[int, ...]] = []
    calls: list[tuple[int, ...]] = []
    count = 0
    for start, done, last in zip(begin.tolist(), ready.tolist(), end.tolist(), strict=True):
        edges = np.linspace(start + 20_000, start + done, KERNELS_PER_STEP).astype(np.int64).tolist()
        spans = [*itertools.pairwise(edges), (start + done, start + last)]
        for at, (one, other) in enumerate(spans):
            count += 1
            is_last = at == len(spans) - 1
            name, stream = (2, 17) if is_last else (1, 7)
            rows.append((one, other, rank % 8, 1, stream, count, pid, name, name, 64, 1, 1, 256, 1, 1))
            calls.append((start + 5 * at, start + 5 * at + 4, 0, pid | 1, count, 3, 0))
    connection = sqlite3.connect(path)
    connection.executescript(
        "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;"
        "CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT);"
        "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, end INTEGER, deviceId INTEGER, contextId INTEGER,"
        " streamId INTEGER, correlationId INTEGER, globalPid INTEGER, demangledName INTEGER, shortName INTEGER,"
        " gridX INTEGER, gridY INTEGER, gridZ INTEGER, blockX INTEGER, blockY INTEGER, blockZ INTEGER);"
        "CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER, end INTEGER, eventClass INTEGER,"
        " globalTid INTEGER, correlationId INTEGER, nameId INTEGER, returnValue INTEGER);"
        "CREATE TABLE NVTX_EVENTS (start INTEGER, end INTEGER, eventType INTEGER, text TEXT, globalTid INTEGER,"
        " domainId INTEGER);"
        "CREATE TABLE META_DATA_EXPORT (name TEXT, value TEXT);"
        "CREATE TABLE TARGET_INFO_SESSION_START_TIME (utcEpochNs INTEGER);"
    )
    strings = ((1, "gemm"), (2, NCCL), (3, "cudaLaunchKernel_v7000"))
    connection.executemany("INSERT INTO StringIds VALUES (?, ?)", strings)
    connection.executemany(
        f"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES ({', '.join('?' * 15)})", sorted(rows)
    )
    connection.executemany(f"INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES ({', '.join('?' * 7)})", calls)
    ranges = [
        (start, start + last + 10_000, 59, text, pid | 1, 0)
        for start, last in zip(begin.tolist(), end.tolist(), strict=True)
        for text in ("step", "forward")
    ]
    connection.executemany("INSERT INTO NVTX_EVENTS VALUES (?, ?, ?, ?, ?, ?)", ranges)
    described = (("EXPORT_PRODUCT_NAME", "NVIDIA Nsight Systems"), ("EXPORT_SCHEMA_VERSION", "3.20.3"))
    connection.executemany("INSERT INTO META_DATA_EXPORT VALUES (?, ?)", described)
    connection.execute("INSERT INTO TARGET_INFO_SESSION_START_TIME VALUES (?)", [EPOCH_NS + 1000 * rank])
    connection.commit()
    connection.close()


def measure(folder: Path, jobs: int) -> str:
    """What it prints; how long it takes and the memory of all its processes goes to standard output."""
    command = [sys.executable, "-m", "flopprof.profiler", "ranks", str(folder), f"--jobs={jobs}", "--json"]
    began, all_of_it, one, parent = time.monotonic(), 0, 0, 0
    with (folder.parent / "out.json").open("w+b") as out:
        running = psutil.Popen(command, stdout=out)
        while running.poll() is None:
            sizes = [size_of(process) for process in [running, *running.children(recursive=True)]]
            all_of_it, parent = max(all_of_it, sum(sizes)), max(parent, sizes[0])
            one = max(one, *sizes[1:], 0)
            time.sleep(0.05)
        assert running.returncode == 0, running.returncode
        out.seek(0)
        printed = out.read().decode()
    print(
        f"  --jobs {jobs}: {time.monotonic() - began:6.1f} s; largest worker {one / 1e6:5.0f} MB, "
        f"parent {parent / 1e6:4.0f} MB, all together {all_of_it / 1e6:5.0f} MB"
    )
    return printed


def size_of(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def check(job: dict, ranks: int) -> None:
    """Whether in each step the planted rank is named."""
    wrong = [s["instance"] for s in job["steps"] if s["straggler"] != s["instance"] // LATE_STEPS % ranks]
    print(f"  {len(job['steps'])} steps, {len(wrong)} of them with another straggler than was planted")


if __name__ == "__main__":
    main()
