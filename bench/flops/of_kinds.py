"""Kinds of modules × forward, backward, recompute, compiled: flopprof's FLOPs beside torch's own and brute force.

python bench/flops/of_kinds.py           prints the tables
python bench/flops/of_kinds.py --write   writes them into docs/flops.md

Exits 1 where a figure of flopprof's is wrong. Takes some minutes: every kind is compiled.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from flopprof import annotate_torch  # noqa: E402
from kinds import Kind, kinds, relative  # noqa: E402
from models import Language, Residual  # noqa: E402
from running.spied_nvtx import SpiedNvtx, read_flops, spied_nvtx  # noqa: E402

PAGE = ROOT / "docs" / "flops.md"
BEGIN, END = "<!-- by bench/flops/of_kinds.py -->\n", "<!-- end -->\n"
REPEATS = 15


@dataclass(frozen=True, slots=True)
class Figure:
    """One pass of one kind: a None of flopprof's has a reason."""

    name: str
    run: str
    flopprof: int | None
    torch: int | None
    brute: int
    reason: str = ""

    @property
    def wrong(self) -> bool:
        return self.flopprof is not None and self.flopprof != self.brute

    def row(self) -> str:
        own = f"none: {self.reason}" if self.flopprof is None else f"{self.flopprof:,}"
        if self.wrong:
            own = f"**{own}**"
        other = "fails" if self.torch is None else f"{self.torch:,}"
        if self.torch is not None and self.torch != self.brute:
            other += f" ({relative(self.torch, self.brute):.3g} ×)"
        return f"| {self.name} | {self.run} | {own} | {other} | {self.brute:,} |"


