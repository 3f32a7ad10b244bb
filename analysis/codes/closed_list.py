"""All codes, in the order in which notes of one severity are shown."""

from __future__ import annotations

from .capture_codes import CAPTURE, RECORDING
from .code import Code
from .metric_codes import METRICS
from .rank_codes import RANKS
from .run_codes import RUN
from .trace_codes import ASKED, TRACE

CODES: dict[str, Code] = CAPTURE | METRICS | TRACE | RECORDING | RUN | RANKS | ASKED
