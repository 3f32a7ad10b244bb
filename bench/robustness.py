"""Write docs/robustness.md: one page of figures from the three draws, and nothing else.

    python bench/robustness.py --fuzzed FILE... --mutated FILE [--write docs/robustness.md]

FILEs are what `fuzz_sqlite.py --write` and `mutate_traces.py --write` wrote; draws of several seeds are added up.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
from pathlib import Path

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "robustness.md"

HEAD = """# How flopprof reads damaged files

Two scripts try it, and a short draw of each is in the test suite (`tests/whole`). A draw can be made again from its
seed and its number.

## Random and damaged databases

`bench/fuzz_sqlite.py` makes databases (page sizes, encodings, indexes, write-ahead logs still open, virtual and stored
generated columns, tables without row ids, integers stored as texts and reals) and changes bytes of them and of recorded
traces, mostly in page headers, cell pointers and cell heads. Every column of every table is read in each way flopprof
reads it, and compared with Python's own `sqlite3`. An answer may be refused in words; it may not differ.
"""

MUTATED = """
## Mutated traces

`bench/mutate_traces.py` takes away or spoils tables, columns, values, order and bytes of recorded traces. Whatever then
is said must be what plain SQL adds up, with a quality code for every difference; or one line and exit code 2. Never a
traceback, a hang, or over 1 GiB. Exit code 3 is `--strict` refusing a trace that lost data.

"""


def add_up(files: list[Path]) -> str:
    """The draws of all files, as a table."""
    total: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for file in files:
        for kind, part in json.loads(file.read_text()).items():
            total[kind].update(part)
    lines = ["| draw | number | refused in words | differ without a word |", "|---|---|---|---|"]
    lines += [
        f"| {kind} | {int(part['draws']):,} | {int(part['refused']):,} | {int(part['differ'])} |"
        for kind, part in total.items()
        if part["draws"]
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/robustness.md from what the fuzzers found.")
    parser.add_argument("--fuzzed", type=Path, nargs="+", required=True)
    parser.add_argument("--mutated", type=Path, required=True)
    parser.add_argument("--write", type=Path, default=RESULTS)
    options = parser.parse_args()
    text = (
        f"{HEAD}\n{add_up(options.fuzzed)}\n{MUTATED}{options.mutated.read_text().rstrip()}\n\n{SEEN}{REPEAT}"
    )
    options.write.write_text(text)
    return 0


SEEN = """## What earlier draws found

Of 7,200 databases, 12,000 corruptions and 4,000 mutations before those of the tables, some differed or broke a rule.
What made them do so is mended; drawn again, by seed and number, they give what SQLite gives, or say why not:

- one name was another's: an index of `StringIds` led to the wrong row;
- rows of kernels in another order changed the last digit of sampled sums, and their order (2); rows that name metrics
  their order;
- waits whose context is not told left a latency known that is not;
- a launch geometry that only some kernels have changed rows of kernels without a code;
- three are faults of the fuzzer: a column whose name is damaged cannot be asked of SQLite by its name.

Two draws of other seeds ended early, one over such a name, one over a table whose name is no text, which was a
traceback and is one line now.

"""

REPEAT = """## The whole draw

All of it takes about an hour:

```
python bench/fuzz_sqlite.py --databases 12000 --corruptions 20000 --write fuzzed.json
python bench/mutate_traces.py --count 2000 --traces FOLDER --write mutated.md
python bench/robustness.py --fuzzed fuzzed.json --mutated mutated.md
```
"""

if __name__ == "__main__":
    sys.exit(main())
