"""Measured ceilings: what a device was seen to reach, kept for every later report about that device.

``flopprof calibrate`` stores them in one JSON file of the user; a run copies those of its machine into its folder
(``ceilings.json``), so that a report made elsewhere says the same. A GPU is known by its UUID, a CPU by its model
and number of cores.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError

from ...scenarios.language.problems import explain_record
from ..errors import CeilingsError
from ..files import replace_file
from ..words import FORMAT
from .records import Machine, Record

OVERRIDE = "FLOPPROF_CEILINGS"
"""Environment variable that names the file instead."""


class MeasuredRate(Record):
    """The median rate of a matrix product, at the size where it was highest."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    dtype: str
    unit: Literal["fma", "tensor"]
    flops_per_s: float = Field(gt=0)
    n: int = Field(gt=0)
    """The size it was reached at: n×n times n×n."""


class Ceiling(Record):
    """What one library reached on one device: medians, over arrays far larger than its caches."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    device: Literal["cuda", "cpu"]
    name: str
    """The GPU's name or the CPU's model."""
    uuid: str | None = None
    """Of a GPU."""
    cores: int | None = None
    """Logical ones, of a CPU."""
    backend: str
    version: str
    """The library's."""
    settings: dict[str, str] = Field(default_factory=dict)
    """The library's settings that change results: threads, TF32."""
    measured_at: str
    """ISO 8601, UTC."""
    copy_bytes_per_s: float = Field(gt=0)
    """Bytes read plus bytes written."""
    read_bytes_per_s: float = Field(gt=0)
    """A sum over all elements, or a matrix times a vector, whichever was faster."""
    write_bytes_per_s: float = Field(gt=0)
    """Filling with a constant."""
    array_bytes: int = Field(gt=0)
    """Size of the arrays that the three were measured on."""
    cache_bytes: int | None = None
    """The device's last level of cache, all of it; None where it is not known."""
    rates: list[MeasuredRate] = Field(default_factory=list)
    launch_ns: float = Field(gt=0)
    """Time of the smallest operation (adding 1 to one number), each enqueued right after the other."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells the device from others."""
        if self.device == "cuda":
            return ("cuda", plain_uuid(self.uuid))
        return ("cpu", self.name, str(self.cores))


class Ceilings(Record):
    """ceilings.json: one entry for each device and library."""

    flopprof: int = FORMAT
    ceilings: list[Ceiling] = Field(default_factory=list)

    def of_gpu(self, uuid: str | None) -> list[Ceiling]:
        """Those of the GPU with this UUID, which may lack its ``GPU-``; none where it is unknown."""
        return [one for one in self.ceilings if uuid and one.identity == ("cuda", plain_uuid(uuid))]

    def of_cpu(self, machine: Machine) -> list[Ceiling]:
        """Those of a machine's CPU."""
        return [one for one in self.ceilings if one.identity == ("cpu", machine.cpu, str(machine.cores))]

    def of_machine(self, machine: Machine) -> Ceilings:
        """Those of a machine's devices, all of them."""
        gpus = [one for gpu in machine.gpus for one in self.of_gpu(gpu.uuid)]
        return Ceilings(ceilings=[*gpus, *self.of_cpu(machine)])

    def with_measured(self, measured: Iterable[Ceiling]) -> Ceilings:
        """These with newly measured ones, each in place of what its library reached there before."""
        kept = {(*one.identity, one.backend): one for one in (*self.ceilings, *measured)}
        return Ceilings(ceilings=list(kept.values()))


def ceilings_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where this user's ceilings are: FLOPPROF_CEILINGS, else the data folder of the XDG specification."""
    if environment.get(OVERRIDE):
        return Path(environment[OVERRIDE])
    data = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "flopprof" / "ceilings.json"


def read_ceilings(path: Path) -> Ceilings:
    """The ceilings in a file; none where there is no file. Raises CeilingsError."""
    try:
        ceilings = Ceilings.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Ceilings()
    except ValidationError as error:
        raise CeilingsError(path, explain_record(error)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CeilingsError(path, f"cannot be read ({error})") from error
    if ceilings.flopprof != FORMAT:
        raise CeilingsError(path, f"has format {ceilings.flopprof}, this flopprof reads {FORMAT}")
    return ceilings


def write_ceilings(path: Path, ceilings: Ceilings) -> None:
    """Write them whole or not at all. Raises CeilingsError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, f"{ceilings.model_dump_json(indent=1)}\n".encode(), durable=False)
    except OSError as error:
        remedy = f"name another file by {OVERRIDE}"
        raise CeilingsError(path, f"cannot be written ({error.strerror})", remedy=remedy) from error


def plain_uuid(uuid: str | None) -> str:
    """A GPU's UUID as Nsight Systems writes it, without the driver's prefix.

    >>> plain_uuid("GPU-1589F921-efde-b773-f607-cae575e89544")
    '1589f921-efde-b773-f607-cae575e89544'
    """
    return (uuid or "").lower().removeprefix("gpu-")
