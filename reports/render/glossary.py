"""The words of a report, each explained in a sentence: the one source for reports and for docs/definitions.md.

A term is found in sentences by its own name and by ``said``; a table's column by the ``term`` that it names, else
by its ``keys``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..document.document import Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word and what it means."""

    name: str
    means: str
    said: tuple[str, ...] = ()
    """Other forms that stand for it in sentences."""
    keys: tuple[str, ...] = ()
    """Columns it explains."""
    common: bool = False
    """Whether it means other things too, so that it is not marked in sentences."""

    @property
    def anchor(self) -> str:
        """Where a page explains it."""
        return "g-" + "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())


def _term(name: str, means: str, said: str = "", keys: str = "", *, common: bool = False) -> Term:
    """Forms between semicolons, keys between blanks."""
    forms = tuple(form.strip() for form in said.split(";") if form.strip())
    return Term(name=name, means=means, said=forms, keys=tuple(keys.split()), common=common)


GLOSSARY: tuple[Term, ...] = (
    _term("scenario", "the YAML file that says what is run"),
    _term("variant", "one computation in it: a list of operations", keys="variant", common=True),
    _term(
        "operation, op", "matvec, outer, sum, matmul, a copy, or a function of yours", keys="op", common=True
    ),
    _term(
        "step",
        "one variant × backend × device × dtype × parameters; its key is a digest of these. In a program of "
        "yours: one instance of the range that repeats",
        keys="step label",
        common=True,
    ),
    _term("rep", "one execution of a step's operations", "reps", "reps"),
    _term("shard", "one (backend, device) of a run: a worker process of its own"),
    _term("range", "an NVTX range: a part of the program that has a name", keys="range path", common=True),
    _term("call", "a CUDA API call on the host", keys="launch_call call", common=True),
    _term(
        "activity",
        "a kernel, copy, fill or whole graph on the device",
        "device record; device records",
        "activities",
    ),
    _term(
        "owner",
        "the range that an activity or a slice of time belongs to",
        keys="owner attribution",
        common=True,
    ),
    _term("recorder", "what makes the trace: Nsight Systems, or the embedded one"),
    _term("control pass", "the same steps without a recorder; untraced times come from it"),
    _term("run", "everything that one `flopprof run` made", common=True),
    _term(
        "untraced",
        "timed without a recorder, so without the price of tracing",
        keys="untraced untraced_delta_ns",
    ),
    _term(
        "traced",
        "timed while a recorder ran; layers and kernels are of this pass",
        keys="traced_delta_ns",
    ),
    _term(
        "window",
        "the stretch of time that is divided; in a run, the traced reps and the synchronisation after them",
        "traced window",
        "window wall",
        common=True,
    ),
    _term(
        "kernel",
        "a function that runs on the GPU; as a layer, the time in which one runs",
        "kernels",
        "kernel kernel_a kernel_b kernel_sum kernels",
        common=True,
    ),
    _term("compute", "on the CPU, the time inside operations", keys="compute", common=True),
    _term("memcpy", "the time in which copies run on the device and no kernel", keys="memcpy"),
    _term("memset", "the time in which the device fills memory and nothing else", keys="memset"),
    _term(
        "graph", "the time in which a CUDA graph runs that was recorded as a whole", keys="graph", common=True
    ),
    _term("launch", "the device is idle while the host submits its next work", keys="launch", common=True),
    _term(
        "latency", "the device is idle though its next work is submitted: it has not begun", keys="latency"
    ),
    _term("sync", "the device is idle as the host waited for it before it submitted more", keys="sync"),
    _term("api", "the device is idle while the host is in another CUDA call", keys="api"),
    _term("host", "the device is idle while the program does other things", keys="host", common=True),
    _term("host time", "a range's own time on the host, from its start to its end"),
    _term("unknown", "the device is idle and the trace does not say why", keys="unknown", common=True),
    _term("idle", "the time in which nothing runs on the device", keys="idle", common=True),
    _term("busy", "the time in which anything runs on the device", keys="busy own_busy", common=True),
    _term(
        "overhead",
        "untraced time minus the time in which the device is busy: what launches cost without tracing's price",
        keys="overhead",
    ),
    _term(
        "launch overhead",
        "the time of a rep in which nothing runs on the device because work comes too late",
        "exposed launch overhead",
    ),
    _term(
        "FLOPs",
        "multiplications and additions of the operation's definition; what a library executes may be more",
        "FLOP",
        "flops",
    ),
    _term(
        "TFLOP/s",
        "those FLOPs over the time in kernels (on the CPU in operations), in 10¹² a second",
        keys="tflops",
    ),
    _term("least bytes", "what any implementation must read and write once", keys="bytes"),
    _term(
        "GB/s",
        "least bytes over the time in kernels (on the CPU in operations), in 10⁹ a second",
        keys="gbps gbps_a gbps_b",
        common=True,
    ),
    _term("payload", "bytes that a copy, a fill or a collective carries"),
    _term("copy rate", "the payload of copies and fills over their time, in 10⁹ a second"),
    _term(
        "declared", "the program itself said its FLOPs and bytes; rates are over a range's time", common=True
    ),
    _term(
        "bandwidth",
        "bytes moved in a second: the least bytes, or what was counted, over kernel time",
        "memory bandwidth",
        "bandwidth_share",
    ),
    _term(
        "roof",
        "the highest rates of the machine; the share of it is the least time they need over the time it took",
        "roof of the memory; memory's roof; share of the roof",
        "roof_share",
    ),
    _term("roof note", "why there is no share of the roof", keys="roof_note"),
    _term(
        "limit",
        "what the roof says bounds it: memory, compute, launch (the host is too slow), or copy",
        keys="limit",
        common=True,
    ),
    _term("ratio", "a time over that of the reference; over 1× is slower", keys="ratio", common=True),
    _term("tracing", "what recording can add to the untraced time", keys="slowdown", common=True),
    _term("noisy", "the two passes differ by more than recording can explain", keys="noise"),
    _term(
        "median",
        "half of the samples are below it",
        "medians",
        "median median_a median_b ns_a ns_b min max p5 p95",
    ),
    _term("mean", "the sum of all samples over their number", keys="mean", common=True),
    _term(
        "95 % interval",
        "where the median (or the ratio of medians) lies with 95 % confidence",
        keys="low high",
    ),
    _term(
        "samples",
        "times of single reps or instances, or of blocks of a few reps",
        keys="samples",
        common=True,
    ),
    _term(
        "p",
        "the rank test's: how often samples as unlike as these would come from equal sides",
        keys="p",
        common=True,
    ),
    _term("verdict", "faster, slower, same (within ±2 %) or unsure, for B against A", "verdicts", "verdict"),
    _term("instances", "how often it was there", keys="instances launches per_rep count", common=True),
    _term("total", "all instances added", keys="total", common=True),
    _term("share", "its part of the whole", keys="share", common=True),
    _term(
        "queue",
        "from the end of the launching call to the start of the kernel",
        keys="queue",
        common=True,
    ),
    _term("stream wait", "the part of it in which earlier work of the stream still ran", keys="stream_wait"),
    _term("queue latency", "the part of it after that"),
    _term(
        "projected",
        "from the first start to the last end of the device work launched in the range",
        keys="projected",
    ),
    _term(
        "SM",
        "a streaming multiprocessor: the part of a GPU that runs blocks",
        "SMs; multiprocessor; multiprocessors",
    ),
    _term(
        "block, grid",
        "threads that run together on one SM, and how many such blocks a launch has",
        "blocks",
        "grid block launch_a launch_b",
    ),
    _term("warp", "32 threads that run in step", "warps", "warps"),
    _term("slots", "the blocks that the GPU holds at once", "slot", "slots"),
    _term(
        "waves",
        "blocks over slots: under 1 part of the GPU has nothing to do, just over 1 a few blocks take as long again",
        "wave",
        "waves waves_a waves_b",
    ),
    _term(
        "occupancy",
        "the share of an SM's warps that registers, shared memory and block size let in",
        "",
        "occupancy occupancy_a occupancy_b",
    ),
    _term(
        "registers",
        "what a thread keeps its values in; the more it takes, the fewer warps fit",
        keys="registers registers_a registers_b",
        common=True,
    ),
    _term(
        "shared memory",
        "memory of an SM that the threads of a block share; static is known when compiled, dynamic when launched",
        keys="static dynamic",
        common=True,
    ),
    _term("executed", "FLOPs that the kernels executed, as counted", keys="executed", common=True),
    _term(
        "moved",
        "bytes read from and written to the device's memory, as counted",
        "bytes moved",
        keys="moved read written l2_read l2_written",
        common=True,
    ),
    _term("load, store sectors", "pieces of 32 bytes that a warp's access touches", "sectors", "load store"),
    _term("DRAM", "the device's memory behind its caches"),
    _term("L2", "the last cache of the GPU"),
    _term("launch-bound", "for much of a rep nothing runs on the GPU: the host does not submit work in time"),
    _term("memory-bound", "it moves its bytes about as fast as the memory can"),
    _term("compute-bound", "it computes about as fast as the machine can"),
    _term("underfilled", "too few blocks for the GPU, so that part of it has nothing to do"),
    _term("low occupancy", "too few warps on each SM to keep the memory busy", "few warps"),
    _term("uncoalesced", "neighbouring threads access places far from each other"),
    _term("narrow loads", "each load of a warp asks for little, so that few bytes are on their way"),
    _term("extra traffic", "it moves more than its least bytes"),
    _term("cache hits", "the cache serves part of the bytes"),
    _term("extra arithmetic", "it executes more FLOPs than the operation has"),
    _term(
        "page faults",
        "the operating system hands out memory page by page while the operation runs",
        keys="faults",
    ),
    _term("system", "the share of the CPU time that the operating system took", keys="system", common=True),
    _term("status", "done, failed or skipped", keys="status", common=True),
    _term("reason", "why there are no numbers", keys="reason", common=True),
    _term("device", "the GPU's number", keys="device gpu", common=True),
    _term(
        "copy, fill",
        "the device moves bytes from one memory to another, or sets them",
        keys="kind way",
        common=True,
    ),
    _term("process and thread", "their numbers in the operating system: pid:tid", keys="thread", common=True),
    _term("rank", "one process of a job of many", "ranks", "rank"),
    _term(
        "collective",
        "an exchange of data that all ranks of a communicator take part in",
        "collectives",
        "collective collectives",
    ),
    _term("communicator", "the ranks that exchange data with one another", keys="communicator"),
    _term(
        "transfer",
        "the shortest time of a rank in a collective: it came last, and waited for none",
        keys="transfer",
        common=True,
    ),
    _term("wait", "time in a collective before its last rank came", keys="wait worst", common=True),
    _term("straggler", "the rank that others wait for", "stragglers", "straggler late last"),
    _term("few cores", "most of the CPU's cores have nothing to do", keys="cores"),
    _term("not measured", "the evidence is missing; the sentence says which pass brings it"),
)

BY_KEY: dict[str, Term] = {key: term for term in GLOSSARY for key in term.keys}

BY_NAME: dict[str, Term] = {term.name: term for term in GLOSSARY}


def explain_column(column: Column) -> Term | None:
    """What a table's column means; None for parameters and names, which are the user's own."""
    if column.term is None:
        return BY_KEY.get(column.key)
    return BY_NAME[column.term] if column.term else None


def write_glossary() -> str:
    """The terms as a Markdown table."""
    rows = "\n".join(f"| {term.name} | {term.means} |" for term in GLOSSARY)
    return f"| word | meaning |\n|---|---|\n{rows}\n"
