"""Which numbers in a name only count instances: ``training_step_17``, ``iter 3/100``, ``op_id = 5``.

A number says nothing of identity where the word before it counts (step, iter, epoch, op_id, …). It says which
thing is meant where the word names a place or a size (layer, rank, conv, n=1000). Of other words the name alone
cannot tell: those numbers are left to who sees all names, see folding.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

COUNTER = "#"
"""What stands in a folded name where a number counted."""

COUNTING = frozenset({"step", "steps", "iter", "iters", "iteration", "iterations", "it", "epoch", "epochs"})
"""Words whose number only ever counts."""

NUMBERING = frozenset(
    {
        "batch",
        "minibatch",
        "microbatch",
        "mb",
        "sample",
        "frame",
        "request",
        "req",
        "call",
        "trial",
        "rep",
        "run",
    }
    | {
        "repeat",
        "repetition",
        "round",
        "tick",
        "token",
        "loop",
        "cycle",
        "episode",
        "update",
        "query",
        "message",
    }
    | {"task", "job", "event", "try", "attempt", "instance", "invocation", "execution", "micro"}
)
"""Words whose number counts where the numbers of all such names follow each other (``batch_32`` may be a size)."""

COUNTING_IDS = frozenset(
    {"op", "program", "run", "correlation", "call", "execution", "launch", "step", "request"}
)
"""What an ``…_id`` numbers whenever it happens."""

PLACES = frozenset(
    {
        "layer",
        "layers",
        "block",
        "blocks",
        "stage",
        "level",
        "conv",
        "fc",
        "linear",
        "dense",
        "head",
        "heads",
        "h",
    }
    | {
        "rank",
        "gpu",
        "device",
        "dev",
        "cuda",
        "stream",
        "worker",
        "thread",
        "process",
        "proc",
        "pid",
        "tid",
        "node",
    }
    | {
        "expert",
        "group",
        "bucket",
        "bn",
        "norm",
        "ln",
        "pool",
        "unit",
        "cell",
        "encoder",
        "decoder",
        "res",
        "mlp",
    }
    | {
        "attn",
        "attention",
        "bottleneck",
        "module",
        "model",
        "net",
        "size",
        "dim",
        "n",
        "m",
        "k",
        "bs",
        "len",
        "x",
    }
    | {
        "width",
        "height",
        "fp",
        "int",
        "uint",
        "float",
        "bf",
        "sm",
        "v",
        "version",
        "axis",
        "seqlen",
        "port",
        "shard",
    }
    | {
        "partition",
        "chunks",
        "replica",
        "host",
        "channel",
        "branch",
        "scale",
        "lr",
        "seed",
        "tp",
        "pp",
        "dp",
        "order",
    }
)
"""Words whose number says which one of several things is meant."""

_IDS = frozenset({"id", "no", "nr", "num", "number", "idx", "index"})

_NUMBER = re.compile(r"(?<![0-9.])\d+(?![0-9A-Za-z]|\.\d)")

_TOTAL = re.compile(r"\s*(?:/|of)\s*\d+(?![0-9A-Za-z.])")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_BEFORE = re.compile(r"([A-Za-z_\s\-]*?)([\s_#:=\-\[\(/.,]*)\Z")

_SEQUENCE = re.compile(r"\bseq = \Z")


def fold_counting(message: str) -> str:
    """The message with ``#`` for every number that only counts.

    >>> fold_counting("training_step_17"), fold_counting("iter 3/100"), fold_counting("ProfilerStep#12")
    ('training_step_#', 'iter #', 'ProfilerStep##')
    >>> fold_counting("aten::add, seq = 7, op_id = 5, sizes = [[2, 3]]")
    'aten::add, seq = #, op_id = #, sizes = [[2, 3]]'
    >>> fold_counting("point n=1000 layer_3")
    'point n=1000 layer_3'
    """
    return _fold(message, [span for span, kind in _find_numbers(message) if kind == "counts"])


def list_candidates(message: str) -> Iterator[tuple[str, int, bool]]:
    """The message with one more number folded, that number, and whether its word is known to number.

    >>> list(list_candidates("batch_7")), list(list_candidates("work 3"))
    ([('batch_#', 7, True)], [('work #', 3, False)])
    >>> list(list_candidates("conv1")), list(list_candidates("n=1000"))
    ([], [])
    """
    for (start, end), kind in _find_numbers(message):
        if kind in ("numbers", "unknown"):
            yield _fold(message, [(start, end)]), int(message[start:end]), kind == "numbers"


def _fold(message: str, spans: list[tuple[int, int]]) -> str:
    for start, end in reversed(spans):
        total = _TOTAL.match(message, end)
        message = f"{message[:start]}{COUNTER}{message[total.end() if total else end :]}"
    return message


def _find_numbers(message: str) -> Iterator[tuple[tuple[int, int], str]]:
    """The numbers with what they are: counts, numbers, unknown or place."""
    after = 0
    for number in _NUMBER.finditer(message):
        start, end = number.span()
        if start >= after:
            total = _TOTAL.match(message, end)
            after = total.end() if total else end
            yield (start, end), _classify(message[:start], has_total=total is not None)


def _classify(before: str, *, has_total: bool) -> str:
    if _SEQUENCE.search(before):
        return "counts"
    match = _BEFORE.search(before)
    words = [word.lower() for word in _WORD.findall(match[1] if match else "")]
    joint = match[2] if match else ""
    if len(words) > 1 and words[-1] in _IDS:
        words.pop()
        if words[-1] in COUNTING_IDS:
            return "counts"
    word = words[-1] if words else ""
    if word in COUNTING:
        return "counts"
    if word in PLACES or any(sign in joint for sign in "=[(") or (not word and before.strip()):
        return "place"
    if word in NUMBERING:
        return "counts" if has_total else "numbers"
    return "unknown"
