"""What an annotation costs: without Nsight Systems, under it, and switched off. Writes docs/annotation-cost.md.

python bench/annotate_cost.py            all three, and the table
python bench/annotate_cost.py --measure  one JSON line, as the three do in processes of their own
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from flopprof.profiler import annotate, mark_step

TABLE = Path(__file__).resolve().parents[1] / "docs" / "annotation-cost.md"
CALLS, REPEATS = 20_000, 9

COLUMNS = {"plain": "no nsys", "nsys": "under nsys", "off": "NVTX_DISABLE=1"}


def forms() -> dict[str, Callable[[], object]]:
    """Every way to annotate nothing at all; the first is what calling nothing costs."""
    named, counted = annotate("a"), annotate("b", flops=5)
    both = annotate("c", flops=5, bytes=7)

    def bare() -> None: ...

    def with_name() -> None:
        with named:
            pass

    def with_flops() -> None:
        with counted:
            pass

    def with_both() -> None:
        with both:
            pass

    def made_anew() -> None:
        with annotate("d", flops=5, bytes=7):
            pass

    decorated = annotate("e", flops=5)(bare)
    varying = annotate("f", flops=lambda n: 2 * n, bytes=lambda n: n)(bool)
    return {
        "an empty function": bare,
        "`with` a name": with_name,
        "`with` FLOPs": with_flops,
        "`with` FLOPs and bytes": with_both,
        "`with annotate(…)` made anew, FLOPs and bytes": made_anew,
        "decorator, FLOPs": decorated,
        "decorator, FLOPs and bytes by functions": lambda: varying(7),
        "`mark_step()`": mark_step,
    }


def measure() -> dict[str, float]:
    """Nanoseconds a call, the least of several loops: what is above it is other programs' doing."""
    return {name: round(min(time_loop(form) for _ in range(REPEATS)), 1) for name, form in forms().items()}


def time_loop(form: Callable[[], object]) -> float:
    began = time.perf_counter_ns()
    for _ in range(CALLS):
        form()
    return (time.perf_counter_ns() - began) / CALLS


def measure_elsewhere(prefix: list[str], environment: Mapping[str, str]) -> dict[str, float]:
    command = [*prefix, sys.executable, __file__, "--measure"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


def table(results: Mapping[str, Mapping[str, float]]) -> str:
    lines = [
        "# What an annotation costs",
        "",
        f"Nanoseconds for one annotation around nothing, least of {REPEATS} loops of {CALLS:,} calls, the cost of the",
        "loop and the empty function included. Made by `python bench/annotate_cost.py`.",
        "",
        f"Python {platform.python_version()}, {platform.machine()}; {nsys_version()}.",
        "",
        f"| annotation | {' | '.join(COLUMNS.values())} |",
        f"|---|{'---:|' * len(COLUMNS)}",
    ]
    for name in results["plain"]:
        lines.append(f"| {name} | {' | '.join(f'{results[column][name]:.0f}' for column in COLUMNS)} |")
    return "\n".join(lines) + "\n"


def nsys_version() -> str:
    done = subprocess.run(["nsys", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measure", action="store_true")
    if parser.parse_args().measure:
        print(json.dumps(measure()))
        return
    with tempfile.TemporaryDirectory() as folder:
        profile = [sys.executable, "-m", "flopprof.profiler", "profile", f"--out={folder}/out", "--"]
        results = {
            "plain": measure_elsewhere([], {}),
            "nsys": measure_elsewhere(profile, {}),
            "off": measure_elsewhere([], {"NVTX_DISABLE": "1"}),
        }
    TABLE.write_text(table(results), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
