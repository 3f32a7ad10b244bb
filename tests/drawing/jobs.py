"""Jobs of many ranks made by hand: programs of ranks, run on clocks of their own, written as Nsight Systems exports.

A rank's host asks for kernels and goes on; a stream runs them in order. A collective begins on each rank when its
stream is free and ends on all when the last has arrived and the transfer is over: what that made each rank wait is
kept, and is the truth that tests hold the analysis against.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drawing.nsys_file import NVTX, RUNTIME, TABLES, Export, Row, described, global_pid, global_tid

CALL_NS, LATENCY_NS = 5_000, 3_000
COMPUTE, COMM, GATHER, SCATTER = 7, 17, 20, 21
EPOCH_NS = 1_800_000_000_000_000_000
KERNEL_NAMES = {
    "AllReduce": "ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgsStorage<(unsigned long)4096>)",
    "AllGather": "ncclDevKernel_AllGather_RING_LL(ncclDevKernelArgsStorage<(unsigned long)4096>)",
    "ReduceScatter": "ncclDevKernel_ReduceScatter_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<(unsigned long)4096>)",
    "Broadcast": "ncclDevKernel_Broadcast_RING_LL(ncclDevKernelArgsStorage<(unsigned long)4096>)",
    "SendRecv": "ncclDevKernel_SendRecv(ncclDevKernelArgsStorage<(unsigned long)4096>)",
}
COMM_SCHEMA, OP_SCHEMA = 16777218, 16777221


@dataclass
class Op:
    """Something asked of the device; times are known when the job has run."""

    stream: int
    length: int
    name: str
    call: tuple[int, int]
    after: list[Op]
    family: str | None = None
    communicator: int = 0
    start: int | None = None
    end: int | None = None
    wait: int = 0


@dataclass
class SimRank:
    """One rank while it runs; times on the true clock."""

    number: int
    random: random.Random
    now: int = 100_000_000
    ops: list[Op] = field(default_factory=list)
    ranges: list[tuple[str, str, int, int]] = field(default_factory=list)
    calls: list[tuple[int, int, str]] = field(default_factory=list)
    job: Job | None = None

    def host(self, ns: int) -> None:
        """Compute on the host."""
        self.now += ns

    def jitter(self, ns: int) -> int:
        """A length with a few per cent of noise."""
        return ns + self.random.randrange(ns // 50 + 1)

    @contextmanager
    def range(self, name: str, domain: str = "train") -> Iterator[None]:
        """An NVTX range."""
        start = self.now
        yield
        self.now += 200
        self.ranges.append((domain, name, start, self.now))

    def kernel(self, ns: int, stream: int = COMPUTE, after: Sequence[Op] = (), name: str = "gemm") -> Op:
        """Launch a kernel."""
        return self._launch(Op(stream, self.jitter(ns), name, (0, 0), list(after)))

    def collective(
        self, family: str, ns: int, stream: int = COMM, after: Sequence[Op] = (), communicator: int = 0
    ) -> Op:
        """Launch a collective, whose transfer takes so long."""
        op = Op(stream, ns, KERNEL_NAMES[family], (0, 0), list(after), family, communicator)
        return self._launch(op)

    def _launch(self, op: Op) -> Op:
        op.call = (self.now, self.now + CALL_NS)
        self.now += CALL_NS
        self.ops.append(op)
        return op

    def sync(self) -> None:
        """Wait until the device has done all; every rank must do so as often."""
        assert self.job is not None
        start = self.now
        self.now = max([start, *(op.end or 0 for op in self.ops)]) + 1_000
        self.calls.append((start, self.now, "cudaDeviceSynchronize_v3020"))


Program = Callable[[SimRank, int], None]


@dataclass
class Job:
    """Ranks, each with a wall clock that is off and a hop's difference at the end of collectives."""

    size: int
    seed: int = 0
    hop_ns: int = 4_000
    communicators: int = 0
    """The id of its first one: other jobs have others."""
    ranks: list[SimRank] = field(init=False)

    def __post_init__(self) -> None:
        self.ranks = [SimRank(n, random.Random(self.seed * 1000 + n)) for n in range(self.size)]
        for rank in self.ranks:
            rank.job = self

    def run(self, program: Program, steps: int, *, sync: bool = True) -> Job:
        """So many steps of a program; with `sync` every step ends when its device work has."""
        for step in range(steps):
            for rank in self.ranks:
                program(rank, step)
            if sync:
                self.resolve()
                for rank in self.ranks:
                    rank.sync()
        self.resolve()
        return self

    def run_in_ranges(
        self,
        program: Program,
        steps: int,
        *,
        name: Callable[[int], str] = lambda _: "step",
        sync: bool = True,
    ) -> Job:
        """The same with a range around each step, which the synchronisation lies in."""
        for step in range(steps):
            began = [rank.now for rank in self.ranks]
            for rank in self.ranks:
                program(rank, step)
            if sync:
                self.resolve()
                for rank in self.ranks:
                    rank.sync()
            for rank, start in zip(self.ranks, began, strict=True):
                rank.now += 200
                rank.ranges.append(("train", name(step), start, rank.now))
        self.resolve()
        return self

    def resolve(self) -> None:
        """Give every operation its times, as far as all ranks have come."""
        queues: dict[tuple[int, int], list[Op]] = {}
        for rank in self.ranks:
            for op in rank.ops:
                if op.end is None:
                    queues.setdefault((rank.number, op.stream), []).append(op)
        free = {
            (rank.number, op.stream): op.end for rank in self.ranks for op in rank.ops if op.end is not None
        }
        while any(queues.values()):
            self._advance(queues, free)

    def _advance(self, queues: dict[tuple[int, int], list[Op]], free: dict[tuple[int, int], int]) -> None:
        ready: dict[tuple[int, int], tuple[Op, int]] = {}
        for key, queue in queues.items():
            if queue and all(op.end is not None for op in queue[0].after):
                op = queue[0]
                begin = [op.call[0] + CALL_NS + LATENCY_NS, free.get(key, 0), *(a.end or 0 for a in op.after)]
                ready[key] = op, max(begin)
        plain = [(key, op, at) for key, (op, at) in ready.items() if op.family is None]
        for key, op, at in plain:
            op.start, op.end = at, at + op.length
            free[key] = op.end
            queues[key].pop(0)
        if not plain:
            self._advance_collective(queues, free, ready)

    def _advance_collective(
        self,
        queues: dict[tuple[int, int], list[Op]],
        free: dict[tuple[int, int], int],
        ready: dict[tuple[int, int], tuple[Op, int]],
    ) -> None:
        for stream in sorted({stream for _, stream in ready}):
            for communicator in sorted({op.communicator for (_, s), (op, _) in ready.items() if s == stream}):
                members = self.members(communicator)
                keys = [(rank, stream) for rank in members]
                if all(key in ready and ready[key][0].communicator == communicator for key in keys):
                    self._transfer([(key, *ready[key]) for key in keys], free)
                    for key in keys:
                        queues[key].pop(0)
                    return
        raise AssertionError("ranks wait for each other for ever")

    def members(self, communicator: int) -> list[int]:
        """All ranks; of communicator 1 and 2 the even and the odd ones."""
        ranks = range(self.size)
        return [r for r in ranks if communicator == 0 or r % 2 == communicator - 1]

    def _transfer(
        self, ops: Sequence[tuple[tuple[int, int], Op, int]], free: dict[tuple[int, int], int]
    ) -> None:
        last = max(at for _, _, at in ops)
        for key, op, at in ops:
            hop = self.ranks[key[0]].random.randrange(self.hop_ns + 1)
            op.start, op.end = at, last + op.length + hop
            free[key] = op.end
        shortest = min((op.end or 0) - (op.start or 0) for _, op, _ in ops)
        for _, op, _ in ops:
            op.wait = (op.end or 0) - (op.start or 0) - shortest

    def write(
        self,
        folder: Path,
        *,
        off_ns: Sequence[int] = (),
        blobs: bool = False,
        name: str = "job_rank{}.sqlite",
    ) -> list[Path]:
        """A trace of each rank, with a clock that is off by so much; `blobs` with NCCL's own payloads."""
        return [
            export_rank(self, rank, blobs=blobs, off_ns=off_ns[rank.number] if off_ns else 0).write(
                folder / name.format(rank.number)
            )
            for rank in self.ranks
        ]


