"""The entries of an archive before any is unpacked: their names are the few that a run has, their sizes limited."""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
from pathlib import Path

from ..errors import ArchiveRefused
from .archive import MANIFEST

MOST_ENTRIES = 2_000

MOST_BYTES = 4 << 30
"""Of all files together, unpacked; a trace has 50 to 100 bytes for each of its events."""

MOST_RECORD_BYTES = 256 << 20
"""Of all JSON files together, which take up to 16 times that in memory."""

MOST_MANIFEST_BYTES = 4 << 20

MOST_OF = {
    MANIFEST: MOST_MANIFEST_BYTES,
    "machine.json": 1 << 20,
    "ceilings.json": 1 << 20,
    "plan.json": 64 << 20,
    "job.json": 1 << 20,
}
"""Bytes of the files that do not grow with what was measured."""

_SHARD = r"shards/[a-z0-9]+-[a-z0-9]+(?:-[0-9]{1,6})?/"

_COUNTERS = r"counters/[a-z0-9]+-[a-z0-9]+-[0-9]{1,6}\.json"

_RANK = r"(?:restart[0-9]{1,4}-)?rank[0-9]{1,5}/"

_PROGRAM = rf"(?:{_RANK})?(?:(?:profile|python|machine)\.json|(?:captures/[0-9]{{1,4}}/)?trace\.sqlite)"

_FILE = re.compile(
    rf"(?:plan|ceilings|job)\.json|{_SHARD}(?:control\.json|trace\.sqlite)|{_COUNTERS}|{_PROGRAM}"
)

_FOLDER = re.compile(rf"shards/|counters/|{_SHARD}|{_RANK}|(?:{_RANK})?captures/(?:[0-9]{{1,4}}/)?")

_END_MARK, _END_BYTES = b"PK\x05\x06", 22

_ZIP64_MARK, _ZIP64_BYTES = b"PK\x06\x07", 20

MOST_LIST_BYTES = 1 << 20


def refuse_large_directory(archive: Path) -> None:
    """Refuse a list that is too large: zipfile reads it into memory before anyone can count."""
    if archive.exists() and not archive.is_file():
        raise ArchiveRefused(archive, "it is no file")
    with archive.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END_BYTES - 0xFFFF))
        tail = file.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise ArchiveRefused(archive, "it is no zip file")
    # zipfile believes a zip64 record, for which a run's archive has no need, whatever is said here.
    has_zip64 = tail[max(0, at - _ZIP64_BYTES) : at].startswith(_ZIP64_MARK)
    (listed,) = struct.unpack_from("<I", tail, at + 12)
    if has_zip64 or listed > MOST_LIST_BYTES:
        raise ArchiveRefused(
            archive, f"its list of entries is larger than the {MOST_ENTRIES} allowed ones need"
        )


def check_entries(archive: Path, file: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Those of files, by name. Raises ArchiveRefused."""
    found = file.infolist()
    if len(found) > MOST_ENTRIES:
        raise ArchiveRefused(archive, f"it has {len(found)} entries, at most {MOST_ENTRIES} are allowed")
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in found:
        # filename is what zipfile made of it, orig_filename what it was.
        name = entry.orig_filename
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or entry.flag_bits & 1:
            raise ArchiveRefused(archive, f"its entry {name!r} is a link, a device or encrypted")
        if _FOLDER.fullmatch(name) and entry.file_size == 0:
            continue
        if name != MANIFEST and not _FILE.fullmatch(name):
            raise ArchiveRefused(archive, f"its entry {name!r} is none of a run's files")
        if name in entries:
            raise ArchiveRefused(archive, f"its entry {name!r} is there twice")
        if entry.file_size > (
            MOST_BYTES
            if name.endswith(".sqlite")
            else MOST_OF.get(name.rpartition("/")[2], MOST_RECORD_BYTES)
        ):
            raise ArchiveRefused(
                archive, f"its entry {name!r} unpacks to {entry.file_size} bytes, which is too much"
            )
        entries[name] = entry
    records = sum(entry.file_size for name, entry in entries.items() if not name.endswith(".sqlite"))
    if records > MOST_RECORD_BYTES:
        raise ArchiveRefused(
            archive, f"its records unpack to {records} bytes, at most {MOST_RECORD_BYTES} are allowed"
        )
    total = sum(entry.file_size for entry in entries.values())
    if total > MOST_BYTES:
        raise ArchiveRefused(archive, f"it unpacks to {total} bytes, at most {MOST_BYTES} are allowed")
    return entries
