"""A store of many runs: what `flopprof runs`, `show` and addresses cost beyond Python's start.

    python bench/store_scale.py --runs 1000 --steps 100

Start-up is `flopprof --version` (the interpreter, typer and the command line); every figure is the median of five.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from drawing.report_samples import gpu_run  # pyright: ignore[reportMissingImports]
from flopprof.analysis.runs.results import RunResult
from flopprof.analysis.store.address import find_run
from flopprof.analysis.store.database import DATABASE, open_store, record_run

REPEATS = 5


def make_run(number: int, steps: int) -> RunResult:
    """The sample run with as many steps as asked for, and 50 samples in each of their two passes."""
    base = gpu_run()
    first, ops = base.steps[0], [op for op in base.ops if op.key == base.steps[0].key]
    samples = tuple(float(1000 + number + at) for at in range(50))
    many = [
        replace(
            first,
            key=f"{at:012x}",
            label=f"{first.label} {at}",
            params={"n": at + 1},
            untraced_samples_ns=samples,
            traced_samples_ns=samples,
        )
        for at in range(steps)
    ]
    started = f"2026-{number // 720 + 1:02}-{number // 24 % 30 + 1:02}T{number % 24:02}:00:00+00:00"
    info = base.run.model_copy(update={"id": f"outer-{number:05}", "started_at": started})
    all_ops = tuple(replace(op, key=step.key) for step in many for op in ops)
    return replace(base, run=info, steps=tuple(many), ops=all_ops)


def seconds_of(*arguments: str) -> float:
    """The median wall time of a command."""
    times: list[float] = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "flopprof.profiler", *arguments], check=True, stdout=subprocess.DEVNULL
        )
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a store of many runs.")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=100)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flopprof-scale-") as folder:
        store = Path(folder)
        began = time.perf_counter()
        for number in range(chosen.runs):
            result = make_run(number, chosen.steps)
            (store / result.run.id).mkdir()
            record_run(store, result, result.run.id, 1)
        print(f"recorded {chosen.runs} runs in {time.perf_counter() - began:.0f} s")
        with open_store(store) as database:
            for table in ("runs", "steps", "ops", "kernels", "reps"):
                print(f"  {table:8} {database.table(table).count:>10,} rows")
        print(f"  {DATABASE} {(store / DATABASE).stat().st_size / 1e6:.0f} MB")
        start = seconds_of("--version")
        print(f"start-up (flopprof --version)        {start:.3f} s")
        at = ("--store", str(store))
        latest = f"outer-{chosen.runs - 1:05}"
        for arguments in (
            ("runs",),
            ("runs", "--json"),
            ("runs", "--scenario", "outer"),
            ("show", latest),
            ("show", "latest"),
            ("history", "outer", "--step", "n=1"),
        ):
            print(
                f"flopprof {' '.join(arguments):27} {seconds_of(*arguments, *at) - start:.3f} s beyond start-up"
            )
        began = time.perf_counter()
        find_run("outer@latest", store)
        print(f"find_run('outer@latest') in process   {time.perf_counter() - began:.3f} s")


if __name__ == "__main__":
    main()
