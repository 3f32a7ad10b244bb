"""The JSON of a Kineto trace, event by event: real ones are gigabytes, so it is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..errors import TraceError

CHUNK_BYTES = 1 << 20

HEAD_KEYS = ("baseTimeNanoseconds", "deviceProperties", "distributedInfo", "schemaVersion")
"""What stands beside the events, before or after them; the rest is not read."""

Event = Mapping[str, Any]


@dataclass(slots=True)
class KinetoStream:
    """The events of a file, and what the file says beside them, which is complete when the events are."""

    path: Path
    """For errors: the file as its user knows it."""
    head: dict[str, Any] = field(default_factory=dict)

    def batches(self, file: IO[bytes]) -> Iterator[list[Event]]:
        """Events as they come, a chunk's at a time; numbers with a point are Decimal.

        Raises TraceError for what is no JSON, is cut short, or has no traceEvents.
        """
        ijson = _require_ijson(self.path)
        first = _skip_space(file)
        whole = first[:1] == b"["  # older traces are but the list
        events, parser = _collect("item" if whole else "traceEvents.item")
        beside = {} if whole else {key: _collect(key) for key in HEAD_KEYS}
        parsers = [parser, *(one for _, one in beside.values())]
        read, seen = 0, whole
        try:
            chunk = first
            while chunk:
                read += len(chunk)
                seen = seen or b'"traceEvents"' in chunk
                for one in parsers:
                    one.send(chunk)
                if events:
                    yield list(events)
                    del events[:]
                chunk = file.read(CHUNK_BYTES)
            for one in parsers:
                one.close()
        except ijson.JSONError as error:
            raise TraceError(self.path, _explain(error, read)) from None
        self.head.update({key: found[0] for key, (found, _) in beside.items() if found})
        if events:
            yield list(events)
        if not seen:
            raise TraceError(self.path, "is JSON without traceEvents: not a trace of torch.profiler")


def _require_ijson(path: Path) -> Any:
    try:
        import ijson
    except ModuleNotFoundError:
        raise TraceError(path, "cannot be read without the package ijson: pip install ijson") from None
    return ijson


def _collect(prefix: str) -> tuple[list[Any], Any]:
    import ijson

    found: list[Any] = ijson.sendable_list()
    return found, ijson.items_coro(found, prefix)


def _skip_space(file: IO[bytes]) -> bytes:
    """The first chunk that says anything, without what precedes its first character."""
    while chunk := file.read(CHUNK_BYTES):
        if stripped := chunk.removeprefix(b"\xef\xbb\xbf").lstrip():
            return stripped
    return b""


def _explain(error: Exception, read: int) -> str:
    import ijson

    if isinstance(error, ijson.IncompleteJSONError) and "premature" in str(error).lower():
        return f"is cut short after {read:,} bytes: the profiler had not finished writing it; export it again"
    return f"is no JSON that can be read, within its first {read:,} bytes; export it again"
