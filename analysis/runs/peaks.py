"""Which peaks hold for a device: measured ceilings where they are stored, else its data sheet.

The bandwidth of a measured roof is the highest of copy, read and write. A floor of time adds bytes read and bytes
written without telling them apart, and which of the three a device does fastest differs (an H200 fills at
4.68 TB/s and copies at 4.30); with any but the highest, work that only writes could pass its own roof.
A rate is the highest that any calibrated library reached. Matrix products run on tensor units where the part has
them, so the rate of the ordinary lanes may be missing: then the data sheet's is used, and where there is no data
sheet the matrix product's own, which is no lower. On a CPU matrix products use the same lanes as everything else.
Libraries also compute with half-precision numbers after widening them, so their lanes are no slower than float32's.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..export.devices import GpuInfo
from ..hardware.data_sheets import Peaks, Rate, data_sheet
from .ceilings import Ceiling, Ceilings
from .records import Machine

HALVES = ("float16", "bfloat16")


def peaks_of_device(device: str, gpu: GpuInfo | None, machine: Machine, ceilings: Ceilings) -> Peaks | None:
    """The peaks of the device a shard ran on; None where nothing is known of it.

    ``gpu`` is the device as the trace describes it. A trace without UUIDs can mean the machine's only GPU alone.
    """
    if device == "cpu":
        stored = ceilings.of_cpu(machine)
        return measured_peaks(stored, None, None) if stored else None
    only = machine.gpus[0].uuid if len(machine.gpus) == 1 else None
    stored = ceilings.of_gpu(gpu.uuid if gpu and gpu.uuid else only)
    sheet = data_sheet(gpu) if gpu else None
    return measured_peaks(stored, sheet, gpu.l2_bytes if gpu else None) if stored else sheet


def measured_peaks(stored: Sequence[Ceiling], sheet: Peaks | None, l2_bytes: int | None) -> Peaks:
    """Peaks of one device from what at least one library reached on it; gaps are filled as the module says."""
    rates: dict[Rate, float] = {}
    for rate in (rate for one in stored for rate in one.rates):
        lane: Rate = (rate.dtype, rate.unit)
        rates[lane] = max(rates.get(lane, 0.0), rate.flops_per_s)
    for half in HALVES:
        if (half, "fma") in rates:
            rates[half, "fma"] = max(rates[half, "fma"], rates.get(("float32", "fma"), 0.0))
    missing = {lane: rate for lane, rate in sheet.flops_per_s.items() if lane not in rates} if sheet else {}
    lanes: dict[Rate, float] = {
        (dtype, "fma"): rate for (dtype, unit), rate in rates.items() if unit == "tensor"
    }
    kinds = _bandwidths(stored)
    fastest = max(kinds, key=lambda kind: kinds[kind])
    cache = next((one.cache_bytes for one in stored if one.cache_bytes), None)
    on_cpu = stored[0].device == "cpu"
    source = _describe_source(stored, f"{bandwidth_text(kinds[fastest])} ({fastest})")
    if missing:
        source += f"; by its data sheet: {', '.join(f'{dtype} {unit}' for dtype, unit in sorted(missing))}"
    return Peaks(
        flops_per_s={**lanes, **missing, **rates},
        bytes_per_s=kinds[fastest],
        l2_bytes=None if on_cpu else l2_bytes or cache,
        l3_bytes=cache if on_cpu else None,
        source=source,
        measured=True,
    )


def _bandwidths(stored: Sequence[Ceiling]) -> dict[str, float]:
    return {
        "copy": max(one.copy_bytes_per_s for one in stored),
        "read": max(one.read_bytes_per_s for one in stored),
        "write": max(one.write_bytes_per_s for one in stored),
    }


def _describe_source(stored: Sequence[Ceiling], bandwidth: str) -> str:
    latest = max(one.measured_at for one in stored)
    libraries = " and ".join(f"{one.backend} {one.version}" for one in stored)
    return f"{stored[0].name} measured on {latest[:10]} with {libraries}: {bandwidth}"


def bandwidth_text(bytes_per_s: float) -> str:
    """``4.81 TB/s``, ``96.2 GB/s``."""
    return f"{bytes_per_s / 1e12:.2f} TB/s" if bytes_per_s >= 1e12 else f"{bytes_per_s / 1e9:.1f} GB/s"
