"""Which tests run: what one needs of the machine may be missing, unless it is required; slow ones are asked for."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from drawing.draws import load_draws
from flopprof.profiler.machine.machine import cuda_devices

# Ceilings that whoever runs the tests has measured would change what their reports say.
os.environ["FLOPPROF_CEILINGS"] = str(Path(tempfile.gettempdir()) / "flopprof-tests-have-no-ceilings.json")
# So would the width of the terminal that they are started from.
os.environ.pop("COLUMNS", None)
# What a shell or nohup starts in the background ignores these, and so would all that tests start and then signal.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGQUIT, lambda *_: None),
    (signal.SIGHUP, lambda *_: None),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

NEEDS = {
    "nsys": (lambda: shutil.which("nsys") is not None, "Nsight Systems (nsys) is not on PATH; make nsys"),
    "gpu": (lambda: bool(cuda_devices()), "no CUDA device here"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also the slow tests, as -m slow runs them alone")


def pytest_configure(config: pytest.Config) -> None:
    load_draws(all_of_them=asked_for_slow(config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_out_slow(config, items)
    required = os.environ.get("FLOPPROF_REQUIRE", "").split(",")
    for need, (is_there, reason) in NEEDS.items():
        if need in required or is_there():
            continue
        for item in items:
            if item.get_closest_marker(need):
                item.add_marker(pytest.mark.skip(reason=reason))


def asked_for_slow(config: pytest.Config) -> bool:
    """All tests are asked for, or some by their marker."""
    return bool(config.option.all or config.option.markexpr)


def leave_out_slow(config: pytest.Config, items: list[pytest.Item]) -> None:
    if asked_for_slow(config):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """One test at a time starts Nsight Systems, in all processes that share the work: several lose their agents."""
    with (Path(tempfile.gettempdir()) / "flopprof-tests-use-nsys.lock").open("w") as lock:
        if item.get_closest_marker("nsys"):
            fcntl.flock(lock, fcntl.LOCK_EX)
        return (yield)
