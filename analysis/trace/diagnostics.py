"""What Nsight Systems itself said of a recording, judged: which of its messages mean lost data."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..export.metadata import Diagnostic
from ..words import ACTIVITY_CUT_SHORT, ACTIVITY_GAVE_WAY, NO_ACTIVITY, QualityNote
from .public_texts import public_diagnostic
from .quality import note

DIAGNOSTICS: tuple[tuple[str, str], ...] = (
    (re.escape(NO_ACTIVITY), "activity_not_recorded"),
    (f"{re.escape(ACTIVITY_CUT_SHORT)}|{re.escape(ACTIVITY_GAVE_WAY)}", "activity_cut_short"),
    (r"NVTX payload extension is incompatible", "nvtx_incompatible"),
    (r"GPU Metrics.*(privilege|permission|not permitted|ERR_NVGPUCTRPERM)", "gpu_metrics_not_permitted"),
    (r"GPU Metrics.*(in use|already|another (process|client|session|tool)|busy)", "gpu_metrics_busy"),
    (r"Not all .*GPU Metrics.* events might have been collected", "gpu_metrics_lost"),
    (r"GPU Metrics.*(overflow|lost|dropped (?!0 )|buffer .*(full|exceed|too small))", "gpu_metrics_lost"),
    (r"Not all .*(CUDA|CUPTI).* events might have been collected", "cuda_events_lost"),
    (r"Not all .*NVTX.* events might have been collected", "nvtx_events_lost"),
    (r"Not all (the )?events might have been collected", "cuda_events_lost"),
    (r"Not all .*events might have been collected", "other_events_lost"),
    (r"No CUDA events collected|CUDA profiling might have not been started", "cuda_not_recorded"),
    (r"No NVTX events collected", "nvtx_not_recorded"),
    (r"CUPTI dropped [1-9]|incomplete CUPTI events dropped:\s*[1-9]", "cuda_events_lost"),
    (r"Couldn't allocate CUPTI buffers(?! 0 times)|Some CUPTI events might be missing", "cuda_events_lost"),
    (r"Crossed maximum limit.*CUPTI buffer", "cuda_events_lost"),
    (r"size limit on recording trace events|Injection storage file.*size limit", "trace_truncated"),
    (r"Some events \([1-9]\d*\) were lost", "cuda_events_lost"),
    (r"Wrong event order", "events_misordered"),
    (r"already subscribed to CUPTI", "profiler_conflict"),
    (r"stream capture prior to version 11\.4", "capture_projection"),
    (r"exceeds maximum allowed size.*NVTX payload", "payload_too_large"),
)

HARMLESS = re.compile(
    r"Process was launched by the profiler|events collected:|wrong domain ID|Scheduling information is absent"
    r"|CUPTI dropped 0\b|incomplete CUPTI events dropped:\s*0\b|CUPTI buffers 0 times|Some events \(0\) were lost"
    r"|Sampling events were lost|CUPTI events produced|initialized successfully|Profiling has (started|stopped)",
    re.IGNORECASE,
)

_PATTERNS = [(re.compile(pattern, re.IGNORECASE | re.DOTALL), code) for pattern, code in DIAGNOSTICS]


def judge_diagnostics(diagnostics: Iterable[Diagnostic]) -> list[QualityNote]:
    """Notes for what the profiler said; its severity 4 is chatter, less than 2 and 3."""
    texts: dict[str, list[str]] = {}
    for diagnostic in diagnostics:
        code = _judge(diagnostic)
        if code:
            texts.setdefault(code, []).append(public_diagnostic(diagnostic.text))
    return [note(code, len(said), said[0]) for code, said in texts.items()]


def _judge(diagnostic: Diagnostic) -> str | None:
    for pattern, code in _PATTERNS:
        if pattern.search(diagnostic.text):
            return code
    if diagnostic.severity not in (2, 3) or HARMLESS.search(diagnostic.text):
        return None
    return "profiler_error" if diagnostic.severity == 3 else "profiler_warning"
