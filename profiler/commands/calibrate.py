"""`flopprof calibrate`: measure the ceilings and say what they are."""

from __future__ import annotations

from ...analysis.words import FORMAT
from ...reports.kept.ceilings import render_ceilings
from ...reports.render.json_text import render_json
from ...reports.render.screen import PLAIN, Screen
from ..capture.calibration import DEVICES, Calibration, UnknownDevice
from ..terminal.output import tell


def parse_devices(names: str) -> list[str]:
    """The devices in a comma-separated list. Raises UnknownDevice."""
    devices = [name.strip() for name in names.split(",") if name.strip()]
    for name in devices or [names]:
        if name not in DEVICES:
            raise UnknownDevice(name)
    return devices


def show_calibration(calibration: Calibration, screen: Screen = PLAIN, *, as_json: bool) -> str:
    """The calibration for standard output; what could not be measured is told on standard error."""
    if as_json:
        return render_json(
            {
                "flopprof": FORMAT,
                "path": str(calibration.path),
                "ceilings": [one.model_dump(mode="json") for one in calibration.ceilings],
                "skipped": list(calibration.skipped),
                "failed": list(calibration.failed),
            }
        )
    for line in [*calibration.skipped, *calibration.failed]:
        tell(f"not measured: {line}")
    return render_ceilings(calibration.ceilings, calibration.path, screen)
