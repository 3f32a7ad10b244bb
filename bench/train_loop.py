"""A small training loop on a GPU, for two recorders to record: torch with its backward pass, CuPy, a graph, copies.

flopprof profile --recorder nsys --out A -- python bench/train_loop.py
flopprof profile --recorder embedded --out B -- python bench/train_loop.py
python bench/recorders.py A/trace.sqlite B/trace.sqlite
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def main(steps: int) -> None:
    """Train, with a range around every part."""
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(512, 2048), torch.nn.ReLU(), torch.nn.Linear(2048, 2048), torch.nn.Linear(2048, 10)
    ).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    replay = capture(torch)
    for step in range(steps):
        train_once(torch, model, optimizer, step)
        beside(torch, replay)
    torch.cuda.synchronize()


def train_once(torch: Any, model: Any, optimizer: Any, step: int) -> None:
    """One step of it."""
    from flopprof.profiler import annotate

    with annotate("data"):
        x = torch.rand(256, 512).pin_memory().cuda(non_blocking=True)
        y = torch.full((256,), step % 10).cuda()
    with annotate("forward"):
        loss = torch.nn.functional.cross_entropy(model(x), y)
    with annotate("backward"):
        loss.backward()
    with annotate("optimizer"):
        optimizer.step()
        optimizer.zero_grad()
    with annotate("metrics"):
        loss.item()


def capture(torch: Any) -> Any:
    """A graph of two products."""
    a = torch.rand(512, 512, device="cuda")
    _ = a @ a
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        _ = (a @ a) @ a
    return graph


def beside(torch: Any, graph: Any) -> None:
    """What is not training: a graph's replay, and CuPy where it is installed."""
    import nvtx

    with torch.cuda.nvtx.range("replay"):
        graph.replay()
    if find_spec("cupy") is None:
        return
    cupy: Any = import_module("cupy")
    with nvtx.annotate("cupy", domain="mine"):
        cupy.ones((2048, 2048), dtype="float32").sum(axis=0)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
