"""`flopprof doctor`: everything a run needs, looked at before it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from ..machine.machine import driver_versions
from .busyness import examine_load
from .evidence import examine_evidence
from .findings import Finding
from .libraries import examine_libraries
from .machine import examine_gpus, examine_places
from .nsys import examine_nsys


def examine() -> list[Finding]:
    """All findings, in the order in which they are shown; the slow ones are waited for together."""
    examinations: tuple[Callable[[], Iterable[Finding]], ...] = (
        lambda: examine_libraries(driver_versions().get("cuda-driver")),
        examine_gpus,
        lambda: [*examine_nsys(), *examine_evidence()],
        examine_places,
        examine_load,
    )
    with ThreadPoolExecutor(len(examinations)) as pool:
        return [
            finding for findings in pool.map(lambda ask: list(ask()), examinations) for finding in findings
        ]
