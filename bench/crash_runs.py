"""Kill `flopprof run` at random moments (kill -9), then look at what is left.

    python bench/crash_runs.py --kills 40 --recorder nsys

What must hold after each kill is in tests/running/crashes.py. Prints a line for each kill; the first thing that does
not hold ends it with a traceback.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from running.crashes import Laboratory  # pyright: ignore[reportMissingImports]


def crash(kills: int, recorder: str, backends: str, seed: int, folder: Path) -> Laboratory:
    """``kills`` kills of one kind of run, drawn evenly over 1.2 times what a run takes."""
    laboratory = Laboratory(folder=folder, recorder=recorder, backends=backends)
    takes = laboratory.time_a_run()
    print(
        f"## {kills} kills, recorder {recorder}, backends {backends}, seed {seed}; undisturbed {takes:.1f} s",
        flush=True,
    )
    moments = random.Random(seed)
    done = 0
    while done < kills:
        if (line := laboratory.kill_a_run(moments.uniform(0, 1.2 * takes))) is not None:
            done += 1
            print(f"{done:3} {line}", flush=True)
    print(
        f"met: {dict(laboratory.seen.most_common())}; {len(laboratory.digests)} complete runs, each read again "
        "after every kill, the same every time",
        flush=True,
    )
    return laboratory


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill flopprof run at random moments.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--recorder", choices=["embedded", "nsys"], default="embedded")
    parser.add_argument("--backends", default="numpy")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    # Short: Nsight Systems makes sockets below it.
    with tempfile.TemporaryDirectory(prefix="fc-") as folder:
        crash(chosen.kills, chosen.recorder, chosen.backends, chosen.seed, Path(folder))


if __name__ == "__main__":
    main()
