"""Exports of calls that launch kernels, and of their records, to spoil one by one."""

from __future__ import annotations

from drawing.nsys_file import RUNTIME, TABLES, Export, Row, described, global_pid, global_tid


def launching(
    calls: int, *, lost: tuple[int, ...] = (), name: str = "cudaLaunchKernel_v7000", last: int = 30
) -> Export:
    """Calls of which some have no record; the others' kernels last so long."""
    export, every = described(), max(100, 2 * last)
    for at in range(calls):
        add_call(export, at, name, start=at * every, end=at * every + 10)
        if at not in lost:
            add_kernel(export, at, at * every + 20, at * every + 20 + last)
    return export


def add_call(export: Export, at: int, name: str, **changed: object) -> Row:
    row: Row = {"start": at * 100, "end": at * 100 + 10, "globalTid": global_tid(0, 1), "returnValue": 0}
    return export.add(RUNTIME, **{**row, "correlationId": at + 1, "nameId": export.string(name), **changed})


def add_kernel(export: Export, at: int, start: int, end: int, **changed: object) -> Row:
    row: Row = {"start": start, "end": end, "deviceId": 0, "contextId": 1, "streamId": 7}
    row |= {"correlationId": at + 1, "globalPid": global_pid(0), "demangledName": export.string("k")}
    return export.add(TABLES["kernel"], **{**row, **changed})
