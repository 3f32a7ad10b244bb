"""Steps of a program with annotated modules: what they computed, or why nobody can say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from drawing.draws import draws
from hypothesis import given
from hypothesis import strategies as st
from running.spied_nvtx import SpiedNvtx, spied_nvtx

torch = pytest.importorskip("torch")

from flopprof.profiler import annotate_torch, mark_step  # noqa: E402
from flopprof.profiler.annotation import steps  # noqa: E402
from flopprof.profiler.annotation.steps import Step  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

pytestmark = pytest.mark.torch

Module: Any = torch.nn.Module

ONE = 2 * 8 * 64 * 64
"""A forward of `linear` with `x`."""

SEVERAL = "steps of several threads were open while an annotated module ran"
EDGE = "it began or ended while an annotated module ran"
NOTHING = "no annotated module ran in it"


@pytest.fixture
def nvtx(monkeypatch: pytest.MonkeyPatch) -> Iterator[SpiedNvtx]:
    with spied_nvtx(monkeypatch) as spy:
        yield spy


@pytest.fixture
def linear(nvtx: SpiedNvtx) -> Any:
    model = torch.nn.Linear(64, 64, bias=False)
    annotate_torch(model)
    return model


def x(*, grad: bool = False) -> Any:
    return torch.rand(8, 64, requires_grad=grad)


def said(nvtx: SpiedNvtx) -> list[tuple[str, int | None, list[str]]]:
    """Every step in the order of their beginnings: its name, FLOPs, and why it has none."""
    return [(step.name, step.flops, step.reasons) for step in nvtx.steps]


class Other:
    """A thread that does one thing after the other, as it is told."""

    def __init__(self) -> None:
        self._todo: Callable[[], object] | None = None
        self._turn, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Other:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._todo = None
        self._turn.release()
        self._thread.join()

    def do(self, what: Callable[[], object]) -> None:
        self._todo = what
        self._turn.release()
        assert self._done.acquire(timeout=60)

    def _work(self) -> None:
        while self._turn.acquire() and self._todo is not None:
            self._todo()
            self._done.release()


class Calls(Module):
    """Does something between two products."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = (torch.nn.Linear(64, 64, bias=False) for _ in range(2))
        self.between: Callable[[], object] = lambda: None

    def forward(self, x: Any) -> Any:
        x = self.first(x)
        self.between()
        return self.last(x)


@pytest.fixture
def calls(nvtx: SpiedNvtx) -> Calls:
    model = Calls()
    annotate_torch(model)
    return model


def test_a_step_says_what_annotated_modules_computed_in_it(nvtx: SpiedNvtx, linear: Any) -> None:
    for count in (1, 2):
        step = mark_step()
        for _ in range(count):
            linear(x(grad=True)).sum().backward()
        step.end()
    assert said(nvtx) == [("step", 3 * ONE, []), ("step", 6 * ONE, [])]


def test_what_ran_outside_of_steps_is_in_none(nvtx: SpiedNvtx, linear: Any) -> None:
    linear(x())
    with mark_step():
        linear(x())
    linear(x())
    with mark_step():
        pass
    assert said(nvtx) == [("step", ONE, []), ("step", None, [NOTHING])]


def test_what_a_thread_without_steps_runs_is_the_open_steps(nvtx: SpiedNvtx, linear: Any) -> None:
    with Other() as other, mark_step():
        linear(x())
        other.do(lambda: linear(x()))
    assert said(nvtx) == [("step", 2 * ONE, [])]


def test_steps_that_are_open_at_once_have_none(nvtx: SpiedNvtx, linear: Any) -> None:
    with Other() as other:
        mine = mark_step("mine")
        linear(x())
        other.do(lambda: mark_step("theirs"))
        linear(x())
        other.do(lambda: mark_step("their next"))
        mine.end()
        other.do(lambda: linear(x()))
        other.do(lambda: mark_step("their last").end())
    assert said(nvtx) == [
        ("mine", None, [SEVERAL]),
        ("theirs", None, [SEVERAL]),
        ("their next", ONE, []),
        ("their last", None, [NOTHING]),
    ]


