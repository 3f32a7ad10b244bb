"""Run with ever more room on a small disk, until it is enough: python bench/full_disk.py --recorder nsys (as root)

What must hold at every step is in tests/running/full_disks.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from running.full_disks import FullDisk, small_disk  # pyright: ignore[reportMissingImports]


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill the disk under a run, at every stage.")
    parser.add_argument("--recorder", choices=["embedded", "nsys"], default="embedded")
    parser.add_argument("--temporary", action="store_true", help="put temporary files on the same disk")
    parser.add_argument("--step", type=int, default=16, help="KiB")
    parser.add_argument("--most", type=int, default=16 * 1024, help="KiB")
    chosen = parser.parse_args()
    kib, fitting = 0, 0
    print(
        f"## a full disk, recorder {chosen.recorder}, temporary files {'on it' if chosen.temporary else 'elsewhere'}"
    )
    while kib <= chosen.most and fitting < 2:
        with small_disk(2 * chosen.most) as disk:
            told = FullDisk(disk=disk, recorder=chosen.recorder, temporary=chosen.temporary).run_with(kib)
        print(told, flush=True)
        fitting += "exit 0" in told
        kib += max(chosen.step, kib // 8 // 4 * 4)


if __name__ == "__main__":
    main()
