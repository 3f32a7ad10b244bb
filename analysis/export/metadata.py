"""What an export says about itself: its schema, who wrote it, how it was captured, how long it is.

Only the keys named here are read: the same tables hold environments and command lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import TraceError
from ..sqlite.exact import exact_integer
from ..sqlite.file import SqliteFile
from ..words import CLOCK_RESIDUAL, DEVICE_RECORDER, TraceRecorder

TESTED_MINOR = 28

MAJOR = 3

EXPORT_TABLES = ("META_DATA_EXPORT", "EXPORT_META_DATA")

EXPORT_KEYS = (
    "EXPORT_PRODUCT_NAME",
    "EXPORT_PRODUCT_VERSION",
    "EXPORT_SCHEMA_VERSION",
    "EXPORT_PARAM_TABLES_TO_EXPORT",
    "EXPORT_PARAM_TIMES_TO_EXPORT",
    DEVICE_RECORDER,
    CLOCK_RESIDUAL,
)

GRAPH_MODE_KEY = "%CUDA_GRAPH_TRACE_OPTIONS:MODE"

RECORDERS: dict[str, TraceRecorder] = {"flopprof": "embedded", "kineto": "kineto"}
"""By a word of the product's name; everything else is Nsight Systems' own."""

GraphMode = Literal["node", "graph"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A message of the profiler about its own capture."""

    severity: int
    """1 info, 2 warning, 3 error, 4 verbose, 0 unknown."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The export's own description; None where it says nothing."""

    recorder: TraceRecorder
    schema: str | None
    exporter: str | None
    duration_ns: int | None
    graph_mode: GraphMode | None
    """What was asked for; what was recorded may tell more."""
    partial: bool
    """Only some tables or some span of time were exported."""
    diagnostics: tuple[Diagnostic, ...]
    utc_epoch_ns: int | None = None
    """The wall clock at time 0, ns since 1970, as the recording machine's clock was set."""
    device_recorder: str | None = None
    """What recorded device work where another thing than the recorder did."""
    clock_residual_ns: int | None = None
    """How far apart the clocks of ranges and of device work may be, where they are two."""

    @property
    def of_kineto(self) -> bool:
        """Whether device work and calls are torch.profiler's."""
        return self.recorder == "kineto" or self.device_recorder is not None

    @property
    def schema_name(self) -> str:
        """The schema for a sentence."""
        return self.schema or "unknown"


def read_metadata(file: SqliteFile) -> Metadata:
    """Describe an export, or raise TraceError when its schema is one this program does not know."""
    values = _export_values(file)
    schema = values.get("EXPORT_SCHEMA_VERSION") or None
    if schema and schema.split(".")[0].isdigit() and int(schema.split(".")[0]) != MAJOR:
        raise TraceError(
            file.path,
            f"has schema {schema}; this version reads {MAJOR}.x: export it with another nsys version",
        )
    product = " ".join(values.get(key, "") for key in ("EXPORT_PRODUCT_NAME", "EXPORT_PRODUCT_VERSION"))
    return Metadata(
        recorder=_recorder(product.lower()),
        schema=schema,
        exporter=values.get("EXPORT_PRODUCT_VERSION") or None,
        duration_ns=_duration(file),
        graph_mode=_graph_mode(file),
        partial=not file.chosen_here
        and any(values.get(k, "").strip() for k in EXPORT_KEYS if k.endswith("_TO_EXPORT")),
        diagnostics=_diagnostics(file),
        utc_epoch_ns=_utc_epoch(file),
        device_recorder=values.get(DEVICE_RECORDER) or None,
        clock_residual_ns=exact_integer(values.get(CLOCK_RESIDUAL)),
    )


def is_newer(schema: str | None) -> bool:
    """Whether a schema is newer than those this program was tried with."""
    parts = (schema or "").split(".")
    return len(parts) > 1 and parts[1].isdigit() and int(parts[1]) > TESTED_MINOR


def _export_values(file: SqliteFile) -> dict[str, str]:
    marks = ",".join("?" * len(EXPORT_KEYS))
    found: dict[str, str] = {}
    for table in EXPORT_TABLES:
        if {"name", "value"} <= set(file.tables.get(table, ())):
            for name, value in file.rows(
                f"SELECT name, value FROM {table} WHERE name IN ({marks})", EXPORT_KEYS
            ):
                found.setdefault(str(name), "" if value is None else str(value))
    return found


def _duration(file: SqliteFile) -> int | None:
    if "duration" not in file.tables.get("ANALYSIS_DETAILS", ()):
        return None
    rows = file.rows("SELECT duration FROM ANALYSIS_DETAILS LIMIT 1")
    duration = exact_integer(rows[0][0]) if rows else None
    return duration if duration is not None and duration > 0 else None


def _utc_epoch(file: SqliteFile) -> int | None:
    if "utcEpochNs" not in file.tables.get("TARGET_INFO_SESSION_START_TIME", ()):
        return None
    rows = file.rows("SELECT utcEpochNs FROM TARGET_INFO_SESSION_START_TIME LIMIT 1")
    return rows[0][0] if rows and isinstance(rows[0][0], int) and rows[0][0] > 0 else None


def _graph_mode(file: SqliteFile) -> GraphMode | None:
    if not {"name", "value"} <= set(file.tables.get("META_DATA_CAPTURE", ())):
        return None
    rows = file.rows("SELECT value FROM META_DATA_CAPTURE WHERE name LIKE ? LIMIT 1", (GRAPH_MODE_KEY,))
    mode = str(rows[0][0]).lower() if rows else ""
    if mode.startswith("node"):
        return "node"
    return "graph" if mode.startswith("graph") else None


def _diagnostics(file: SqliteFile) -> tuple[Diagnostic, ...]:
    if not {"severity", "text"} <= set(file.tables.get("DIAGNOSTIC_EVENT", ())):
        return ()
    return tuple(
        Diagnostic(severity=exact_integer(severity) or 0, text=str(text))
        for severity, text in file.rows("SELECT severity, text FROM DIAGNOSTIC_EVENT WHERE text IS NOT NULL")
    )


def _recorder(product: str) -> TraceRecorder:
    for word, recorder in RECORDERS.items():
        if word in product:
            return recorder
    return "nsys"