def test_steps_of_several_threads_that_take_turns_have_their_own(nvtx: SpiedNvtx, linear: Any) -> None:
    def train(name: str, times: int) -> None:
        with mark_step(name):
            for _ in range(times):
                linear(x())

    with Other() as other:
        train("mine", 1)
        other.do(lambda: train("theirs", 2))
        train("mine again", 3)
    assert said(nvtx) == [("mine", ONE, []), ("theirs", 2 * ONE, []), ("mine again", 3 * ONE, [])]


def test_a_step_that_begins_in_a_module_has_none(nvtx: SpiedNvtx, calls: Calls) -> None:
    calls.between = mark_step
    calls(x())
    calls.between = lambda: None
    calls(x())
    with mark_step("next"):
        calls(x())
    assert said(nvtx) == [("step", None, [EDGE]), ("next", 2 * ONE, [])]


def test_a_step_that_ends_in_a_module_has_none(nvtx: SpiedNvtx, calls: Calls) -> None:
    step = mark_step()
    calls(x())
    calls.between = step.end
    calls(x())
    calls.between = lambda: None
    with mark_step("next"):
        calls(x())
    assert said(nvtx) == [("step", None, [EDGE]), ("next", 2 * ONE, [])]


def test_steps_that_part_in_a_module_have_none_either(nvtx: SpiedNvtx, calls: Calls) -> None:
    mark_step("before")
    calls.between = lambda: mark_step("after")
    calls(x())
    calls.between = lambda: None
    with mark_step("next"):
        calls(x())
    assert said(nvtx) == [("before", None, [EDGE]), ("after", None, [EDGE]), ("next", 2 * ONE, [])]


def test_a_step_within_a_module_has_none(nvtx: SpiedNvtx, calls: Calls) -> None:
    def within() -> None:
        with mark_step("within"):
            calls.first(x())

    calls.between = within
    calls(x())
    assert said(nvtx) == [("within", None, [EDGE])]


def test_a_step_that_parts_in_a_backward_has_none(nvtx: SpiedNvtx, linear: Any) -> None:
    mark_step("before")
    out = linear(linear(x(grad=True)))

    def part(gradients: Any) -> None:
        mark_step("after")

    out.grad_fn.register_prehook(part)
    out.sum().backward()
    with mark_step("next"):
        linear(x())
    assert said(nvtx) == [("before", None, [EDGE]), ("after", None, [EDGE]), ("next", ONE, [])]


def test_a_step_that_parts_in_another_threads_module_has_none(nvtx: SpiedNvtx, calls: Calls) -> None:
    with Other() as other:
        calls.between = lambda: other.do(lambda: mark_step("begins"))
        calls(x())
        calls.between = lambda: other.do(lambda: mark_step("ends").end())
        calls(x())
        calls.between = lambda: None
        other.do(lambda: mark_step("next"))
        calls(x())
        other.do(lambda: mark_step("empty").end())
    assert said(nvtx) == [
        ("begins", None, [EDGE]),
        ("ends", None, [EDGE]),
        ("next", 2 * ONE, []),
        ("empty", None, [NOTHING]),
    ]


def test_a_module_that_outlasts_one_of_two_steps_is_nobodys(nvtx: SpiedNvtx, calls: Calls) -> None:
    with Other() as other:
        mine = mark_step("mine")
        other.do(lambda: mark_step("theirs"))
        calls.between = lambda: other.do(lambda: steps._open.step.end())  # type: ignore[union-attr]
        calls(x())
        mine.end()
    assert said(nvtx) == [("mine", None, [SEVERAL]), ("theirs", None, [EDGE])]


def test_a_failing_module_leaves_later_steps_theirs(nvtx: SpiedNvtx, calls: Calls) -> None:
    def fail() -> None:
        raise RuntimeError("on purpose")

    calls.between = fail
    with pytest.raises(RuntimeError, match="on purpose"), mark_step():
        calls(x())
    calls.between = lambda: None
    with mark_step():
        calls(x())
    assert [flops for _, flops, _ in said(nvtx)] == [ONE, 2 * ONE]


def test_a_step_that_a_dead_thread_left_open_takes_nothing(nvtx: SpiedNvtx, linear: Any) -> None:
    left: list[Step] = []
    with Other() as other:
        other.do(lambda: left.append(mark_step("left")))
        other.do(lambda: linear(x()))
    with mark_step("mine"):
        linear(x())
    assert said(nvtx) == [("left", None, []), ("mine", ONE, [])]
    assert not nvtx.steps[0].ended
    assert left[0] not in steps.open_steps


