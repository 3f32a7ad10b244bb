"""What a run folder holds, as written by capture and read by analysis.

::

    RUN/
        plan.json                 RunPlan: the run, the scenario, its steps
        machine.json              Machine: where it ran
        ceilings.json             Ceilings (ceilings.py): what was measured of its devices before, if anything was
        shards/<backend>-<device>[-k]/
            control.json          ShardRecord: what each step's two passes measured by their own clocks
            trace.sqlite          the scrubbed trace of the traced pass
        counters/<backend>-<device>-<k>.json  CountersRecord: what Nsight Compute counted or Nsight Systems sampled
        report.txt, report.md, report.json, report.html, *.csv, time.png

The folder is the border between capture and analysis: nothing here imports a workload library.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..words import FORMAT, Clock, Recorder

NOT_IN_TURN = "not in turn: "
"""How the note of a step begins that an interleaved run measured by itself; its reason follows."""


MOST_PASSES = 4
"""How often an untraced pass is repeated while its median is not sure: it has that many times the reps at most."""


class Record(BaseModel):
    """A JSON object of the run folder; unknown keys of a later version are an error, not lost in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Surroundings(Record):
    """What else the machine did while a pass was measured; None is unknown."""

    others_cores: float | None = None
    """Cores that other processes kept busy, of those that the measurement may use."""
    steal_share: float | None = None
    """Share of the CPUs' time that a hypervisor gave to others."""
    load: float | None = None
    """Processes that ran or waited to, over the last minute; the measurement is one of them."""
    cpu_mhz: float | None = None
    gpu_mhz: float | None = None
    gpu_limits: list[str] | None = None
    """What held the GPU's clock down when the pass ended."""
    gpu_processes: int | None = None
    """Processes that compute on the GPU; the measurement is one of them."""


class CallCosts(Record):
    """What being recorded adds to one call, measured by the worker that was."""

    range_ns: float
    """Of an NVTX range, opened and closed."""
    call_ns: float | None = None
    """Of a CUDA call; None on a CPU."""


class Pass(Record):
    """One pass over a step's reps, timed by the worker itself."""

    clock: Clock
    total_ns: float
    """Last event minus first event over all reps (device), or the loop by the host clock (CPU)."""
    reps: int
    samples_ns: list[float] = Field(default_factory=list)
    """Per-rep times in their order: one per block of reps on a device, one per rep on the CPU."""
    surroundings: Surroundings | None = None


class CpuPass(Record):
    """What the operating system charged for some reps, of all threads of the worker."""

    reps: int
    wall_ns: int
    user_ns: int
    system_ns: int
    minor_faults: int
    major_faults: int
    voluntary_switches: int
    involuntary_switches: int
    page_bytes: int
    cores_allowed: int
    cycles: int | None = None
    """Of the program, not of the system; None where they are not counted."""
    instructions: int | None = None
    ops: list[CpuPass] = Field(default_factory=list)
    """The same of each op call."""


class StepRecord(Record):
    """What the worker measured of one step."""

    key: str
    status: Literal["done", "failed"]
    reason: str | None = None
    reps: int | None = None
    """As decided, of the untraced pass; of a run without one, of the traced."""
    warmup: int | None = None
    control: Pass | None = None
    traced: Pass | None = None
    cpu: CpuPass | None = None
    """On the CPU: reps of their own, after those of the untraced pass, or the same ones where they are long."""
    checked: bool = False
    """Whether this shard compared sampled results with float64 for this (ops, params, dtype)."""
    notes: list[str] = Field(default_factory=list)

    @property
    def traced_reps(self) -> int | None:
        """Those that the trace holds, which may be fewer than the untraced pass had."""
        return self.traced.reps if self.traced is not None else self.reps


class CountedKernel(Record):
    """One kernel launch of a step's only rep, as Nsight Compute counted it; its durations are not kept."""

    op: int
    kernel: str
    grid: tuple[int, int, int] | None = None
    block: tuple[int, int, int] | None = None
    metrics: dict[str, float]


class SampledOp(Record):
    """What samples of the GPU say of one call of an op, from a loop of so many."""

    op: int
    calls: int
    samples: int
    dram_read_bytes: float | None
    """None where too few samples are the op's own."""
    dram_write_bytes: float | None


class CountedStep(Record):
    """A step of the counters pass or of the sampled one."""

    key: str
    reason: str | None = None
    """Why it could not be counted."""
    kernels: list[CountedKernel] = Field(default_factory=list)
    sampled: list[SampledOp] = Field(default_factory=list)


PassWithTimes = Literal["untraced", "traced"]


class CountersRecord(Record):
    """counters/<backend>-<device>-<k>.json: what Nsight Compute counted of a shard's steps, or samples say."""

    flopprof: int = FORMAT
    backend: str
    device: str
    part: int = 1
    source: Literal["ncu", "gpu_metrics"] = "ncu"
    tool: str | None = None
    """Its version."""
    seconds: float
    steps: list[CountedStep] = Field(default_factory=list)


class ShardRecord(Record):
    """control.json: every step one worker finished or failed."""

    flopprof: int = FORMAT
    backend: str
    device: str
    part: int = 1
    recorder: Recorder
    steps: list[StepRecord] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    call_costs: CallCosts | None = None
    seconds: dict[PassWithTimes, float] = Field(default_factory=dict)
    """How long its passes took, each with its worker's start."""


class Gpu(Record):
    """One CUDA device as the driver describes it."""

    ordinal: int
    name: str
    uuid: str | None = None
    compute_capability: str | None = None
    memory_bytes: int | None = None
    l2_bytes: int | None = None


class Machine(Record):
    """machine.json: what the numbers depend on; no host name, no user, no path of the caller."""

    flopprof: int = FORMAT
    system: str
    cpu: str
    cores: int
    memory_bytes: int
    python: str
    versions: dict[str, str]
    """flopprof, numpy, torch, cupy, nvtx, nsys, cuda driver …: those that were found; and ``commit``, of its folder."""
    gpus: list[Gpu] = Field(default_factory=list)
    settings: dict[str, str] = Field(default_factory=dict)
    """Settings that change results: tf32, thread counts."""


class SkippedStep(Record):
    """A combination the scenario names that cannot run here, or at all."""

    label: str
    reason: str


class RunInfo(Record):
    """The run itself."""

    id: str
    scenario: str
    about: str = ""
    scenario_path: str
    started_at: str
    """ISO 8601, UTC."""
    recorder: Recorder
    recorder_note: str | None = None
    """Why the embedded recorder was used, and what it cannot see."""
    device_recorder: Literal["torch.profiler"] | None = None
    """What recorded GPU activity where the recorder itself could not."""
    control: bool = True
    order: Literal["planned", "interleaved"] = "planned"
    command: list[str] = Field(default_factory=list)
    baseline: str | None = None
    status: Literal["complete", "interrupted"] = "complete"
    seconds: float | None = None
    """How long the processes that made it took, up to its reports; None where one of them was killed."""


class RunPlan(Record):
    """plan.json: the run and its steps (each as scenarios.plan.Step.to_json gives it)."""

    flopprof: int = FORMAT
    run: RunInfo
    steps: list[dict[str, Any]]
    skipped: list[SkippedStep] = Field(default_factory=list)
