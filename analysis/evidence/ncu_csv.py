"""What `ncu --csv --page raw` writes: chatter, a header, a row of units, and a row for every kernel launch.

Numbers may have thousands separators and any unit of their kind; here they are in base units. The NVTX state is a
column: quoted ranges from the outermost, each `domain:message:` with the types and values of payload, colour, message.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...scenarios.errors import FlopprofError
from .counters import CountedLaunch

FIRST_COLUMNS = ("ID", "Process ID")

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?")

PREFIXES = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "k": 1e3}

SCALED = re.compile(
    r"(?P<prefix>[KMGTPk]?)(?P<unit>byte|inst|sector|cycle|request|block|thread|warp)s?(?P<rest>\b.*)?$"
)

DEFAULT_DOMAINS = ("<default domain>", "Default", "default", "none", "")


class NcuOutputError(FlopprofError):
    """What Nsight Compute wrote is not a table of kernels."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path.name}: {problem}")


def read_ncu_csv(path: Path) -> list[CountedLaunch]:
    """Every launch in the file; none when no kernel was counted. Raises NcuOutputError."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NcuOutputError(path, f"cannot be read ({error.strerror})") from error
    return parse_ncu_csv(text.splitlines())


def parse_ncu_csv(lines: Iterable[str]) -> list[CountedLaunch]:
    """The launches of a raw page; lines before the header and after the table are chatter."""
    rows = csv.reader(line for line in lines if line.startswith('"'))
    header: list[str] | None = None
    units: list[str] = []
    launches: list[CountedLaunch] = []
    for row in rows:
        if tuple(row[:2]) == FIRST_COLUMNS:
            header, units = row, []
        elif header is not None and len(row) == len(header):
            if not row[0].strip():
                units = row
            elif row[0].isdigit():
                launches.append(_launch(dict(zip(header, row, strict=True)), _units(header, units)))
    return launches


def _units(header: list[str], units: list[str]) -> dict[str, str]:
    return dict(zip(header, units or [""] * len(header), strict=True))


def _launch(row: Mapping[str, str], units: Mapping[str, str]) -> CountedLaunch:
    metrics: dict[str, float] = {}
    for name, text in row.items():
        if "__" in name and NUMBER.fullmatch(text):
            metrics[name] = float(text.replace(",", "")) * scale_of(units.get(name, ""))
    nvtx = next((text for name, text in row.items() if "Push/Pop_Range" in name), "")
    return CountedLaunch(
        kernel=row.get("Kernel Name", ""),
        ranges=parse_ranges(nvtx),
        grid=_triple(row.get("Grid Size", "")),
        block=_triple(row.get("Block Size", "")),
        metrics=metrics,
        device=_integer(row.get("Device", "")),
        pid=_integer(row.get("Process ID", "")),
    )


def scale_of(unit: str) -> float:
    """What a number in a unit is multiplied by to be in the base unit.

    >>> scale_of("Mbyte"), scale_of("byte"), scale_of("%"), scale_of("Kbyte/block")
    (1000000.0, 1.0, 1.0, 1000.0)
    """
    match = SCALED.match(unit)
    return PREFIXES[match["prefix"]] if match else 1.0


def parse_ranges(text: str) -> tuple[tuple[str, str], ...]:
    """(domain, message) of every range in the NVTX column, from the outermost; the default domain is "".

    >>> parse_ranges('816  "mine:a:none:none:RGB:0xff:REGISTERED:a"  "<default domain>:b:c:none:none:no:no:ASCII:b:c"')
    (('mine', 'a'), ('', 'b:c'))
    """
    return tuple(_range(quoted) for quoted in re.findall(r'"([^"]*)"', text))


def _range(quoted: str) -> tuple[str, str]:
    """The message stands twice: after the domain and at the end; it may hold colons itself."""
    domain, _, rest = quoted.partition(":")
    found = re.fullmatch(r"(?P<message>.*):[^:]*:[^:]*:[^:]*:[^:]*:[^:]*:(?P=message)", rest, re.DOTALL)
    message = found["message"] if found else rest.split(":")[0]
    return ("" if domain in DEFAULT_DOMAINS else domain), message


def _triple(text: str) -> tuple[int, int, int] | None:
    found = [int(number) for number in re.findall(r"\d+", text)]
    return (found[0], found[1], found[2]) if len(found) == 3 else None


def _integer(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def parse_query(text: str) -> tuple[str, ...]:
    """The names in what `ncu --query-metrics` prints: the first word of every line that describes a metric."""
    words = (line.split()[:1] for line in text.splitlines())
    return tuple(dict.fromkeys(word[0] for word in words if word and "__" in word[0]))