def test_a_step_that_another_thread_ends_says_nothing_there(nvtx: SpiedNvtx, linear: Any) -> None:
    with Other() as other:
        handed: list[Step] = []
        other.do(lambda: handed.append(mark_step("handed on")))
        linear(x())
        with pytest.warns(
            RuntimeWarning, match=r"^'handed on' has no FLOPs: it ended on another thread than"
        ):
            handed[0].end()
    with mark_step("mine") as mine:
        linear(x())
    assert said(nvtx) == [("handed on", None, []), ("mine", ONE, [])]
    assert nvtx.steps[0].ended
    mine.end()


def test_a_step_whose_flops_are_declared_has_no_others(nvtx: SpiedNvtx, linear: Any) -> None:
    with mark_step(flops=5):
        linear(x())
    with mark_step(flops=5):
        pass
    assert [step.marks for step in nvtx.steps] == [[], []]


def test_modules_that_are_not_counted_leave_steps_without(nvtx: SpiedNvtx) -> None:
    model = torch.nn.Linear(64, 64)
    annotate_torch(model, flops=None)
    with mark_step():
        model(x())
    assert said(nvtx) == [("step", None, [NOTHING])]


@draws(40)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["begin", "end", "run"])), max_size=14))
def test_a_figure_is_what_ran_while_its_step_was_the_only_one(deeds: list[tuple[bool, str]]) -> None:
    ran: dict[str, int] = {}
    alone: dict[str, bool] = {}
    opened: dict[bool, Step] = {}
    names: dict[bool, str] = {}

    def begin(side: bool) -> None:
        opened[side] = mark_step(names[side])

    with pytest.MonkeyPatch.context() as patch, spied_nvtx(patch) as nvtx, Other() as other:
        model = torch.nn.Linear(64, 64, bias=False)
        annotate_torch(model)
        here: dict[bool, Callable[[Callable[[], object]], object]] = {False: lambda do: do(), True: other.do}
        for at, (side, deed) in enumerate([*deeds, (False, "end"), (True, "end")]):
            if deed == "run":
                here[side](lambda: model(x()))
                for open_side in opened:
                    ran[names[open_side]] += 1
                    alone[names[open_side]] &= len(opened) == 1
            elif deed == "begin":
                names[side] = f"step {at}"
                ran[names[side]], alone[names[side]] = 0, True
                here[side](lambda side=side: begin(side))
            elif side in opened:
                here[side](opened.pop(side).end)
    for step in nvtx.steps:
        expected = ONE * ran[step.name] if ran[step.name] and alone[step.name] else None
        assert step.flops == expected
        assert bool(step.reasons) == (expected is None)


class Mixture(Module):
    """Sends each token to the expert that it is told, and notes how many each gets in each forward."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = torch.nn.ModuleList(torch.nn.Linear(64, 64, bias=False) for _ in range(3))
        self.sent: list[list[int]] = []

    def forward(self, x: Any, chosen: Any) -> Any:
        self.sent.append([int((chosen == at).sum()) for at in range(3)])
        out = torch.zeros_like(x)
        for at, expert in enumerate(self.experts):
            token = torch.where(chosen == at)[0]
            out = out.index_add(0, token, expert(x[token]))
        return out


@pytest.mark.parametrize("again", [False, True])
def test_experts_that_get_other_tokens_in_every_step(nvtx: SpiedNvtx, again: bool) -> None:
    model, draw, each = Mixture(), torch.Generator().manual_seed(0), 2 * 64 * 64
    annotate_torch(model)
    for _ in range(5):
        nvtx.clear()
        x, chosen = torch.rand(32, 64, requires_grad=True), torch.randint(3, (32,), generator=draw)
        with mark_step():
            run = (lambda *args: checkpoint(model, *args, use_reentrant=False)) if again else model
            run(x, chosen).sum().backward()
        sent = [each * tokens for tokens in model.sent[-1]]
        for at, flops in enumerate(sent):
            assert nvtx.flops(f"experts.{at}.forward") == [flops] * (1 + again)
            own = [of for of in nvtx.flops(f"experts.{at}.backward") if of is not None]
            assert sum(own) - 2 * flops in (0, again * sum(sent))  # what is computed again is in one of them
        assert nvtx.steps[-1].flops == (3 + again) * sum(sent)
    assert len(set(map(tuple, model.sent))) == 5
