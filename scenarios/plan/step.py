"""A step: one variant with one backend, device, dtype, mode and set of parameters, and the key it is known by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..language.schema import BackendName, Device, Dtype, Mode, Reps
from ..operations.ops import Op, op_from_json, op_identity, op_to_json
from ..operations.shapes import complete_sizes

KEY_LENGTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One variant on one backend and device, in one dtype, with one value of every sweep variable."""

    key: str
    """A digest of what is computed and where; not of names, files or the order in which they are written."""
    variant: str
    ops: tuple[Op, ...]
    backend: BackendName
    device: Device
    dtype: Dtype
    mode: Mode
    params: dict[str, int]
    """The sweep's values, in the scenario's order; m and k are in `sizes` also when not swept."""
    reps: Reps

    @property
    def label(self) -> str:
        """The step in one line, unique in its plan: ``outer_sum torch cpu float32 n=4000 axis=0``."""
        values = [f"{name}={value}" for name, value in self.params.items()]
        return " ".join([self.variant, self.backend, self.device, self.dtype, *values])

    @property
    def sizes(self) -> dict[str, int]:
        """The params with m and k, which default to n."""
        return complete_sizes(self.params)

    def to_json(self) -> dict[str, Any]:
        """The step as plain JSON; `from_json` reads it back."""
        return {
            "key": self.key,
            "variant": self.variant,
            "ops": [op_to_json(op) for op in self.ops],
            "backend": self.backend,
            "device": self.device,
            "dtype": self.dtype,
            "mode": self.mode,
            "params": dict(self.params),
            "reps": self.reps.model_dump(),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Step:
        """The step that `to_json` wrote, its key as it was."""
        ops = tuple(op_from_json(op) for op in plain["ops"])
        return cls(**{**plain, "ops": ops, "params": dict(plain["params"]), "reps": Reps(**plain["reps"])})


def step_key(
    *, ops: tuple[Op, ...], backend: str, device: str, dtype: str, mode: str, params: Mapping[str, int]
) -> str:
    """Twelve hex digits of SHA-256 over the canonical JSON of what is computed."""
    identity = {
        "ops": [op_identity(op) for op in ops],
        "backend": backend,
        "device": device,
        "dtype": dtype,
        "mode": mode,
        "params": dict(params),
    }
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:KEY_LENGTH]
