"""An .xz file read as `xz` reads it: streams one after the other, padding between them, and nothing else.

Python's own reader takes what follows the first stream, if it is no stream, for the end of the file.
"""

from __future__ import annotations

import io
import lzma
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_BYTES = 1 << 18

PADDING_UNIT = 4


def open_xz(path: Path) -> IO[bytes]:
    """Its unpacked bytes. Reading raises EOFError for a file cut short, LZMAError for anything that is no stream."""
    return cast("IO[bytes]", io.BufferedReader(_XzReader(path.open("rb"))))


class _XzReader(io.RawIOBase):
    """One stream's decompressor after the other."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ)
        self._packed = b""
        self._ended = False

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def close(self) -> None:
        """Close the file, too."""
        self._file.close()
        super().close()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Some bytes; 0 at the end."""
        view = memoryview(buffer).cast("B")
        while True:
            if self._ended or (self._stream.eof and not self._begin_stream()):
                self._ended = True
                return 0
            data = self._packed
            if not data and self._stream.needs_input and not (data := self._file.read(CHUNK_BYTES)):
                raise EOFError("it ends within a stream")
            self._packed = b""
            unpacked = self._stream.decompress(data, len(view))
            if unpacked:
                view[: len(unpacked)] = unpacked
                return len(unpacked)

    def _begin_stream(self) -> bool:
        """Skip padding; whether there is another stream."""
        packed, zeros = self._stream.unused_data, 0
        while True:
            begun = packed.lstrip(b"\0")
            zeros += len(packed) - len(begun)
            if begun or not (packed := self._file.read(CHUNK_BYTES)):
                break
        if zeros % PADDING_UNIT:
            raise lzma.LZMAError("what follows the data is no padding")
        self._stream, self._packed = lzma.LZMADecompressor(lzma.FORMAT_XZ), begun
        return bool(begun)
