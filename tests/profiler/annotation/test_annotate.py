"""Annotations: what they tell NVTX, what they leave alone, and how the analysis reads them back."""

from __future__ import annotations

import atexit
import functools
import math
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from drawing.nsys_file import NVTX, Export, global_tid
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.profiler import annotate, mark_step
from flopprof.profiler.annotation import nvtx_calls, ranges, steps
from hypothesis import given
from hypothesis import strategies as st


class Spy:
    """NVTX that remembers: (what, name, number) in order, by thread."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.colors: dict[str, int | str | None] = {}

    class Attributes:
        def __init__(self, name: str, payload: int | None, color: int | str | None) -> None:
            self.name, self.payload, self.color = name, payload, color

    attributes = Attributes

    def _note(self, what: str) -> Callable[[Any], str]:
        def note(attributes: Any) -> str:
            self.calls.append((what, attributes.name, attributes.payload))
            self.colors[attributes.name] = attributes.color
            return attributes.name

        return note

    def __getattr__(self, what: str) -> Callable[[Any], str]:
        return self._note(what)

    def pop(self) -> None:
        self.calls.append(("pop",))

    def end(self, started: Any) -> None:
        self.calls.append(("end", started))


@pytest.fixture
def nvtx(monkeypatch: pytest.MonkeyPatch) -> Spy:
    found = Spy()
    for module in (ranges, steps):
        monkeypatch.setattr(module, "nvtx", lambda: found)
    return found


@pytest.fixture
def spy(nvtx: Spy) -> list[tuple[Any, ...]]:
    return nvtx.calls


def test_bytes_follow_the_push_at_once(spy: list[tuple[Any, ...]]) -> None:
    with annotate("attention", flops=4e9, bytes=200), annotate("inner"):
        pass
    assert spy == [
        ("push", "attention", 4_000_000_000),
        ("mark", "bytes", 200),
        ("push", "inner", None),
        ("pop",),
        ("pop",),
    ]


def test_amounts_may_depend_on_the_arguments(spy: list[tuple[Any, ...]]) -> None:
    @annotate("f", flops=lambda n, k=1: n * k, bytes=lambda n, k=1: None if n == 2 else 4 * n)
    def double(n: int, k: int = 1) -> int:
        """Doubles."""
        return 2 * n

    assert (double(3), double(2, k=5), double.__name__, double.__doc__) == (6, 4, "double", "Doubles.")
    assert spy == [
        *(("push", "f", 3), ("mark", "bytes", 12), ("pop",)),
        *(("push", "f", 10), ("pop",)),
    ]


def test_a_function_lends_its_name(spy: list[tuple[Any, ...]]) -> None:
    @annotate(flops=5)
    def work() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        work()
    assert spy == [("push", work.__qualname__, 5), ("pop",)]


def test_a_function_is_marked_without_parentheses(spy: list[tuple[Any, ...]]) -> None:
    @annotate
    def double(n: int) -> int:
        """Doubles."""
        return 2 * n

    triple = annotate(lambda n: 3 * n, flops=lambda n: n)
    assert (double(3), double.__name__, double.__doc__, triple(4)) == (6, "double", "Doubles.", 12)
    name = "test_a_function_is_marked_without_parentheses.<locals>."
    assert spy == [
        *(("push", f"{name}double", None), ("pop",)),
        *(("push", f"{name}<lambda>", 4), ("pop",)),
    ]


class Model:
    """One with every kind of method, each marked in every way."""

    @annotate
    def bare(self, n: int) -> int:
        return n

    @annotate
    @staticmethod
    def bare_static(n: int) -> int:
        return n

    @annotate("cls", flops=lambda cls, n: n)
    @classmethod
    def named_class(cls, n: int) -> tuple[type, int]:
        return cls, n

    @staticmethod
    @annotate(flops=2)
    def below(n: int) -> int:
        return n


@pytest.mark.parametrize("part", [Model, Model()], ids=["of the class", "of an object"])
def test_methods_stay_what_they_are(part: Any) -> None:
    bare = part.bare(part, 1) if isinstance(part, type) else part.bare(1)
    assert (bare, part.bare_static(2), part.below(4)) == (1, 2, 4)
    assert part.named_class(3) == (Model, 3)


@pytest.mark.parametrize("color", ["green", 0xFF00FF00])
def test_a_color_is_passed_on_to_the_range_and_not_to_its_mark(nvtx: Spy, color: int | str) -> None:
    with annotate("fixed", bytes=1, color=color), mark_step(color=color):
        annotate("varying", flops=lambda: 7, color=color)(lambda: None)()
        annotate("unknown", flops=lambda: None, color=color)(lambda: None)()
    assert nvtx.colors == {
        **dict.fromkeys(("fixed", "step", "varying", "unknown"), color),
        "bytes": None,
    }


class Doubler:
    """A callable object: it has no name of its own."""

    __slots__ = ()

    def __call__(self, x: int) -> int:
        return 2 * x


class Later:
    """One whose calls pause."""

    async def __call__(self) -> None:
        pass


def test_what_has_no_name_lends_that_of_what_it_is_made_of(spy: list[tuple[Any, ...]]) -> None:
    assert annotate(flops=5)(functools.partial(max, 4))(3) == 4
    assert annotate(flops=5)(functools.partial(Doubler(), 4))() == 8
    assert annotate(flops=lambda x: x)(Doubler())(5) == 10
    with pytest.raises(TypeError, match=r"^Later pauses, and its range would cross others"):
        annotate(flops=5)(Later())
    pushed = [call[1:] for call in spy if call[0] == "push"]
    assert pushed == [("max", 5), ("Doubler", 5), ("Doubler", 5)]


def test_a_step_ends_the_one_before(spy: list[tuple[Any, ...]]) -> None:
    mark_step(flops=1)
    mark_step(bytes=2)
    with mark_step("epoch"):
        pass
    mark_step().end()
    assert spy == [
        *(("start", "step", 1), ("end", "step")),
        *(("start", "step", None), ("mark", "bytes", 2), ("end", "step")),
        *(("start", "epoch", None), ("end", "epoch")),
        *(("start", "step", None), ("end", "step")),
    ]


def test_steps_that_end_leave_nothing_for_the_end_of_the_program(spy: list[tuple[Any, ...]]) -> None:
    mark_step().end()
    before = atexit._ncallbacks()
    for _ in range(3):
        with mark_step():
            pass
    assert (atexit._ncallbacks(), len(spy)) == (before, 8)


def test_threads_have_steps_of_their_own(spy: list[tuple[Any, ...]]) -> None:
    with mark_step("mine"):
        thread = threading.Thread(target=lambda: mark_step("other").end())
        thread.start()
        thread.join()
    assert spy == [("start", "mine", None), ("start", "other", None), ("end", "other"), ("end", "mine")]


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda: annotate("x", flops=-1), ValueError, "'x': flops must lie in 0 … 2**63 - 1, got -1"),
        (lambda: annotate("x", bytes=2**63), ValueError, "'x': bytes must lie in 0 … 2**63 - 1"),
        (lambda: annotate("x", bytes=math.inf), ValueError, "'x': bytes must be finite, got inf"),
        (lambda: annotate("x", flops=math.nan), ValueError, "'x': flops must be finite, got nan"),
        (lambda: annotate(cast(str, 3)), TypeError, "annotate needs a name or a function, got 3"),
        (lambda: annotate()(cast(Any, property())), TypeError, "needs a name or a function, got <property"),
        (lambda: mark_step(cast(str, 3)), TypeError, "a range's name is a text, got 3"),
        (lambda: annotate("x", color="greenish"), ValueError, "'x': there is no colour 'greenish'; give one"),
        (lambda: annotate("x", color=1 << 32), ValueError, "'x': a colour is 0xAARRGGBB, at most 0xffffffff"),
        (lambda: mark_step(color=-1), ValueError, "'step': a colour is 0xAARRGGBB"),
        (lambda: annotate("x", flops=lambda: 1).__enter__(), TypeError, "'x': a function of arguments needs"),
        (lambda: annotate().__enter__(), TypeError, "as a context manager needs a name"),
    ],
)
def test_misuse_is_told(wrong: Callable[[], object], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        wrong()
    assert words in str(caught.value)


def test_a_color_of_nvtx_is_recorded_as_its_number() -> None:
    calls = nvtx_calls.Recorded()
    attributes: Any = calls.attributes("x", 5, "green")
    assert (attributes.color, attributes.payload, attributes.message.string) == ("green", 5, "x")


def test_functions_that_pause_are_refused() -> None:
    async def later() -> None: ...

    def some() -> Iterator[int]:
        yield 1

    async def some_later() -> AsyncIterator[int]:
        yield 1

    for function in (later, some, some_later):
        with pytest.raises(TypeError, match="pauses, and its range would cross others"):
            annotate("x")(function)
        with pytest.raises(TypeError, match="pauses, and its range would cross others"):
            annotate(function)


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=True,
    )
    return done.stdout


LISTS_MODULES = "print(sorted({m.partition('.')[0] for m in __import__('sys').modules} & {%s}))"


def test_annotating_imports_nothing_heavy() -> None:
    heavy = LISTS_MODULES % "'numpy', 'pandas', 'matplotlib', 'torch', 'typer', 'pydantic', 'scipy'"
    code = "from flopprof.profiler import annotate, mark_step\nwith annotate('x', flops=1, bytes=2): mark_step()\n"
    assert run(code + heavy) == run("import nvtx\n" + heavy)  # newer ones load numpy themselves


def test_switched_off_it_calls_nothing() -> None:
    code = (
        "from flopprof.profiler import annotate, mark_step\n"
        "f = annotate(flops=lambda n: n, bytes=3)(lambda n: n + 1)\n"
        "with annotate('x', flops=1, bytes=2): mark_step(bytes=1).end(); print(f(1))\n"
    )
    assert run(code + LISTS_MODULES % "'nvtx'", NVTX_DISABLE="1") == "2\n[]\n"


def export(
    rows: Sequence[tuple[str, int, int, int | None, int]], marks: list[tuple[int, int, int]]
) -> Export:
    """rows: name, start, end, FLOPs, thread; marks: time, bytes, thread."""
    made = Export()
    domain = {"domainId": 1, "textId": None, "int64Value": None, "end": None, "text": None}
    for thread in (1, 2):
        made.add(
            NVTX,
            **{
                **domain,
                "start": -1,
                "eventType": 75,
                "text": "flopprof",
                "globalTid": global_tid(0, thread),
            },
        )
    for name, start, end, flops, thread in rows:
        event = {
            "start": start,
            "end": end,
            "eventType": 59,
            "text": name,
            "globalTid": global_tid(0, thread),
        }
        made.add(NVTX, **{**domain, **event, "int64Value": flops})
    for time, amount, thread in marks:
        event = {"start": time, "eventType": 34, "text": "bytes", "globalTid": global_tid(0, thread)}
        made.add(NVTX, **{**domain, **event, "int64Value": amount})
    return made


def declared(
    made: Export, folder: Path
) -> dict[tuple[tuple[str, ...], int | None], tuple[int | None, int | None]]:
    rows = analyze_file(made.write(folder / "t.sqlite")).ranges
    return {(row.path, row.tid): (row.flops, row.bytes) for row in rows}


def test_bytes_belong_to_the_innermost_range_of_their_thread(tmp_path: Path) -> None:
    rows = [("out", 0, 100, 7, 1), ("in", 10, 20, 3, 1), ("in", 30, 40, 3, 1), ("other", 5, 35, None, 2)]
    marks = [(1, 1000, 1), (11, 10, 1), (31, 20, 1), (12, 5, 2), (200, 9, 1)]
    assert declared(export(rows, marks), tmp_path) == {
        (("out",), 1): (7, 1000),
        (("out", "in"), 1): (6, 30),
        (("other",), 2): (None, 5),
    }


def test_a_path_with_one_undeclared_instance_is_not_counted(tmp_path: Path) -> None:
    rows = [("a", 0, 10, 5, 1), ("a", 20, 30, None, 1), ("b", 40, 50, 0, 1)]
    marks = [(1, 1, 1)]
    assert declared(export(rows, marks), tmp_path) == {(("a",), 1): (None, None), (("b",), 1): (0, None)}


def test_numbers_of_reps_are_no_flops(tmp_path: Path) -> None:
    rows = [
        ("step:k", 0, 90, None, 1),
        ("measure", 1, 80, None, 1),
        ("rep", 2, 9, 0, 1),
        ("rep", 10, 19, 1, 1),
    ]
    found = declared(export([*rows, ("rep", 95, 99, 6, 1)], []), tmp_path)
    assert found[("step:k", "measure", "rep"), 1] == (None, None)
    assert found[("rep",), 1] == (6, None)


@given(amounts=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20))
def test_sums_are_exact_beyond_64_bits(amounts: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = [("a", 10 * i, 10 * i + 5, flops, 1) for i, flops in enumerate(amounts)]
    marks = [(10 * i + 1, amount, 1) for i, amount in enumerate(amounts)]
    found = declared(export(rows, marks), tmp_path_factory.mktemp("sums"))
    assert found == {(("a",), 1): (sum(amounts), sum(amounts))}
