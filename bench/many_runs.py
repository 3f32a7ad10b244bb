"""Eight `flopprof run` at once into one store: python bench/many_runs.py --recorder nsys"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from running.crashes import Laboratory, require  # pyright: ignore[reportMissingImports]


def main() -> None:
    parser = argparse.ArgumentParser(description="Run many at once into one store.")
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--recorder", choices=["embedded", "nsys"], default="embedded")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fc-") as folder:
        laboratory = Laboratory(folder=Path(folder), recorder=chosen.recorder, backends="numpy")
        (laboratory.folder / "tmp").mkdir()
        began = time.monotonic()
        processes = [laboratory.start(*laboratory.run_command()) for _ in range(chosen.runs)]
        for process in processes:
            out, err = process.communicate()
            require(process.returncode == 0, (process.returncode, err, out[-2000:]))
        took = time.monotonic() - began
        with sqlite3.connect(laboratory.store / "flopprof.db") as connection:
            written = connection.execute("SELECT count(*) FROM runs WHERE status = 'complete'").fetchone()[0]
        connection.close()
        require(written == chosen.runs, written)
        laboratory.check_store()
        require(not (strays := laboratory.strays()), strays)
        print(
            f"{chosen.runs} runs at once, recorder {chosen.recorder}: {written} complete runs in the database in "
            f"{took:.1f} s; integrity_check and foreign_key_check ok; {len(laboratory.digests)} runs re-read; no stray"
        )


if __name__ == "__main__":
    main()
