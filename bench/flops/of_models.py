"""Sets flopprof's FLOPs of whole models beside a count by hand, module by module, and says what counting costs a step.

python bench/flops/of_models.py                       every model, as it is
python bench/flops/of_models.py --small               of a size for a CPU
python bench/flops/of_models.py gpt2 --dtype bfloat16 --compile inductor --cost

Each model is trained by bench/flops/hand_counted.py under `flopprof profile`. Exits 1 where a figure is wrong.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flopprof.analysis.words import LEFT_OUT

PROGRAM = Path(__file__).with_name("hand_counted.py")
MODELS = ("gpt2", "resnet", "unet", "mixture")
NAMES = {"gpt2": "Language", "resnet": "Residual", "unet": "UNet", "mixture": "Language"}
WARM_UP = 2
"""Steps that are left out of times."""


@dataclass(slots=True)
class Found:
    """What a trace says of one range's name, over all paths that end in it."""

    flops: int | None = 0
    busy_ns: int = 0
    host_ns: int = 0
    reasons: set[str] = field(default_factory=set)


def record(arguments: list[str], *, flops: str = "every") -> tuple[dict[str, Any], dict[str, Any]]:
    """What the program said of itself, and what `analyze --json` says of its trace."""
    flopprof = [sys.executable, "-m", "flopprof.profiler"]
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, str(PROGRAM), *arguments, "--flops", flops]
        done = run([*flopprof, "profile", "--out", f"{folder}/o", "--", *program])
        said = [line for line in done.splitlines() if line.startswith('{"model"')]
        return json.loads(said[-1]), json.loads(run([*flopprof, "analyze", f"{folder}/o", "--json"]))


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nexited {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def by_name(document: dict[str, Any]) -> dict[str, Found]:
    """Ranges by the last part of their path: a module computed again in backward is below another there."""
    found: dict[str, Found] = defaultdict(Found)
    for row in document["ranges"]:
        this = found[row["path"][-1]]
        this.flops = None if this.flops is None or row["flops"] is None else this.flops + row["flops"]
        this.busy_ns, this.host_ns = this.busy_ns + row["busy_ns"], this.host_ns + row["wall_ns"]
        this.reasons |= set(row["no_flops"])
    return found


def expect(said: dict[str, Any], options: argparse.Namespace) -> dict[str, int]:
    """By hand, all steps together: of every module with products, of the model, and of the step."""
    again = 0
    modules: dict[str, tuple[int, int]] = said["modules"]
    expected: dict[str, int] = {}
    inside: dict[str, int] = defaultdict(int)
    for name, (forward, backward) in modules.items():
        # Backward needs the input of a layer's last product, and not its result.
        repeats = options.checkpoint and name.startswith("h.") and not name.endswith("mlp.2")
        again += forward * repeats
        expected[f"{name}.forward"] = forward * (1 + repeats)
        expected[f"{name}.backward"] = backward
        # Computing a layer again begins in the backward of its last module, and is a part of that.
        last = ".".join(name.split(".")[:2]) + ".mlp.2.backward"
        inside[last] += forward * repeats
    expected = {name: flops + inside[name] for name, flops in expected.items()}
    forward, backward = (sum(both[at] for both in modules.values()) for at in range(2))
    whole = f"{NAMES[said['model']]}.forward"
    if options.compile:
        expected = {
            whole: forward,
            whole.replace("forward", "backward"): backward,
        }
    else:
        expected[whole] = forward
    expected["step"] = forward + backward + again
    return expected


def show(model: str, options: argparse.Namespace) -> bool:
    """One model's lines; whether nothing is wrong."""
    arguments = ["--model", model, "--steps", str(options.steps), "--dtype", options.dtype]
    arguments += ["--small"] * options.small + ["--checkpoint"] * options.checkpoint
    arguments += ["--compile", options.compile] if options.compile else []
    said, document = record(arguments)
    found, expected = by_name(document), expect(said, options)
    wrong = {name: hand for name, hand in expected.items() if found[name].flops not in (None, hand)}
    none = [name for name, hand in expected.items() if found[name].flops is None and hand]
    step = found["step"]
    print(f"\n{model} {' '.join(arguments[4:])}")
    print(
        f"  {len(expected)} figures: {len(expected) - len(wrong) - len(none)} as by hand, {len(none)} none, "
        f"{len(wrong)} wrong; others more than {LEFT_OUT:.0%} beside: have none"
    )
    print(f"  {'range, all steps':44} {'flopprof':>20} {'by hand':>20} {'TFLOP/s':>8}")
    shown = [*list(expected)[:6], *list(expected)[-2:], *none[:6], *wrong]
    for name in dict.fromkeys(shown):
        this = found[name]
        ns = this.busy_ns or this.host_ns
        rate = f"{this.flops / ns / 1e3:8.2f}" if this.flops and ns else ""
        print(
            f"  {name[:44]:44} {this.flops if this.flops is not None else 'none'!s:>20} {expected[name]:>20} {rate}"
        )
        for reason in this.reasons:
            print(f"    {reason}")
    if step.reasons:
        print(f"  the step: {step.reasons}")
    if options.cost:
        show_cost(arguments, said)
    return not wrong


def show_cost(arguments: list[str], every: dict[str, Any]) -> None:
    """The median step without ranges, with ranges alone, and counting."""
    others = {flops: record(arguments, flops=flops) for flops in ("plain", "none")}
    times = {
        "plain": others["plain"][0]["seconds"],
        "ranges": others["none"][0]["seconds"],
        "counting": every["seconds"],
    }
    medians = {name: statistics.median(seconds[WARM_UP:]) for name, seconds in times.items()}
    print("  a step:", ", ".join(f"{name} {1e3 * each:.1f} ms" for name, each in medians.items()), end="; ")
    print(f"counting takes {medians['counting'] / medians['plain']:.2f} of a plain step's time")
    kernels = [
        {(row["kernel"]): row["instances"] for row in others[which][1]["kernels"]}
        for which in ("plain", "none")
    ]
    print(f"  kernels with and without ranges: {'the same' if kernels[0] == kernels[1] else 'DIFFERENT'}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", default=list(MODELS))
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--compile", metavar="BACKEND")
    parser.add_argument("--checkpoint", action="store_true")
    parser.add_argument("--cost", action="store_true", help="what counting costs a step, by two more runs")
    options = parser.parse_args()
    right = [show(model, options) for model in options.models]
    sys.exit(0 if all(right) else 1)


if __name__ == "__main__":
    main()
