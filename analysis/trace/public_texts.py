"""Which texts of a trace may be shown and shared: an allow-list of shapes, so the unknown is withheld.

Nsight Systems mixes settings, machine facts, paths, command lines and whole environments in the same tables.
Range and kernel names are not decided here: they are what a trace is about, and always kept.
"""

from __future__ import annotations

import re
from functools import cache

from ..words import (
    ACTIVITY_CUT_SHORT,
    ACTIVITY_GAVE_WAY,
    ACTIVITY_RECORDER,
    CLOCK_RESIDUAL,
    DEVICE_RECORDER,
    NO_ACTIVITY,
)

UNKNOWN_DIAGNOSTIC = "A message of Nsight Systems that flopprof does not know."

_NUMBER = r"-?\d+(?:\.\d+)?"

_VERSION = r"\d+(?:\.\d+)*(?:-\d+v\d+)?"

_FLAG = r"true|false"

_GRAPH_MODE = r"(?i)(?:graph|node|none|off)(?:[-_:]?host[-_]?(?:only|and[-_]?device))?"

_STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?: \+0000 UTC)?"

_SETTINGS: dict[str, str] = {
    # how it was exported
    r"EXPORT_PRODUCT_NAME": r"NVIDIA Nsight Systems|flopprof(?: embedded(?: recorder)?)?",
    r"EXPORT_PRODUCT_(?:VERSION|DATE)": rf"{_VERSION}|flopprof embedded recorder [0-9][0-9a-z.+]*",
    r"EXPORT_SCHEMA_VERSION(?:_MAJOR|_MINOR|_MICRO)?": _VERSION,
    r"EXPORT_SCHEMA_VERSION_CKSUM": r"\d+ \d+",
    re.escape(DEVICE_RECORDER): re.escape(ACTIVITY_RECORDER),
    re.escape(CLOCK_RESIDUAL): r"\d{1,19}",
    r"EXPORT_PLATFORM": r"linux-desktop|linux-sbsa|windows-desktop|qnx|mac",
    r"EXPORT_ARCH": r"x64|x86_64|aarch64|arm64|sbsa",
    r"EXPORT_TIME_UTC": _STAMP,
    r"EXPORT_(?:PARAM_)?(?:OVERWRITE|APPEND|LAZY|TIME_NORMALIZE)": _FLAG,
    r"EXPORT_(?:PARAM|CONFIG)_TIME_SHIFT": _NUMBER,
    r"EXPORT_PARAM_TIMES_TO_EXPORT": r"[\d,;:./ ns-]{0,200}",
    r"EXPORT_PARAM_TABLES_TO_EXPORT": r"",
    r"SYNTHETIC": r"make_trace\.py kernels=\d+ seed=\d+",
    # what was recorded
    r"CAPTURE_EVENT_TYPE": r"Cuda|NvtxEvents|CuBLAS|CuDNN|CuSolver|CuSparse|CuFft|OsRuntime|Mpi|Nccl|Ucx",
    r"(?:START|STOP)_TRIGGER": r"Immediate|Delayed|CudaProfilerApi|Nvtx|NvtxRange|HotKey|Duration",
    r"(?:PROCESS_\d+:)?COLLECT_[A-Z0-9_]+": _FLAG,
    r"(?:PROCESS_\d+:)?CUDA_[A-Z_]+": rf"{_FLAG}|{_NUMBER}",
    r"(?:PROCESS_\d+:)?CUDA_GRAPH_TRACE_OPTIONS:MODE": _GRAPH_MODE,
    r"RUN_DURATION_(?:MS|FRAMES)|START_DELAY_MS|RATE_HZ": _NUMBER,
    r"INCLUDE_CHILDREN|TRACE_AFTER_FORK_BEFORE_EXEC|TRACE_ALL_TASKS|DISABLE_TIME_SYNC": _FLAG,
    # the machine
    r"NvDriverVersion|CudaDriverVersion": _VERSION,
    r"CpuCores|CpuSpeedMhz": _NUMBER,
    r"CpuArchitecture": r"x86_64|aarch64|ppc64le",
}

