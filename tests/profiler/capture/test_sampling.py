"""The sampled pass: a loop of every op, and what the samples of the GPU say of each call."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawing.report_samples import gpu_run
from flopprof.analysis.evidence.counters import Counters
from flopprof.analysis.evidence.metric_rows import RangeMetrics
from flopprof.analysis.evidence.metrics import Figures
from flopprof.analysis.runs.evidence import with_counters
from flopprof.analysis.runs.records import CountedStep, SampledOp, StepRecord
from flopprof.analysis.trace.nsys import Nsys
from flopprof.profiler.capture.evidence import choose_counter, open_sampler
from flopprof.profiler.capture.sampling import Sampled, find_ops, settle_sampled
from flopprof.profiler.capture.worker_process import WorkerOutcome
from flopprof.profiler.recorders.gpu_metrics import MetricsMissing
from flopprof.profiler.recorders.lifeline import Lifeline
from flopprof.profiler.recorders.ncu import NcuRecorder
from flopprof.profiler.recorders.recorder import NsysRecorder
from flopprof.profiler.worker.job import Finished, Job, MessageReader
from flopprof.profiler.worker.main import run_job
from flopprof.scenarios.plan.expansion import Plan, expand_plan
from flopprof.scenarios.plan.load import load_scenario

NSYS = Nsys(path=Path("/nowhere/nsys"), version="2025.3.2")
EVIDENCE = "flopprof.profiler.capture.evidence"


class Alive(Lifeline):
    """That of a run which goes on; a real one would end this process with its own."""

    def __init__(self) -> None:
        pass

    @property
    def is_held(self) -> bool:
        return True


def plan_of(device: str) -> Plan:
    choices = ("devices=cuda", "backends=torch") if device == "cuda" else ("devices=cpu", "backends=numpy")
    return expand_plan(load_scenario("smoke", choices), lambda *_: None)


def test_a_sampled_worker_runs_each_op_in_a_loop_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flopprof.profiler.worker.main.settle", lambda: None)
    monkeypatch.setattr("flopprof.profiler.worker.sampling.LOOP_SECONDS", 0.0)
    steps = [step.to_json() for step in plan_of("cpu").steps[:2]]
    job = Job(
        which="metrics",
        ranges="none",
        backend="numpy",
        device="cpu",
        steps=steps,
        messages=str(tmp_path / "messages.jsonl"),
        lifeline="",
    )
    assert run_job(job, Alive()) == 0
    records = [m.record for m in MessageReader(Path(job.messages)).read() if isinstance(m, Finished)]
    assert [(record.key, record.status, record.reps) for record in records] == [
        (step["key"], "done", 5) for step in steps
    ]


def test_a_worker_whose_time_is_over_leaves_the_steps_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("flopprof.profiler.worker.main.settle", lambda: None)
    job = Job(
        which="metrics",
        ranges="none",
        backend="numpy",
        device="cpu",
        steps=[step.to_json() for step in plan_of("cpu").steps[:2]],
        most_seconds=0.0,
        messages=str(tmp_path / "messages.jsonl"),
        lifeline="",
    )
    assert run_job(job, Alive()) == 0
    assert not [m for m in MessageReader(Path(job.messages)).read() if isinstance(m, Finished)]


def outcome(folder: Path, keys: tuple[str, ...], *, code: int = 0, said: str = "") -> WorkerOutcome:
    (folder / "output.txt").write_text(said)
    records = {key: StepRecord(key=key, status="done", reps=10) for key in keys}
    return WorkerOutcome(folder=folder, exit_code=code, records=records)


def test_bytes_are_those_of_one_call(tmp_path: Path):
    figures = Figures(samples=7, dram_read_bytes=2560.0, dram_write_bytes=10.0)
    sampled = Sampled(ops={("K", 1): figures, ("K", 0): Figures(samples=1), ("other", 0): figures})
    (step,) = settle_sampled(outcome(tmp_path, ("K",)), [], sampled).values()
    assert step == CountedStep(
        key="K",
        sampled=[
            SampledOp(op=0, calls=10, samples=1, dram_read_bytes=None, dram_write_bytes=None),
            SampledOp(op=1, calls=10, samples=7, dram_read_bytes=256.0, dram_write_bytes=1.0),
        ],
    )


def test_a_step_without_figures_says_why(tmp_path: Path):
    settled = settle_sampled(outcome(tmp_path, ("K",)), [], Sampled(ops={}, problem="the buffer overflowed"))
    assert settled == {"K": CountedStep(key="K", reason="the buffer overflowed")}


def test_a_worker_that_died_is_named_and_the_others_are_left_to_the_next(tmp_path: Path):
    steps = plan_of("cpu").steps[:2]
    died = outcome(tmp_path, (), code=139, said="Fatal Python error: Segmentation fault")
    died.died_in = steps[1].key
    assert settle_sampled(died, steps, Sampled(ops={}))[steps[1].key].reason == (
        "the sampled pass ended before it: Fatal Python error: Segmentation fault"
    )


def sampler() -> NsysRecorder:
    return NsysRecorder(nsys=NSYS, options=("--gpu-metrics-devices=all",))


def test_auto_samples_where_nothing_counts_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(f"{EVIDENCE}.open_ncu", lambda: "ncu is not on PATH")
    monkeypatch.setattr(f"{EVIDENCE}.open_sampler", sampler)
    said: list[str] = []
    assert choose_counter("auto", plan_of("cuda"), "nsys", said.append) == sampler()
    assert said == ["no hardware counters: ncu is not on PATH; the GPU is sampled instead"]


def test_auto_counts_where_it_can_and_metrics_samples_all_the_same(monkeypatch: pytest.MonkeyPatch):
    ncu = NcuRecorder(path=Path("/nowhere/ncu"), version=None, metrics=("a",))
    monkeypatch.setattr(f"{EVIDENCE}.open_ncu", lambda: ncu)
    monkeypatch.setattr(f"{EVIDENCE}.open_sampler", sampler)
    assert choose_counter("auto", plan_of("cuda"), "nsys", pytest.fail) == ncu
    assert choose_counter("metrics", plan_of("cuda"), "nsys", pytest.fail) == sampler()


def test_metrics_that_cannot_be_had_are_refused_in_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(f"{EVIDENCE}.open_sampler", lambda: "nsys is not on PATH")
    with pytest.raises(
        MetricsMissing, match=r"^no GPU metrics: nsys is not on PATH; leave them out with --evidence none$"
    ):
        choose_counter("metrics", plan_of("cuda"), "nsys", pytest.fail)
    with pytest.raises(MetricsMissing, match="no step of this run is of a GPU"):
        choose_counter("metrics", plan_of("cpu"), "nsys", pytest.fail)


def test_only_the_range_of_the_pass_is_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(f"{EVIDENCE}.find_usable_nsys", lambda: (NSYS, None))
    monkeypatch.setattr(f"{EVIDENCE}.sampling_options", lambda _path, hz: [f"--at={hz}"])
    found = open_sampler()
    assert isinstance(found, NsysRecorder)
    command = found.command(["worker"], tmp_path)
    assert command[:2] == ["/nowhere/nsys", "profile"]
    assert command[-6:] == [
        *(
            "--at=10000",
            "--capture-range=nvtx",
            "--nvtx-capture=sampled@flopprof",
            "--capture-range-end=stop",
        ),
        *(f"--output={tmp_path}/raw", "worker"),
    ]


def test_an_op_is_found_by_its_step_and_number_and_on_the_device_that_worked():
    def row(*path: str, samples: int, device: int = 0) -> RangeMetrics:
        return RangeMetrics(
            range=path[-1],
            path=path,
            domain="flopprof",
            pid=1,
            tid=1,
            device=device,
            instances=1,
            figures=Figures(samples=samples),
        )

    ranges = [
        row("sampled", samples=9),
        row("sampled", "step:K", samples=9),
        row("sampled", "step:K", "op:0", samples=9, device=1),
        row("sampled", "step:K", "op:0", samples=1),
        row("sampled", "op:0", samples=3),
    ]
    assert dict(find_ops(ranges)) == {("K", 0): Figures(samples=9)}


def test_a_step_has_the_bytes_of_all_its_ops_or_a_note():
    step, *_ = gpu_run().steps
    one = SampledOp(op=0, calls=5, samples=9, dram_read_bytes=256.0, dram_write_bytes=4.0)
    other = SampledOp(op=1, calls=5, samples=9, dram_read_bytes=4.0, dram_write_bytes=256.0)
    whole = with_counters(step, CountedStep(key="K", sampled=[one, other]))
    assert whole.counters == Counters(source="gpu_metrics", dram_read_bytes=260.0, dram_write_bytes=260.0)
    few = other.model_copy(update={"dram_read_bytes": None})
    half = with_counters(step, CountedStep(key="K", sampled=[one, few]))
    assert (half.counters, half.evidence_note) == (None, "too few samples are its own")
