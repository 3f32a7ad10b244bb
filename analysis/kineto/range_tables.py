"""What an export of ranges consists of, after Nsight Systems 2025.3: its tables, its numbers, what it says of itself.

Text and arithmetic alone: a worker loads it while it records itself.
"""

from __future__ import annotations

SCHEMA = "3.20.3"

PUSH_POP, DOMAIN_CREATE = 59, 75
"""Kinds of events."""

TID_BITS = 24

RANGE_TABLES = """
CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE META_DATA_EXPORT (name TEXT NOT NULL, value TEXT);
CREATE TABLE ANALYSIS_DETAILS (globalVid INTEGER NOT NULL, duration INTEGER NOT NULL,
    startTime INTEGER NOT NULL, stopTime INTEGER NOT NULL);
CREATE TABLE NVTX_EVENTS (start INTEGER NOT NULL, end INTEGER, eventType INTEGER NOT NULL,
    rangeId INTEGER, category INTEGER, color INTEGER, text TEXT, globalTid INTEGER,
    endGlobalTid INTEGER, textId INTEGER, domainId INTEGER, uint64Value INTEGER,
    int64Value INTEGER, doubleValue REAL, uint32Value INTEGER, int32Value INTEGER, floatValue REAL,
    jsonTextId INTEGER, jsonText TEXT, binaryData TEXT);
"""

INSERT_DOMAIN = "INSERT INTO NVTX_EVENTS (start, eventType, text, globalTid, domainId) VALUES (?, ?, ?, ?, ?)"

INSERT_FACT = "INSERT INTO META_DATA_EXPORT VALUES (?, ?)"


def describe_export(product: str, version: str) -> dict[str, str]:
    """Facts for META_DATA_EXPORT: the schema, and what wrote the file."""
    major, minor, micro = SCHEMA.split(".")
    return {
        "EXPORT_SCHEMA_VERSION": SCHEMA,
        "EXPORT_SCHEMA_VERSION_MAJOR": major,
        "EXPORT_SCHEMA_VERSION_MINOR": minor,
        "EXPORT_SCHEMA_VERSION_MICRO": micro,
        "EXPORT_PRODUCT_NAME": product,
        "EXPORT_PRODUCT_VERSION": version,
    }


def number_process(pid: int) -> int:
    """A process as Nsight Systems numbers it: VM id 1, then 24 bits of process id; 24 bits are left for a thread."""
    return 1 << 48 | (pid & 0xFFFFFF) << TID_BITS