_DIAGNOSTICS: tuple[str, ...] = (
    # data were lost, or may have been
    re.escape(NO_ACTIVITY) + r"(?:: [A-Za-z0-9 _.,:;()\[\]'\"=-]{0,200}[A-Za-z0-9)'])?",
    re.escape(ACTIVITY_CUT_SHORT),
    re.escape(ACTIVITY_GAVE_WAY),
    r"Not all (?:[A-Za-z]+ ){0,4}events might have been collected",
    r"No (?:CUDA|NVTX) events collected",
    r"CUDA profiling might (?:have )?not (?:have )?been started correctly",
    r"CUPTI dropped \d+ records",
    r"Number of incomplete CUPTI events dropped:\s*\d+",
    r"Couldn't allocate CUPTI buffers(?: \d+ times)?",
    r"Some CUPTI events might be missing",
    r"Crossed maximum limit\b[\w ,]{0,80}\bCUPTI buffer allocation",
    r"Reached the size limit on recording trace events",
    r"reached \d+\s?% of (?:its |the )?size limit",
    r"Trace data will likely be truncated",
    r"Some events \(\d+\) were lost",
    r"Sampling events were lost",
    r"Wrong event order has been detected",
    r"NVTX payload extension is incompatible(?:\. Provided compatibility ID \d+ != \d+)?",
    r"A client is already subscribed to CUPTI",
    r"Using CUDA stream capture prior to version 11\.4 may result in incorrect NVTX projection",
    r"exceeds maximum allowed size\b[\w ()]{0,40}\bfor NVTX payloads",
    r"GPU Metrics(?: \[\d+\])?:? (?:[A-Za-z]+ ){0,8}(?:overflow(?:ed|s)?|lost|dropped|privileges?|permissions?|in use)",
    r"ERR_NVGPUCTRPERM",
    # harmless
    r"Number of GPU Metrics events collected:\s*\d+",
    r"Profiling has (?:started|stopped)",
    r"Process was launched by the profiler",
    r"Number of (?:NVTX|CUDA) events collected:\s*\d+",
    r"Number of CUPTI events produced:\s*\d+, CUPTI buffers: \d+",
    r"(?:Common|CUDA|NVTX) injection(?: library)? initialized successfully",
    r"Buffers holding CUDA trace data will be flushed on CudaProfilerStop\(\) call",
    r"Enabling trace for device graph launch",
    r"Loaded CUPTI library",
    r"Starting the profiling session using NVTX trigger",
    r"NVTX function nvtx[A-Z][A-Za-z]{2,40} was called with wrong domain ID argument",
    r"Scheduling information is absent",
)


@cache  # compiling them takes longer than reading a small trace, which may need none
def _setting_rules() -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    return [(re.compile(name), re.compile(value)) for name, value in _SETTINGS.items()]


@cache
def _diagnostic_rules() -> list[re.Pattern[str]]:
    return [re.compile(text, re.IGNORECASE) for text in _DIAGNOSTICS]


def is_public_setting(name: str, value: str) -> bool:
    """Whether a row of META_DATA_* or TARGET_INFO_SYSTEM_ENV holds nothing but a known fact."""
    return any(
        known.fullmatch(name) is not None and allowed.fullmatch(value) is not None
        for known, allowed in _setting_rules()
    )


def public_setting(name: str, value: str) -> str | None:
    """The value that may be shared, or None: the row must go.

    A list of exported tables or times that is not empty makes the export partial; that fact is kept even
    where its wording is not.
    """
    if is_public_setting(name, value):
        return value
    if re.fullmatch(r"EXPORT_PARAM_(?:TABLES|TIMES)_TO_EXPORT", name):
        return "(withheld)"
    return None


def public_diagnostic(text: str) -> str:
    """The sentences of a DIAGNOSTIC_EVENT text that are known, joined; paths and command lines never are."""
    found = [match.group(0) for rule in _diagnostic_rules() if (match := rule.search(text))]
    return ". ".join(found) + "." if found else UNKNOWN_DIAGNOSTIC
