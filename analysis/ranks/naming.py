"""Which files are a job's traces, and which rank each is of by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from os.path import commonpath
from pathlib import Path

from ..errors import RanksError
from ..trace.open import PACKED_SUFFIXES, RECORDING_SUFFIXES

TRACE_SUFFIXES = (".sqlite", *sorted(RECORDING_SUFFIXES))
"""In the order of preference: a file that was exported is read, not its recording beside it."""

_NUMBER = re.compile(r"\d+")

_AFTER_RANK = re.compile(r"rank[-_.= ]?(\d+)", re.IGNORECASE)


def find_traces(paths: Sequence[Path]) -> list[Path]:
    """The files given, in their order, folders opened: traces in them, else in those they hold. Raises RanksError."""
    found: list[Path] = []
    for path in paths:
        found += list_folder(path) if path.is_dir() else [path]
    twice = next((path for at, path in enumerate(found) if path in found[:at]), None)
    if twice is not None:
        raise RanksError(f"{twice}: is given twice; give each trace once")
    return found


def list_folder(folder: Path) -> list[Path]:
    """The traces of a folder, one of each name, 2 before 10. Raises RanksError when there is none."""
    # Those of a run first: raw reports that it kept lie beside its shards.
    for pattern in ("shards/*/*", "*", "*/*"):
        files = [path for path in sorted(folder.glob(pattern)) if path.is_file() and is_trace(path)]
        best: dict[Path, Path] = {}
        for path in sorted(files, key=_preference):
            best.setdefault(path.with_name(stem_of(path)), path)
        # A profile that was told to keep its raw report has it beside the trace that was made of it.
        profiles = {stem.parent for stem in best if stem.name == "trace"}
        best = {
            stem: path for stem, path in best.items() if stem.name != "raw" or stem.parent not in profiles
        }
        if best:
            return sorted(best.values(), key=lambda path: natural_key(str(path)))
    raise RanksError(
        f"{folder}: holds no trace; give .sqlite, .nsys-rep or .qdstrm files, or a folder of them"
    )


def is_rank_set(path: Path) -> bool:
    """Whether a folder is no run and holds several traces."""
    if not path.is_dir() or (path / "plan.json").exists():
        return False
    try:
        return len(list_folder(path)) > 1
    except RanksError:
        return False


def is_trace(path: Path) -> bool:
    """Whether a file is called like a trace, packed or not."""
    name = path.name
    for packed in PACKED_SUFFIXES:
        name = name.removesuffix(packed)
    return name.endswith(TRACE_SUFFIXES) and not name.startswith(".")


def _preference(path: Path) -> tuple[int, int, str]:
    suffixes = path.suffixes
    kind = next((at for at, suffix in enumerate(TRACE_SUFFIXES) if suffix in suffixes), len(TRACE_SUFFIXES))
    return kind, len(suffixes), path.name


def stem_of(path: Path) -> str:
    """A file's name without what says that it is a trace.

    >>> stem_of(Path("run/job.rank3.sqlite.xz"))
    'job.rank3'
    """
    name = path.name
    for suffix in (*sorted(PACKED_SUFFIXES), *TRACE_SUFFIXES):
        name = name.removesuffix(suffix)
    return name


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """For sorting as people count: 2 before 10.

    >>> sorted(["rank10", "rank2"], key=natural_key)
    ['rank2', 'rank10']
    """
    parts = re.split(r"(\d+)", text)
    return tuple((0, int(part), part) if part.isdigit() else (1, 0, part) for part in parts)


def parse_pattern(text: str | None) -> re.Pattern[str] | None:
    """A pattern whose group `rank`, or first group, is the rank. Raises RanksError."""
    if text is None:
        return None
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise RanksError(f"--rank {text!r} is no regular expression ({error})") from None
    if not pattern.groups:
        raise RanksError(rf"--rank {text!r} has no group for the number; write it as in 'rank(?P<rank>\d+)'")
    return pattern


def rank_by_pattern(path: Path, pattern: re.Pattern[str]) -> int | None:
    """The rank that a user's pattern finds in a path; None where it does not match a number."""
    match = pattern.search(path.name) or pattern.search(str(path))
    if match is None:
        return None
    text = match["rank"] if "rank" in pattern.groupindex else match[1]
    return int(text) if text is not None and text.isdigit() else None


def rank_by_name(path: Path, others: Sequence[Path]) -> int | None:
    """The number after the word rank, else the last number, of a name or of the folders that tell traces apart.

    >>> paths = [Path("job7/rank0_20260101.sqlite"), Path("job7/rank1_20260101.sqlite")]
    >>> rank_by_name(paths[1], paths), rank_by_name(Path("job7/trace.sqlite"), [Path("job7/trace.sqlite")])
    (1, None)
    >>> rank_by_name(Path("job7/rank3/trace.sqlite"), [Path("job7/rank3/trace.sqlite")])
    3
    """
    for part in (stem_of(path), *reversed(_folders_apart(path, others))):
        if (match := _AFTER_RANK.search(part)) is not None:
            return int(match[1])
        if numbers := _NUMBER.findall(part):
            return int(numbers[-1])
    alone = _AFTER_RANK.search(path.absolute().parent.name)
    return None if alone is None else int(alone[1])


def _folders_apart(path: Path, others: Sequence[Path]) -> tuple[str, ...]:
    """The folders of a path below what all paths have in common."""
    parents = [str(other.absolute().parent) for other in others]
    return path.absolute().parent.relative_to(commonpath(parents)).parts if parents else ()
