"""A process that measures the ceilings of one (backend, device); run as ``… worker.ceilings JOB.json``.

Bandwidth is measured on arrays of at least eight times the last level of cache (as far as a quarter of the free
memory allows), with the library's own copy, sum and fill, and a matrix times a vector, which on a CPU may read faster
than a sum; arithmetic with its matrix product, at sizes that double
until one product takes a quarter of a measurement's time. What is kept is the median of the samples.
"""

from __future__ import annotations

import faulthandler
import math
import operator
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from ...analysis.runs.ceilings import Ceiling, MeasuredRate
from ...analysis.runs.records import Record
from ...analysis.runs.writing import write_record
from ...scenarios.errors import StepFailure
from ...scenarios.libraries.backend import Backend
from ...scenarios.libraries.failures import step_failures
from ...scenarios.libraries.opening import open_backend
from ...scenarios.operations.ops import Matmul, Matvec
from ...scenarios.plan.capability import why_impossible
from ...scenarios.plan.work import ITEM_BYTES, product_unit
from .measure import time_silently, timed_batch

MEBIBYTE = 1 << 20

LEAST_ARRAY, MOST_ARRAY = 256 * MEBIBYTE, 2048 * MEBIBYTE

CACHES = 8
"""An array is this many times the last level of cache, so that at most an eighth of it was already there."""

MEMORY_PART = 8
"""No array takes more than this part of the free memory."""

LEAST_SAMPLES, MOST_SAMPLES = 5, 10_000

SIZES = (256, 512, 1024, 2048, 4096, 8192, 16_384)


class CeilingJob(Record):
    """What to measure, and what is known of the device."""

    backend: str
    device: str
    name: str
    uuid: str | None
    cores: int | None
    cache_bytes: int | None
    measured_at: str
    seconds: float
    """Time for one measurement, about."""
    progress: str
    """A line of this file for every measurement begun."""
    outcome: str


class CeilingOutcome(Record):
    """What was reached, or why nothing was."""

    ceiling: Ceiling | None = None
    failure: str | None = None


def main(job_path: Path) -> int:
    """Measure and write the outcome; a failure of the library is an outcome too."""
    faulthandler.enable()
    job = CeilingJob.model_validate_json(job_path.read_text(encoding="utf-8"))
    try:
        with step_failures():
            outcome = CeilingOutcome(ceiling=measure_ceiling(job, open_backend(job.backend, job.device)))
    except StepFailure as failure:
        outcome = CeilingOutcome(failure=str(failure))
    write_record(Path(job.outcome), outcome)
    return 0


def measured_dtypes(backend: str, device: str) -> list[str]:
    """The dtypes that a library can multiply matrices of there."""
    return [
        d for d in ITEM_BYTES if why_impossible(backend, device, d, "eager", (Matmul(),), "matmul") is None
    ]


def measure_ceiling(job: CeilingJob, backend: Backend) -> Ceiling:
    """Everything the job asks for. Raises StepFailure."""
    size = array_bytes(backend.free_bytes(), job.cache_bytes)
    bandwidths = measure_bandwidths(job, backend, size)
    backend.release()
    rates = list(measure_rates(job, backend))
    tell(job, "launch latency")
    return Ceiling(
        device="cuda" if job.device == "cuda" else "cpu",
        name=job.name,
        uuid=job.uuid,
        cores=job.cores,
        backend=job.backend,
        version=backend.versions()[job.backend],
        settings=backend.settings(),
        measured_at=job.measured_at,
        array_bytes=size,
        cache_bytes=job.cache_bytes,
        rates=rates,
        launch_ns=measure_launch(backend, job.seconds),
        **bandwidths,
    )


