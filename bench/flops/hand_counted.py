"""Trains a model whose matrix products are counted by hand: GPT-2, ResNet-50, a U-Net, a mixture of experts.

    flopprof profile -- python bench/flops/hand_counted.py --model gpt2

The last line it prints is JSON: FLOPs of all steps of every module that has products, by arithmetic on the sizes (of
experts: on the tokens that each got in each step), and seconds a step. bench/flops/of_models.py sets flopprof's figures
beside them. Plain PyTorch, random weights.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from flopprof import annotate_torch, mark_step
from models import Language, Residual, UNet
from torch import Tensor, nn
from torch.nn import functional

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(slots=True)
class Hand:
    """FLOPs of one step, module by module: (forward, backward)."""

    of: dict[str, tuple[int, int]] = field(default_factory=dict)
    summed: set[str] = field(default_factory=set)
    """Modules whose steps differ: theirs are those of all steps."""

    def of_all(self, steps: int) -> dict[str, tuple[int, int]]:
        """FLOPs of all steps."""
        times = {name: 1 if name in self.summed else steps for name in self.of}
        return {name: (times[name] * each[0], times[name] * each[1]) for name, each in self.of.items()}

    def linear(self, name: str, rows: int, inputs: int, outputs: int, *, first: bool = False) -> None:
        """A matrix product, and one for each gradient; a model's input needs none."""
        one = 2 * rows * inputs * outputs
        self.of[name] = (one, one if first else 2 * one)

    def conv(
        self, name: str, places: int, inputs: int, outputs: int, taps: int, *, first: bool = False
    ) -> None:
        """Every place meets every weight."""
        self.linear(name, places, inputs * taps, outputs, first=first)

    def attention(self, name: str, batch: int, length: int, width: int, *, causal: bool) -> None:
        """Two products forward; five backward, which computes the scores again."""
        pairs = length * (length + 1) // 2 if causal else length * length
        one = 2 * batch * pairs * width
        self.of[name] = (2 * one, 5 * one)

    def total(self, prefix: str = "") -> tuple[int, int]:
        """Of all modules below one."""
        found = [both for name, both in self.of.items() if name.startswith(prefix)]
        return sum(each[0] for each in found), sum(each[1] for each in found)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, what makes a batch's loss, and its count by hand once it has run."""

    model: nn.Module
    loss: Callable[[nn.Module], Tensor]
    count: Callable[[], Hand]


def language(options: argparse.Namespace, *, experts: int) -> Trained:
    small = options.small
    layers, width, length, words = (2, 256, 128, 2048) if small else (12, 768, 1024, 50304)
    batch, device = options.batch or (2 if small else 8), options.device
    model = Language(
        layers=layers, width=width, length=length, words=words, experts=experts, again=options.checkpoint
    )
    tokens = torch.randint(words, (batch, length), device=device)

    def loss(run: nn.Module) -> Tensor:
        return functional.cross_entropy(run(tokens).flatten(0, 1).float(), tokens.flatten())

    def count() -> Hand:
        hand, rows = Hand(), batch * length
        for at, block in enumerate(model.h):
            hand.linear(f"h.{at}.attn.qkv", rows, width, 3 * width)
            hand.attention(f"h.{at}.attn.core", batch, length, width, causal=True)
            hand.linear(f"h.{at}.attn.out", rows, width, width)
            if not experts:
                hand.linear(f"h.{at}.mlp.0", rows, width, 4 * width)
                hand.linear(f"h.{at}.mlp.2", rows, 4 * width, width)
                continue
            hand.linear(f"h.{at}.mlp.router", rows, width, experts)
            # A checkpoint computes again what it has computed, with the same routing: one pass of each two counts.
            passes = block.mlp.sent[:: 2 if options.checkpoint else 1]
            for expert, sent in enumerate(map(sum, zip(*passes, strict=True))):
                one = f"h.{at}.mlp.experts.{expert}"
                hand.linear(f"{one}.0", sent, width, 4 * width)
                hand.linear(f"{one}.2", sent, 4 * width, width)
                hand.summed |= {f"{one}.0", f"{one}.2"}
        hand.linear("head", rows, width, words)
        return hand

    return Trained(model, loss, count)