def export_rank(job: Job, rank: SimRank, *, blobs: bool = False, off_ns: int = 0) -> Export:
    """One rank's trace: its clock begins at the job's start, plus its own number of milliseconds."""
    export, own = described(), rank.number * 1_000_000
    export.add("TARGET_INFO_SESSION_START_TIME", utcEpochNs=EPOCH_NS + own + off_ns)
    correlation = 0
    for op in sorted(rank.ops, key=lambda op: op.call):
        correlation += 1
        _add_call(export, rank, op.call[0] - own, op.call[1] - own, "cudaLaunchKernel_v7000", correlation)
        assert op.start is not None and op.end is not None
        kernel = export.string(op.name)
        export.add(
            TABLES["kernel"],
            start=op.start - own,
            end=op.end - own,
            deviceId=rank.number % 8,
            contextId=1,
            streamId=op.stream,
            correlationId=correlation,
            globalPid=global_pid(rank.number),
            demangledName=kernel,
            shortName=kernel,
        )
    for start, end, name in rank.calls:
        correlation += 1
        _add_call(export, rank, start - own, end - own, name, correlation)
    _add_ranges(export, rank, own)
    if blobs:
        _add_nccl(export, job, rank, own)
    return export


def _add_call(export: Export, rank: SimRank, start: int, end: int, name: str, correlation: int) -> None:
    export.add(
        RUNTIME,
        start=start,
        end=end,
        eventClass=0,
        globalTid=global_tid(rank.number, 1),
        correlationId=correlation,
        nameId=export.string(name),
        returnValue=0,
    )