def array_bytes(free: int, cache: int | None) -> int:
    """Size of the two arrays that bandwidth is measured on.

    Raises StepFailure where memory has no room for arrays beyond the cache.
    """
    wanted = min(MOST_ARRAY, max(LEAST_ARRAY, CACHES * (cache or 0)))
    size = min(wanted, free // MEMORY_PART) // MEBIBYTE * MEBIBYTE
    if size <= 2 * (cache or 0) or size < MEBIBYTE:
        raise StepFailure(f"{free / 1e9:.1f} GB of free memory are too little to measure beyond the cache")
    return size


def measure_bandwidths(job: CeilingJob, backend: Backend, size: int) -> dict[str, float]:
    """Bytes a second of copy, read and write, by the fields of Ceiling."""
    allocate = backend.allocator("float32", 0)
    source, target = (allocate((size // ITEM_BYTES["float32"],), None) for _ in range(2))
    side = math.isqrt(size // ITEM_BYTES["float32"])
    matrix, vector = source[: side * side].reshape(side, side), allocate((side, 1), None)
    multiply = backend.operation(Matvec())
    runs: tuple[tuple[str, str, int, Callable[[], Any]], ...] = (
        ("copy", "copy", 2 * size, lambda: operator.setitem(target, ..., source)),
        ("read", "read", size, lambda: source.sum()),
        ("read", "read by matvec", side * side * ITEM_BYTES["float32"], lambda: multiply(matrix, vector)),
        ("write", "write", size, lambda: operator.setitem(target, ..., 1.0)),
    )
    rates: dict[str, float] = {}
    for name, what, moved, run in runs:
        tell(job, what)
        rate = moved / median_ns(backend, run, job.seconds) * 1e9
        rates[f"{name}_bytes_per_s"] = max(rate, rates.get(f"{name}_bytes_per_s", 0.0))
    return rates


def measure_rates(job: CeilingJob, backend: Backend) -> Iterator[MeasuredRate]:
    """The matrix product's rate of every dtype that the library has one for."""
    for dtype in measured_dtypes(job.backend, job.device):
        tell(job, f"{dtype} matrix product")
        try:
            with step_failures():
                n, flops_per_s = max(product_rates(job, backend, dtype), key=lambda rate: rate[1])
        except StepFailure as failure:
            tell(job, f"{dtype} left out: {failure}")
            continue
        finally:
            backend.release()
        unit = product_unit(dtype) if job.device == "cuda" else "fma"
        yield MeasuredRate(dtype=dtype, unit=unit, flops_per_s=flops_per_s, n=n)


def product_rates(job: CeilingJob, backend: Backend, dtype: str) -> Iterator[tuple[int, float]]:
    """(n, FLOPs a second) of products that take long enough to be told from their launch."""
    multiply, allocate = backend.operation(Matmul()), backend.allocator(dtype, 0)
    room = backend.free_bytes() // MEMORY_PART
    sizes = [n for n in SIZES if n * n * ITEM_BYTES[dtype] <= room]
    for n in sizes:
        left, right = (allocate((n, n), None) for _ in range(2))
        multiply(left, right)
        seconds = timed_batch(backend, lambda: multiply(left, right), 1)  # noqa: B023
        if seconds < job.seconds / 50 and n < sizes[-1]:
            continue
        flops = 2 * n**3 - n * n
        yield n, flops / median_ns(backend, lambda: multiply(left, right), job.seconds) * 1e9  # noqa: B023
        if seconds > job.seconds / 4:
            break


def measure_launch(backend: Backend, seconds: float) -> float:
    """Nanoseconds of the smallest operation when each is enqueued right after the other."""
    number = backend.allocator("float32", 0)((1,), None)
    return median_ns(backend, lambda: operator.iadd(number, 1), seconds)


def median_ns(backend: Backend, run: Callable[[], Any], seconds: float) -> float:
    """Median time of ``run`` over as many samples as ``seconds`` allow, at least five, after a warm-up."""
    timed_batch(backend, run, 2)
    once = timed_batch(backend, run, 1)
    reps = min(max(int(seconds / max(once, 1e-9)), LEAST_SAMPLES), MOST_SAMPLES)
    return median(time_silently(backend, run, reps).samples_ns)


def tell(job: CeilingJob, what: str) -> None:
    """One line for whoever waits."""
    with Path(job.progress).open("a", encoding="utf-8") as file:
        file.write(what + "\n")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
