"""Samples of the GPU taken beside a trace: the options that ask nsys for them, and whether it can have them here."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import CaptureError
from .child import ask

REFUSALS: tuple[tuple[str, str], ...] = (
    (
        r"[Ii]nsufficient privilege|ERR_NVGPUCTRPERM|permission",
        "the driver lets only administrators sample the GPU: run as root, or load it with "
        "NVreg_RestrictProfilingToAdminUsers=0",
    ),
    (
        r"already (under profiling|in use)|another (tool|session)|[Bb]usy",
        "another profiler samples the GPU: end it",
    ),
    (
        r"GPUs? not found|[Nn]one of the installed GPUs|[Nn]o GPUs?|not supported|[Nn]o devices|libnvidia|driver",
        "Nsight Systems finds no GPU that it can sample",
    ),
)
"""What ``--gpu-metrics-devices=help`` says where nothing can be sampled, and what that means."""


class MetricsMissing(CaptureError):
    """Samples of the GPU were asked for and cannot be had."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"no GPU metrics: {problem}; leave them out with --evidence none")


def sampling_options(nsys: Path, frequency_hz: int) -> list[str] | str:
    """The options for ``nsys profile``, or why the GPU cannot be sampled."""
    name = device_option(ask(nsys, "profile", "--help"))
    said = ask(nsys, "profile", f"--{name}=help")
    reason = explain_refusal(said)
    if reason is not None:
        return reason
    return [f"--{name}=all", f"--gpu-metrics-frequency={frequency_hz}"]


def device_option(usage: str) -> str:
    """How this nsys calls the option that chooses GPUs: it was renamed in 2024.

    >>> device_option("--gpu-metrics-device="), device_option("--gpu-metrics-devices=")
    ('gpu-metrics-device', 'gpu-metrics-devices')
    """
    return "gpu-metrics-devices" if "--gpu-metrics-devices" in usage else "gpu-metrics-device"


def explain_refusal(said: str) -> str | None:
    """Why no GPU in the list can be sampled; None when one can.

    >>> explain_refusal("0: NVIDIA H200 PCI[0000:00:06.0]")
    >>> explain_refusal("None of the installed GPUs are supported: Insufficient privilege")[:31]
    'the driver lets only administra'
    """
    if re.search(r"^\s*(GPU )?\[?\d+\]?\s*:", said, re.MULTILINE):
        return None
    for pattern, meaning in REFUSALS:
        if re.search(pattern, said):
            return meaning
    words = said.strip().splitlines()[-1:] or ["it said nothing"]
    return f"Nsight Systems lists no GPU that it can sample ({words[0].strip()})"