def residual(options: argparse.Namespace) -> Trained:
    small = options.small
    blocks, side = ((1, 1, 1, 1), 64) if small else ((3, 4, 6, 3), 224)
    batch = options.batch or (2 if small else 64)
    model = Residual(blocks)
    images = torch.rand(batch, 3, side, side, device=options.device)
    labels = torch.randint(1000, (batch,), device=options.device)

    def count() -> Hand:
        hand, places, inputs, at = Hand(), batch * (side // 2) ** 2, 64, 0
        hand.conv("stem", places, 3, 64, 49, first=True)
        places //= 4
        for stage, many in enumerate(blocks):
            for first in range(many):
                middle, wide = 64 << stage, 256 << stage
                after = places // 4 if stage and not first else places
                hand.conv(f"blocks.{at}.conv1", places, inputs, middle, 1)
                hand.conv(f"blocks.{at}.conv2", after, middle, middle, 9)
                hand.conv(f"blocks.{at}.conv3", after, middle, wide, 1)
                if not first:
                    hand.conv(f"blocks.{at}.down", after, inputs, wide, 1)
                places, inputs, at = after, wide, at + 1
        hand.linear("fc", batch, inputs, 1000)
        return hand

    return Trained(model, lambda run: functional.cross_entropy(run(images).float(), labels), count)


def unet(options: argparse.Namespace) -> Trained:
    width, side = (64, 32) if options.small else (128, 64)
    batch = options.batch or (1 if options.small else 32)
    model = UNet(width)
    images = torch.rand(batch, 3, side, side, device=options.device)

    def count() -> Hand:
        hand, whole = Hand(), batch * side * side
        half, quarter = whole // 4, whole // 16

        def level(name: str, places: int, inputs: int, outputs: int, *, attends: bool) -> None:
            hand.conv(f"{name}.conv1", places, inputs, outputs, 9)
            hand.conv(f"{name}.conv2", places, outputs, outputs, 9)
            hand.conv(f"{name}.skip", places, inputs, outputs, 1)
            if attends:
                hand.linear(f"{name}.attn.qkv", places, outputs, 3 * outputs)
                hand.attention(f"{name}.attn.core", batch, places // batch, outputs, causal=False)
                hand.linear(f"{name}.attn.out", places, outputs, outputs)

        hand.conv("stem", whole, 3, width, 9, first=True)
        level("down1", whole, width, width, attends=False)
        hand.conv("shrink1", half, width, width, 9)
        level("down2", half, width, 2 * width, attends=True)
        hand.conv("shrink2", quarter, 2 * width, 2 * width, 9)
        level("middle", quarter, 2 * width, 2 * width, attends=True)
        hand.conv("grow2", quarter, 2 * width, 2 * width, 4)
        level("up2", half, 4 * width, 2 * width, attends=True)
        hand.conv("grow1", half, 2 * width, width, 4)
        level("up1", whole, 2 * width, width, attends=False)
        hand.conv("last", whole, width, 3, 9)
        return hand

    return Trained(model, lambda run: functional.mse_loss(run(images).float(), images), count)


MODELS: dict[str, Callable[[argparse.Namespace], Trained]] = {
    "gpt2": lambda options: language(options, experts=0),
    "resnet": residual,
    "unet": unet,
    "mixture": lambda options: language(options, experts=4 if options.small else 8),
}


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=MODELS, default="gpt2")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--small", action="store_true", help="a size for a CPU")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="of autocast")
    parser.add_argument("--compile", metavar="BACKEND", help="torch.compile it: inductor, aot_eager")
    parser.add_argument("--checkpoint", action="store_true", help="compute layers again in backward")
    parser.add_argument(
        "--flops", choices=["every", "none", "plain"], default="every", help="plain: no ranges"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    torch.manual_seed(0)
    trained = MODELS[options.model](options)
    model: Any = trained.model.to(options.device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    if options.flops != "plain":
        annotate_torch(model, flops="every" if options.flops == "every" else None)
    run = torch.compile(model, backend=options.compile) if options.compile else model
    dtype = DTYPES[options.dtype]
    seconds: list[float] = []
    for _ in range(options.steps):
        began = time.perf_counter()
        with mark_step():
            cast = dtype is not torch.float32
            with torch.autocast(options.device, dtype) if cast else contextlib.nullcontext():
                loss = trained.loss(run)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            last = loss.item()
        seconds.append(time.perf_counter() - began)
    hand = trained.count()
    told = {"model": options.model, "loss": last, "steps": options.steps, "seconds": seconds}
    print(json.dumps({**told, "modules": hand.of_all(options.steps)}))


if __name__ == "__main__":
    main()
