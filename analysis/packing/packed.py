"""A packed file: which packing it has by its first bytes, its unpacked bytes, and those written to the disk.

A packed file that is cut short or damaged, or that unpacks to more than the disk holds, is a TraceError.
"""

from __future__ import annotations

import gzip
import lzma
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import IO, cast

from ..errors import TraceError
from .xz import open_xz

PACKED_MAGIC = {b"\xfd7zXZ\x00": "xz", b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}

CHUNK_BYTES = 1 << 20

ROOM_LEFT = 256 << 20
"""Bytes that unpacking leaves free on the disk."""


def packing_of(path: Path) -> str | None:
    """The packing that the first bytes name; None for a plain file."""
    try:
        with path.open("rb") as file:
            head = file.read(max(map(len, PACKED_MAGIC)))
    except OSError as error:
        raise TraceError(path, f"cannot be read: {error.strerror}") from None
    return next((name for magic, name in PACKED_MAGIC.items() if head.startswith(magic)), None)


def unpack(path: Path, packing: str, plain: Path) -> None:
    """Unpack into `plain`, leaving ROOM_LEFT bytes of the disk: a small file may unpack to anything."""
    room = shutil.disk_usage(plain.parent).free - ROOM_LEFT
    packed, errors = open_packed(path, packing)
    written = 0
    try:
        with packed, plain.open("xb") as out:
            while chunk := packed.read(CHUNK_BYTES):
                written += len(chunk)
                if written > room:
                    place = f"the {max(room, 0) >> 20} MiB there is room for in {tempfile.gettempdir()}"
                    raise TraceError(path, f"unpacks to more than {place}; set TMPDIR to a larger disk")
                out.write(chunk)
    except errors as error:
        raise TraceError(path, f"cannot be unpacked ({error}); it is cut short or damaged") from None


def open_packed(path: Path, packing: str) -> tuple[IO[bytes], tuple[type[Exception], ...]]:
    """A stream of the unpacked bytes, and what it raises when the packed ones are wrong."""
    if packing == "xz":
        return open_xz(path), (EOFError, lzma.LZMAError)
    if packing == "gzip":
        return cast("IO[bytes]", gzip.open(path, "rb")), (EOFError, gzip.BadGzipFile, zlib.error)
    try:
        import zstandard
    except ImportError:
        remedy = "pip install zstandard, or unpack it with zstd -d"
        raise TraceError(path, f"is packed with zstd, which this Python cannot read; {remedy}") from None
    # A cut zstd stream ends without an error; SQLite's header and nsys both tell that it is short.
    return cast("IO[bytes]", zstandard.open(path, "rb")), (zstandard.ZstdError,)