class Again(nn.Module):
    """A module that is computed again in backward."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *inputs: Tensor) -> Tensor:
        return checkpoint(self.inner, *inputs, use_reentrant=False)


def figures(kind: Kind) -> list[Figure]:
    """All passes that a kind has."""
    forward = kind.forward()
    backward = kind.backward() if kind.backward is not None else None
    found = [measure(kind, "forward", lambda: kind.module(*kind.inputs), forward, ".forward")]
    if backward is not None:
        found.append(measure(kind, "backward", lambda: kind.module(*kind.inputs), backward, ".backward"))
        again = Again(kind.module)
        found.append(
            measure(kind, "recompute", lambda: again(*kind.inputs), forward, ".forward", outer=again)
        )
    torch._dynamo.reset()
    compiled: Any = torch.compile(kind.module)
    found.append(measure(kind, "compiled forward", lambda: compiled(*kind.inputs), forward, ".forward"))
    if backward is not None:
        found.append(
            measure(kind, "compiled backward", lambda: compiled(*kind.inputs), backward, ".backward")
        )
    return found


def measure(
    kind: Kind,
    run: str,
    call: Callable[[], Tensor],
    brute: int,
    ending: str,
    *,
    outer: nn.Module | None = None,
) -> Figure:
    model = outer if outer is not None else kind.module
    back = run != "forward" and run != "compiled forward"
    with pytest.MonkeyPatch.context() as patch, spied_nvtx(patch) as nvtx, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        annotate_torch(model)
        execute(call, back=back)
        own, reason = read(nvtx, type(kind.module).__name__ if outer is None else "inner", ending, run)
    return Figure(kind.name, run, own, torchs(kind, call, run), brute, reason)


def execute(call: Callable[[], Tensor], *, back: bool) -> None:
    with set_checkpoint_early_stop(False), nullcontext() if back else torch.no_grad():
        out = call()
        if back:
            out.backward(torch.ones_like(out))


def read(nvtx: SpiedNvtx, name: str, ending: str, run: str) -> tuple[int | None, str]:
    """FLOPs of the ranges of a module itself, those of modules in it being in them when they are not alone."""
    wanted = [
        each for each in nvtx.ranges if ending in each.name and (ending != ".forward" or each.depth == 0)
    ]
    if run == "recompute":
        wanted = [each for each in nvtx.ranges if each.name == f"{name}.forward"][1:]
    reasons = [reason for each in wanted for reason in each.reasons]
    flops = read_flops(wanted)
    if flops is None and not reasons:
        reasons = ["too much is computed beside"] if wanted else ["no range"]
    return flops, ", ".join(dict.fromkeys(reasons))


def torchs(kind: Kind, call: Callable[[], Tensor], run: str) -> int | None:
    """What FlopCounterMode says of the same pass; of what is computed again, what it adds."""
    torch._dynamo.reset()
    try:
        if "forward" in run:
            with torch.no_grad(), FlopCounterMode(display=False) as mode:
                call()
            return mode.get_total_flops()
        before, after = torchs_passes(call)
        if run != "recompute":
            return after
        return before + after - sum(torchs_passes(lambda: kind.module(*kind.inputs)))
    except Exception:  # whatever it raises
        return None


def torchs_passes(call: Callable[[], Tensor]) -> tuple[int, int]:
    """Forward and backward."""
    with set_checkpoint_early_stop(False), FlopCounterMode(display=False) as mode:
        out = call()
        before = mode.get_total_flops()
        out.backward(torch.ones_like(out))
    return before, mode.get_total_flops() - before


def cost() -> list[str]:
    """A training step of two models without ranges, with ranges, and counting."""
    torch.manual_seed(0)
    tokens, images = torch.randint(2048, (2, 128)), torch.rand(2, 3, 64, 64)
    models: dict[str, tuple[nn.Module, Tensor]] = {
        "GPT-2, 2 layers of width 256, 256 tokens": (
            Language(layers=2, width=256, length=128, words=2048),
            tokens,
        ),
        "ResNet, 4 blocks, 2 images of 64 × 64": (Residual((1, 1, 1, 1)), images),
        "8 × Linear(64) and ReLU, 8 rows": (
            nn.Sequential(*[each for _ in range(8) for each in (nn.Linear(64, 64), nn.ReLU())]),
            torch.rand(8, 64),
        ),
    }
    rows = []
    for name, (model, batch) in models.items():
        taken: dict[str | None, list[float]] = {"plain": [], None: [], "every": []}
        for _ in range(REPEATS):
            for flops, times in taken.items():
                times.append(time_step(model, batch, flops))
        plain, ranges, counting = (1e3 * statistics.median(times) for times in taken.values())
        rows.append(
            f"| {name} | {plain:.1f} | {ranges:.1f} ({ranges / plain:.2f} ×) "
            f"| {counting:.1f} ({counting / plain:.2f} ×) |"
        )
    return rows


def time_step(model: nn.Module, batch: Tensor, flops: Any) -> float:
    with pytest.MonkeyPatch.context() as patch, spied_nvtx(patch), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if flops != "plain":
            annotate_torch(model, flops=flops)
        for _ in range(2):
            began = time.perf_counter()
            model(batch).sum().backward()
        return time.perf_counter() - began


def compose(found: list[Figure]) -> str:
    wrong, none = sum(each.wrong for each in found), sum(each.flopprof is None for each in found)
    others = sum(each.torch != each.brute for each in found)
    return "\n".join(
        [
            f"PyTorch {torch.__version__.partition('+')[0]} on {platform.machine()}, on the CPU. {len(found)} figures: "
            f"flopprof's {len(found) - wrong - none} as by brute force, {wrong} wrong, {none} none; of torch's "
            f"FlopCounterMode {others} wrong.",
            "",
            "| module | pass | flopprof | FlopCounterMode | brute force |",
            "|---|---|---:|---:|---:|",
            *(each.row() for each in found),
            "",
            f"A training step in milliseconds, the median of {REPEATS} steps, taken in turns:",
            "",
            "| model | plain | ranges, `flops=None` | counting |",
            "|---|---:|---:|---:|",
            *([] if "--only" in sys.argv else cost()),
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="into docs/flops.md")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = [
        figure
        for kind in kinds()
        if any(o in kind.name for o in options.only.split("|"))
        for figure in figures(kind)
    ]
    text = compose(found)
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    else:
        print(text)
    sys.exit(1 if any(figure.wrong for figure in found) else 0)


if __name__ == "__main__":
    main()
