"""Packed files as `xz` itself takes them."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest
from flopprof.analysis.packing.xz import open_xz
from hypothesis import given
from hypothesis import strategies as st

ONE, OTHER = b"one" * 100_000, b"other"


def read(path: Path, packed: bytes) -> bytes:
    path.write_bytes(packed)
    with open_xz(path) as file:
        return file.read()


@pytest.mark.parametrize("padding", [0, 4, 8, 1 << 20])
def test_streams_and_the_padding_between_and_after_them_are_read(tmp_path: Path, padding: int):
    packed = lzma.compress(ONE) + bytes(padding) + lzma.compress(OTHER) + bytes(padding)
    assert read(tmp_path / "file.xz", packed) == ONE + OTHER


@pytest.mark.parametrize("garbage", [b"x", b"garbage" * 9, bytes(3), bytes(4) + b"x"])
def test_anything_else_behind_a_stream_is_refused(tmp_path: Path, garbage: bytes):
    with pytest.raises((EOFError, lzma.LZMAError)):
        read(tmp_path / "file.xz", lzma.compress(ONE) + garbage)


@given(st.integers(0, len(lzma.compress(OTHER)) - 1))
def test_a_file_that_is_cut_short_never_passes_for_a_whole_one(
    tmp_path_factory: pytest.TempPathFactory, at: int
):
    with pytest.raises((EOFError, lzma.LZMAError)):
        read(tmp_path_factory.getbasetemp() / "cut.xz", lzma.compress(OTHER)[:at])
