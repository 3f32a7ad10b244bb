"""Ten training steps of a GPT-2-size model with random weights, annotated: something real to profile.

    flopprof profile -- python bench/train_gpt2.py
    flopprof profile -- python bench/train_gpt2.py --modules      ranges around every module, too

Needs torch and transformers; downloads nothing.
"""

from __future__ import annotations

import argparse
import time

import torch
from flopprof.profiler import annotate, annotate_torch, mark_step
from transformers import GPT2Config, GPT2LMHeadModel


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--modules", action="store_true", help="annotate every module of the model")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def build_model(options: argparse.Namespace) -> GPT2LMHeadModel:
    config = GPT2Config(
        n_layer=options.layers,
        n_embd=options.width,
        n_head=max(options.width // 64, 1),
        n_positions=options.length,
        use_cache=False,
        attn_implementation="eager",  # as matrix products, which torch counts on every device
    )
    torch.manual_seed(0)
    return GPT2LMHeadModel(config).to(options.device).train()


def forward_flops(config: GPT2Config, batch: int, length: int) -> int:
    """Matrix products of one forward pass: twelve width² a layer and token, the head, and attention's two."""
    width, layers = config.n_embd, config.n_layer
    per_token = 2 * (12 * layers * width**2 + width * config.vocab_size) + 4 * layers * length * width
    return batch * length * per_token


def main() -> None:
    options = parse_options()
    model = build_model(options)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    tokens = torch.randint(model.config.vocab_size, (options.batch, options.length), device=options.device)
    flops = forward_flops(model.config, options.batch, options.length)
    if options.modules:
        annotate_torch(model)
    losses, began = [], time.perf_counter()
    for _ in range(options.steps):
        step = mark_step()
        with annotate("forward", flops=flops):
            loss = model(input_ids=tokens, labels=tokens).loss
        with annotate("backward", flops=2 * flops):
            loss.backward()
        with annotate("optimizer"):
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.item())  # waits for the device: each step ends when its work does
        step.end()
    seconds = time.perf_counter() - began
    print(f"{options.steps} steps in {seconds:.2f} s, loss {losses[0]:.2f} → {losses[-1]:.2f}")


if __name__ == "__main__":
    main()
