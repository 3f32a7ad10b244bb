"""What NCCL says of its calls: decoded where it is whole, passed over where it is not."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from drawing.jobs import COMM_SCHEMA, Job, communicator_id, ddp, make_blob
from flopprof.analysis.archives.scrub import scrub_trace
from flopprof.analysis.export.nccl_payload import (
    FieldPlace,
    cut_payload,
    decode_payload,
    read_nccl_ranges,
    read_schemas,
)
from flopprof.analysis.sqlite.file import SqliteFile

SCHEMAS = {
    7: {
        "NCCL communicator ID": FieldPlace(0, "<q"),
        "No. of ranks": FieldPlace(8, "<i"),
        "Rank": FieldPlace(12, "<i"),
    }
}
PAYLOAD = struct.pack("<qii", 99, 4, 3)
WHOLE = make_blob(7, PAYLOAD)


def test_communicator_size_and_rank_are_read_and_what_is_not_there_is_unknown() -> None:
    assert decode_payload(WHOLE, SCHEMAS) == (99, 4, 3, -1)


def test_bytes_of_unknown_meaning_change_nothing_and_what_lies_behind_is_cut_off() -> None:
    odd = WHOLE[:4] + b"\1\2\3\4" + WHOLE[8:12] + b"\5\6\7\1" + WHOLE[16:]
    assert decode_payload(odd + b"more", SCHEMAS) == (99, 4, 3, -1)
    assert cut_payload(odd + b"more", SCHEMAS) == odd


def test_a_blob_in_hexadecimal_is_the_same() -> None:
    assert decode_payload(WHOLE.hex().encode(), SCHEMAS) == (99, 4, 3, -1)


@pytest.mark.parametrize(
    "blob",
    [None, b"", WHOLE[:-1], make_blob(8, PAYLOAD), b"\xff" * 48, bytes(48), WHOLE[:40]],
)
def test_what_is_no_whole_payload_of_a_known_schema_is_passed_over(blob: bytes | None) -> None:
    assert decode_payload(blob, SCHEMAS) is None


def test_a_trace_gives_every_call_its_communicator_and_bytes(tmp_path: Path) -> None:
    job = Job(2, seed=1).run_in_ranges(ddp(), 2)
    path = job.write(tmp_path, blobs=True)[1]
    with SqliteFile(path) as file:
        ranges = read_nccl_ranges(file)
    assert len(ranges) == 1 + 2 * 3  # the communicator's beginning, and three collectives a step
    assert set(ranges.communicator.astype(np.uint64).tolist()) == {communicator_id(0)}
    begun = ranges.rank >= 0
    assert (ranges.rank[begun].tolist(), ranges.size[begun].tolist()) == ([1], [2])
    assert ranges.bytes[~begun].tolist() == [150_000] * 6


def test_a_scrubbed_copy_keeps_what_nccl_said_and_no_other_payload(tmp_path: Path) -> None:
    job = Job(2, seed=1).run_in_ranges(ddp(), 2)
    path = job.write(tmp_path, blobs=True)[0]
    secret = b"a secret of forty bytes, in a payload of."
    import sqlite3

    connection = sqlite3.connect(path)
    connection.execute(
        "UPDATE NVTX_EVENTS SET binaryData = ? WHERE rowid ="
        " (SELECT rowid FROM NVTX_EVENTS WHERE binaryData IS NULL AND eventType = 59 LIMIT 1)",
        [make_blob(COMM_SCHEMA + 100, secret)],
    )
    connection.execute(
        "INSERT INTO NVTX_PAYLOAD_SCHEMA_ENTRIES (domainId, schemaId, idx, type, name) VALUES (2, 9, 0, 18, 'a secret')"
    )
    connection.commit()
    connection.close()
    copy = tmp_path / "copy.sqlite"
    scrub_trace(path, copy)
    assert b"a secret" in path.read_bytes()
    assert b"a secret" not in copy.read_bytes()
    with SqliteFile(path) as before, SqliteFile(copy) as after:
        assert read_schemas(after) == read_schemas(before)
        one, other = read_nccl_ranges(before), read_nccl_ranges(after)
    assert len(one) == 7
    for name in ("global_tid", "start", "end", "communicator", "size", "rank", "bytes"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
