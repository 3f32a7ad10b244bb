"""A trace with GPU samples by the million: rows of an existing one's GPU_METRICS, repeated at later times.

    python bench/many_samples.py TRACE.sqlite OUT.sqlite [--rows 7000000]

The work stays where it is, so most samples see none; what is measured is how they are read.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
from pathlib import Path

REPEAT = """
WITH RECURSIVE turn(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM turn WHERE n < :turns)
INSERT INTO GPU_METRICS (rawTimestamp, timestamp, typeId, metricId, value)
SELECT rawTimestamp + n * :length, timestamp + n * :length, typeId, metricId, value
FROM turn CROSS JOIN once
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trace", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=7_000_000)
    given = parser.parse_args()
    shutil.copyfile(given.trace, given.out)
    with sqlite3.connect(given.out) as db:
        count, first, last = db.execute(
            "SELECT count(*), min(timestamp), max(timestamp) FROM GPU_METRICS"
        ).fetchone()
        db.execute("CREATE TEMP TABLE once AS SELECT * FROM GPU_METRICS")
        db.execute(REPEAT, {"turns": max(given.rows // count - 1, 0), "length": last - first + 10_000})
    db.close()


if __name__ == "__main__":
    main()
