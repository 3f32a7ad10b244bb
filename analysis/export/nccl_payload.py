"""What NCCL says of its own calls: communicator, rank, number of ranks, bytes.

NCCL marks every call with an NVTX range of domain `NCCL` whose payload has a schema (NVTX_PAYLOAD_SCHEMA_ENTRIES)
that names its fields. The payload itself is in NVTX_EVENTS.binaryData, and only where it was exported with
--include-blobs: a header (domain, schema, length of the payload, length of all), then the payload.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..arithmetic.arrays import NONE, Ints
from ..sqlite.file import SqliteFile
from .nvtx import NVTX

ENTRIES = "NVTX_PAYLOAD_SCHEMA_ENTRIES"

COMMUNICATOR, SIZE, RANK, BYTES = (
    "NCCL communicator ID",
    "No. of ranks",
    "Rank",
    "Message size [bytes]",
)

FIELDS = (COMMUNICATOR, SIZE, RANK, BYTES)
"""What is read of a payload; other fields (root, reduction operation, CUDA device) are passed over."""

FORMATS = {
    **dict.fromkeys((5, 15), "<i"),
    **dict.fromkeys((6, 16), "<I"),
    **dict.fromkeys((7, 9, 17), "<q"),
    **dict.fromkeys((8, 10, 18, 22), "<q"),
}
"""NVTX's types of integers; ids of 64 bits are kept as signed ones, which are as distinct."""

HEADER = struct.Struct("<IIIIQQ")
"""Domain and schema have four bytes beside them whose meaning is not known."""

LEAST_BLOB = HEADER.size + 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NcclRanges:
    """NCCL's ranges with a payload, by thread and start; -1 for what a payload does not say."""

    global_tid: Ints
    start: Ints
    end: Ints
    communicator: Ints
    """Of which -1 could be one, too, with a chance of one in 2**64."""
    size: Ints
    rank: Ints
    bytes: Ints

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """Where a field lies in a payload, and its struct format."""

    offset: int
    format: str


def read_nccl_ranges(file: SqliteFile) -> NcclRanges:
    """All of a trace's ranges that name a communicator; none where the export has no blobs."""
    schemas = read_schemas(file)
    rows: list[tuple[int, ...]] = []
    if schemas and {"binaryData", "globalTid", "start", "end"} <= set(file.tables.get(NVTX, ())):
        found = file.rows(
            f'SELECT globalTid, start, "end", CAST(binaryData AS BLOB) FROM {NVTX}'
            " WHERE binaryData IS NOT NULL AND typeof(globalTid) = 'integer' AND typeof(start) = 'integer'"
            " AND typeof(\"end\") = 'integer'"
        )
        rows = [(*row[:3], *fields) for row in found if (fields := decode_payload(row[3], schemas))]
    columns = np.array(sorted(rows), np.int64).reshape(len(rows), 3 + len(FIELDS)).T
    tid, start, end, communicator, size, rank, message = columns
    return NcclRanges(
        global_tid=tid, start=start, end=end, communicator=communicator, size=size, rank=rank, bytes=message
    )


def read_schemas(file: SqliteFile) -> dict[int, dict[str, FieldPlace]]:
    """Of every schema that has a communicator, where its fields lie."""
    if not {"schemaId", "type", "name", "offset"} <= set(file.tables.get(ENTRIES, ())):
        return {}
    rows = file.rows(f'SELECT schemaId, type, name, "offset" FROM {ENTRIES}')
    schemas: dict[int, dict[str, FieldPlace]] = {}
    for schema, kind, name, offset in rows:
        if name in FIELDS and kind in FORMATS and isinstance(schema, int):
            place = FieldPlace(
                offset if isinstance(offset, int) else 0, FORMATS[kind]
            )  # NULL: at the beginning
            schemas.setdefault(schema, {})[str(name)] = place
    return {schema: places for schema, places in schemas.items() if COMMUNICATOR in places}


def decode_payload(
    blob: bytes | None, schemas: dict[int, dict[str, FieldPlace]]
) -> tuple[int, int, int, int] | None:
    """(communicator, size, rank, bytes) of one event; None for a blob that is none of NCCL's or is cut short."""
    data = cut_payload(blob, schemas)
    if data is None:
        return None
    places = schemas[HEADER.unpack_from(data)[2]]
    payload = data[HEADER.size :]
    communicator, size, rank, message = (_unpack(payload, places.get(name)) for name in FIELDS)
    return communicator, size, rank, message


def cut_payload(blob: bytes | None, schemas: dict[int, dict[str, FieldPlace]]) -> bytes | None:
    """The header and the payload of one of NCCL's events without what may lie behind; None as in `decode_payload`."""
    data = _as_bytes(blob)
    if data is None or len(data) < LEAST_BLOB:
        return None
    _, _, schema, _, length, _ = HEADER.unpack_from(data)
    whole = HEADER.size + length
    return data[:whole] if schema in schemas and LEAST_BLOB <= whole <= len(data) else None


def _unpack(payload: bytes, place: FieldPlace | None) -> int:
    if place is None or place.offset < 0 or place.offset + struct.calcsize(place.format) > len(payload):
        return NONE
    return int(struct.unpack_from(place.format, payload, place.offset)[0])


def _as_bytes(blob: bytes | None) -> bytes | None:
    """The blob itself, also where an exporter wrote it as hexadecimal text."""
    if not isinstance(blob, bytes):
        return None
    if len(blob) >= 2 * LEAST_BLOB and len(blob) % 2 == 0 and _is_hexadecimal(blob):
        return bytes.fromhex(blob.decode("ascii"))
    return blob


def _is_hexadecimal(data: Iterable[int]) -> bool:
    return all(byte in b"0123456789abcdefABCDEF" for byte in data)