def _add_ranges(export: Export, rank: SimRank, own: int) -> None:
    domains = ["", "NCCL", *sorted({domain for domain, *_ in rank.ranges} - {"", "NCCL"})]
    for number, domain in enumerate(domains[1:], start=1):
        export.add(
            NVTX,
            start=0,
            end=None,
            eventType=75,
            text=domain,
            globalTid=global_tid(rank.number, 1),
            domainId=number,
            binaryData=None,
        )
    for domain, name, start, end in rank.ranges:
        _add_range(export, rank, domains.index(domain), name, start - own, end - own)


def _add_range(export: Export, rank: SimRank, domain: int, name: str, start: int, end: int) -> Row:
    return export.add(
        NVTX,
        start=start,
        end=end,
        eventType=59,
        textId=export.string(name),
        globalTid=global_tid(rank.number, 1),
        domainId=domain,
    )


def _add_nccl(export: Export, job: Job, rank: SimRank, own: int) -> None:
    """NCCL's ranges around its launches, with the payloads that --include-blobs exports."""
    for schema, entries in {
        COMM_SCHEMA: (
            (18, "NCCL communicator ID", None),
            (5, "No. of ranks", 8),
            (5, "Rank", 12),
            (5, "CUDA device", 16),
        ),
        OP_SCHEMA: ((18, "NCCL communicator ID", None), (22, "Message size [bytes]", 8)),
    }.items():
        for at, (kind, name, offset) in enumerate(entries):
            export.add(
                "NVTX_PAYLOAD_SCHEMA_ENTRIES",
                domainId=1,
                schemaId=schema,
                idx=at,
                type=kind,
                name=name,
                offset=offset,
            )
    for communicator in sorted({op.communicator for op in rank.ops if op.family}):
        members = job.members(communicator)
        payload = struct.pack(
            "<QiiiI",
            communicator_id(job.communicators + communicator),
            len(members),
            members.index(rank.number),
            rank.number,
            0,
        )
        row = _add_range(export, rank, 1, "ncclCommInitRank", 100_000, 200_000)
        row["binaryData"] = make_blob(COMM_SCHEMA, payload)
    for op in rank.ops:
        if op.family:
            start, end = op.call[0] - own, op.call[1] - own
            row = _add_range(export, rank, 1, f"nccl{op.family}", start, end)
            payload = struct.pack("<QQ", communicator_id(job.communicators + op.communicator), op.length)
            row["binaryData"] = make_blob(OP_SCHEMA, payload)


def communicator_id(communicator: int) -> int:
    """Ids of NCCL's fill 64 bits."""
    return 0xF000_0000_0000_0000 + communicator


def make_blob(schema: int, payload: bytes) -> bytes:
    """A payload as an export with blobs has it."""
    return struct.pack("<QQQQ", 1, schema, len(payload), 32 + len(payload)) + payload


def ddp(late: Callable[[SimRank, int], tuple[int, int]] = lambda rank, step: (0, 0)) -> Program:
    """A step of data-parallel training; `late` says by how much a rank's data and forward are longer in a step."""

    def program(rank: SimRank, step: int) -> None:
        host, device = late(rank, step)
        with rank.range("data"):
            rank.host(rank.jitter(100_000) + host)
        with rank.range("forward"):
            forward = [rank.kernel(400_000) for _ in range(3)]
            if device:
                rank.kernel(device, name="extra")
        with rank.range("backward"):
            for _ in range(3):
                forward = [rank.kernel(500_000)]
                rank.collective("AllReduce", 150_000, after=forward)
        with rank.range("optimizer"):
            rank.kernel(100_000, after=[op for op in rank.ops if op.stream == COMM][-1:])

    return program


def fsdp(
    late: Callable[[SimRank, int], tuple[int, int]] = lambda rank, step: (0, 0), layers: int = 4
) -> Program:
    """A step of sharded training: gathers run ahead on a stream of theirs, scatters on another, one communicator."""

    def program(rank: SimRank, step: int) -> None:
        host, device = late(rank, step)
        with rank.range("data"):
            rank.host(rank.jitter(50_000) + host)
        with rank.range("forward"):
            gathered = [rank.collective("AllGather", 200_000, GATHER) for _ in range(layers)]
            for layer in range(layers):
                rank.kernel(300_000, after=[gathered[layer]])
            if device:
                rank.kernel(device, name="extra")
        with rank.range("backward"):
            gathered = [rank.collective("AllGather", 200_000, GATHER) for _ in range(layers)]
            done = [rank.kernel(600_000, after=[one]) for one in gathered]
            scattered = [rank.collective("ReduceScatter", 250_000, SCATTER, after=[one]) for one in done]
        with rank.range("optimizer"):
            rank.kernel(100_000, after=scattered)

    return program
