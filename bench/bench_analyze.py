"""How long `flopprof analyze` takes on a large trace, beside what a user runs today and beside a plain scan.

    python bench/bench_analyze.py [--kernels 1000000] [--runs 3] [--rivals nvtx_kern_sum,...] [--write FILE.md]

Whole processes, one after another in turns, so that a slow moment of the machine hits all of them; the median
is reported with its range, and peak memory as the kernel counts it, children included. One trace is synthetic
(make_trace.py); what every contender must find in it is known, and flopprof's total is checked against it. The other is
real, half a million kernels with few ranges, and lies in the folder `shared` beside the checkout, where there is one.
Of the file written, only what stands between BEGIN and END is replaced.
"""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import json
import lzma
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = HERE.parent / "docs" / "benchmark.md"
REAL = HERE.parents[1] / "shared" / "bench" / "real_half_million.sqlite.xz"
BEGIN, END = "<!-- make bench -->", "<!-- end of make bench -->"
FLOPPROF, FLOOR = "flopprof analyze --json", "sqlite3 scan of the needed columns"
OLD_NAMES = {
    "nvtx_kern_sum": "nvtxkernsum",
    "nvtx_gpu_proj_sum": "nvtxgpuproj",
    "cuda_kern_exec_sum": "kernexecsum",
}
"""Reports had these names before Nsight Systems 2023."""


@dataclass(frozen=True)
class Contender:
    name: str
    command: list[str]
    stdin: Path | None = None


@dataclass(frozen=True)
class Sample:
    seconds: float
    peak_mib: float


def run(contender: Contender, output: Path) -> Sample:
    with output.open("wb") as out, Path(contender.stdin or os.devnull).open("rb") as stdin:
        began = time.perf_counter()
        child = subprocess.Popen(contender.command, stdin=stdin, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(contender.command)} failed:\n{output.read_text()[-2000:]}")
    return Sample(seconds, usage.ru_maxrss / 1024)


def contenders(trace: Path, copy: Path, folder: Path, rivals: list[str]) -> list[Contender]:
    flopprof = [sys.executable, "-m", "flopprof.profiler", "analyze", str(trace), "--json"]
    found = [Contender(FLOPPROF, flopprof)]
    if shutil.which("sqlite3"):
        found.append(Contender(FLOOR, ["sqlite3", "-readonly", str(trace)], HERE / "floor.sql"))
    if shutil.which("nsys"):
        for name in rivals:
            report = OLD_NAMES[name] if nsys_release() < 2023 else name
            options = [
                "-q",
                "-r",
                report,
                "--format",
                "csv",
                "--force-overwrite=true",
                "-o",
                str(folder / report),
            ]
            found.append(Contender(f"nsys stats -r {name}", ["nsys", "stats", *options, str(copy)]))
    return found


def nsys_version() -> str:
    said = subprocess.run(["nsys", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split("version")[-1].strip()


def nsys_release() -> int:
    return int(nsys_version().split(".")[0])


def check_total(output: Path, truth: Path) -> None:
    with truth.open() as file:
        expected = sum(int(row["total_ns"]) for row in csv.DictReader(file))
    found = json.loads(output.read_text())["device_ns"]
    if found != expected:
        raise SystemExit(f"flopprof found {found} ns of device time, the trace holds {expected}")


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists() and (model := re.search(r"model name\s*:\s*(.*)", info.read_text())):
        cpu = model.group(1)
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("numpy", "pandas"))
    nsys = f", Nsight Systems {nsys_version()}" if shutil.which("nsys") else ""
    return f"{os.cpu_count()} × {cpu}, Python {platform.python_version()}, {versions}{nsys}"


def table(samples: dict[str, list[Sample]]) -> list[str]:
    ours = statistics.median(s.seconds for s in samples[FLOPPROF])
    lines = [
        "| whole process | wall, median (range) | peak memory | its time / flopprof's | flopprof's / its |",
        "|---|---|---|---|---|",
    ]
    for name, found in samples.items():
        seconds = sorted(s.seconds for s in found)
        middle = statistics.median(seconds)
        spread = f"{middle:.2f} s ({seconds[0]:.2f}–{seconds[-1]:.2f})"
        peak = f"{statistics.median(s.peak_mib for s in found):.0f} MiB"
        lines.append(f"| {name} | {spread} | {peak} | {middle / ours:.1f} | {ours / middle:.3f} |")
    return lines


def measure_synthetic(kernels: int, runs: int, rivals: list[str]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="flopprof-bench-") as name:
        trace, truth = Path(name) / "trace.sqlite", Path(name) / "truth.csv"
        make = [sys.executable, str(HERE / "make_trace.py"), str(trace), "--truth", str(truth)]
        subprocess.run([*make, "--kernels", str(kernels)], check=True, stdout=subprocess.DEVNULL)
        return measure(f"{kernels:,} synthetic kernels", trace, runs, rivals, truth)


def measure_real(packed: Path, runs: int, rivals: list[str]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="flopprof-bench-") as name:
        trace = Path(name) / "trace.sqlite"
        with lzma.open(packed) as source, trace.open("wb") as target:
            shutil.copyfileobj(source, target)
        return measure(packed.name.split(".")[0].replace("_", " "), trace, runs, rivals)


def measure(what: str, trace: Path, runs: int, rivals: list[str], truth: Path | None = None) -> list[str]:
    folder = trace.parent
    copy = folder / "copy.sqlite"  # nsys stats may write into the file it is given
    shutil.copyfile(trace, copy)
    samples: dict[str, list[Sample]] = {}
    for turn in range(runs):
        for contender in contenders(trace, copy, folder, rivals):
            print(f"{what}, turn {turn + 1} of {runs}: {contender.name}", file=sys.stderr)
            samples.setdefault(contender.name, []).append(run(contender, folder / "output"))
            if contender.name == FLOPPROF and truth is not None:
                check_total(folder / "output", truth)
    size = trace.stat().st_size / 1e6
    return [f"### {what} ({size:.0f} MB), {runs} runs each", "", *table(samples), ""]


def write(path: Path, text: str) -> None:
    """Replace what an earlier run wrote into a file, or make one of it alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    block = f"{BEGIN}\n{text}{END}\n"
    said = path.read_text() if path.exists() else ""
    before, begin, rest = said.partition(f"{BEGIN}\n")
    _, _, after = rest.partition(f"{END}\n")
    path.write_text(f"{before}{block}{after}" if begin else f"{said}\n{block}".lstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description="Time flopprof analyze beside its rivals.")
    parser.add_argument("--kernels", default="1000000", help="one trace each, such as 1000000,5000000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rivals", default="nvtx_kern_sum", help=f"of {', '.join(OLD_NAMES)}; may be empty")
    parser.add_argument(
        "--real", type=Path, default=REAL, help="a packed real trace, measured where it is there"
    )
    parser.add_argument("--write", type=Path, default=TABLES, help="Markdown file to write the tables to")
    options = parser.parse_args()
    rivals = [name for name in options.rivals.split(",") if name]
    lines = ["## By `make bench`, in turns", "", f"On {machine()}.", ""]
    for kernels in options.kernels.split(","):
        lines += measure_synthetic(int(kernels), options.runs, rivals)
    if options.real.exists():
        lines += measure_real(options.real, options.runs, rivals)
    text = "\n".join(lines).rstrip() + "\n"
    print(text)
    write(options.write, text)


if __name__ == "__main__":
    main()
