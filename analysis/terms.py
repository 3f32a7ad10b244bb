"""Words and numbers that records and results share; nothing is imported for them."""

from __future__ import annotations

from typing import Literal

FORMAT = 1
"""Version of the JSON documents and of the files in a run folder."""

Recorder = Literal["nsys", "embedded"]
Status = Literal["done", "failed", "skipped"]
Clock = Literal["device_events", "host"]
