from __future__ import annotations

import pytest
from drawing.scenario_steps import make_step
from flopprof.scenarios.operations.ops import (
    DeviceToHost,
    Function,
    HostToDevice,
    Matmul,
    Matvec,
    Op,
    Outer,
    Sum,
)
from flopprof.scenarios.operations.shapes import ShapeMisfitError, chain_shapes
from flopprof.scenarios.plan.work import CallWork, OpWork, Work, needed_bytes, step_labels, step_work
from hypothesis import given
from hypothesis import strategies as st

small = st.integers(1, 6)
Matrix = list[list["Counted"]]


class Counter:
    """What a calculation by the definition did: arithmetic, and the elements it read and wrote once."""

    def __init__(self) -> None:
        self.flops = 0
        self.read: set[int] = set()
        self.written: set[int] = set()

    def matrix(self, rows: int, columns: int) -> Matrix:
        return [[Counted(self) for _ in range(columns)] for _ in range(rows)]

    def keep(self, result: Matrix) -> Matrix:
        self.written |= {id(element) for row in result for element in row}
        return result

    def work(self, itemsize: int) -> Work:
        return Work(flops=self.flops, bytes=itemsize * (len(self.read) + len(self.written)))


class Counted:
    """A number that counts what is done with it."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter

    def __add__(self, other: Counted) -> Counted:
        return self._combine(other)

    def __mul__(self, other: Counted) -> Counted:
        return self._combine(other)

    def _combine(self, other: Counted) -> Counted:
        self.counter.flops += 1
        return Counted(self.counter)

    def load(self) -> Counted:
        self.counter.read.add(id(self))
        return self


def add_up(terms: list[Counted]) -> Counted:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def multiply(a: Matrix, b: Matrix) -> Matrix:
    """The product by its definition; every element of a and b is loaded."""
    columns = list(zip(*b, strict=True))
    return [
        [add_up([x.load() * y.load() for x, y in zip(row, c, strict=True)]) for c in columns] for row in a
    ]


def total(a: Matrix, axis: int) -> Matrix:
    lines = [list(column) for column in zip(*a, strict=True)] if axis == 0 else a
    return [[add_up([element.load() for element in line]) for line in lines]]


def counted(op: Op, m: int, n: int, k: int, itemsize: int) -> Work:
    counter = Counter()
    match op:
        case Matvec():
            counter.keep(multiply(counter.matrix(m, n), counter.matrix(n, 1)))
        case Outer():
            counter.keep(multiply(counter.matrix(m, 1), counter.matrix(1, n)))
        case Matmul():
            counter.keep(multiply(counter.matrix(m, k), counter.matrix(k, n)))
        case Sum(axis=axis):
            (result,) = total(counter.matrix(m, n), axis)
            return Work(flops=counter.flops, bytes=itemsize * (len(counter.read) + len(result)))
        case _:
            raise AssertionError(op)
    return counter.work(itemsize)


@given(
    op=st.sampled_from([Matvec(), Outer(), Outer(via="multiply"), Matmul(), Sum(axis=0), Sum(axis=1)]),
    m=small,
    n=small,
    k=small,
    dtype=st.sampled_from([("float16", 2), ("bfloat16", 2), ("float32", 4), ("float64", 8)]),
)
def test_formulas_equal_counting_every_operation(op: Op, m: int, n: int, k: int, dtype: tuple[str, int]):
    step = make_step(op, dtype=dtype[0], m=m, n=n, k=k)
    assert step_work(step).total == counted(op, m, n, k, dtype[1])


@given(n=st.integers(1, 10**9))
def test_matvec_and_outer_sum_have_equal_flops(n: int):
    matvec = step_work(make_step(Matvec(), n=n)).total.flops
    for axis in (0, 1):
        outer_sum = step_work(make_step(Outer(), Sum(axis=axis), n=n)).total.flops
        assert matvec == outer_sum == 2 * n**2 - n


def test_outer_sum_moves_twice_the_bytes_of_matvec():
    matvec = step_work(make_step(Matvec(), n=20_000)).total.bytes
    outer_sum = step_work(make_step(Outer(), Sum(axis=0), n=20_000)).total.bytes
    assert (matvec, outer_sum) == (1_600_160_000, 3_200_240_000)


def test_work_adds_up():
    one, other = Work(flops=1, bytes=2, link_bytes=3), Work(flops=10, bytes=20, link_bytes=30)
    assert one + other == Work(flops=11, bytes=22, link_bytes=33)


def op_work(
    label: str, flops: int, elements: int, result: int, link: int = 0, dtype="float32", itemsize=4
) -> OpWork:
    return OpWork(
        label=label,
        flops=flops,
        bytes=elements * itemsize,
        link_bytes=link * itemsize,
        unit="fma",
        dtype=dtype,
        itemsize=itemsize,
        result_bytes=result * itemsize,
    )


def test_a_step_has_one_call_for_each_op():
    work = step_work(make_step(Outer(), Sum(axis=1), m=3, n=5))
    outer, total = op_work("outer", 15, 3 + 5 + 15, 15), op_work("sum", 15 - 3, 15 + 3, 3)
    assert work.calls == (CallWork(label="outer", ops=(outer,)), CallWork(label="sum", ops=(total,)))
    assert work.working_set_bytes == 4 * (3 + 5 + 15 + 3)


def test_a_fused_step_keeps_flops_and_moves_inputs_and_result():
    work = step_work(make_step(Outer(), Sum(axis=0), mode="fused", m=3, n=5))
    fused = op_work("outer+sum", 15 + 15 - 5, 3 + 5 + 5, 5)
    assert work.calls == (CallWork(label="outer+sum", ops=(fused,)),)
    assert work.working_set_bytes == fused.bytes


def test_a_graph_replays_all_ops_under_one_call():
    eager = step_work(make_step(Outer(), Sum(axis=0), n=4))
    graph = step_work(make_step(Outer(), Sum(axis=0), backend="torch", device="cuda", mode="graph", n=4))
    assert graph.calls == (CallWork(label="replay", ops=eager.ops),)
    assert graph.total == eager.total


@pytest.mark.parametrize("copy", [HostToDevice(), DeviceToHost(memory="pinned")])
def test_copies_cross_the_link_and_are_not_memory_traffic(copy: Op):
    (op,) = step_work(make_step(copy, backend="torch", device="cuda", dtype="float64", m=3, n=5)).ops
    assert op == op_work(copy.kind, 0, 0, 15, link=15, dtype="float64", itemsize=8)


@pytest.mark.parametrize(
    ("dtype", "unit"),
    [("float16", "tensor"), ("bfloat16", "tensor"), ("float32", "fma"), ("float64", "tensor")],
)
def test_only_matrix_products_may_use_tensor_units(dtype: str, unit: str):
    chain = make_step(Matmul(), Matvec(), backend="torch", dtype=dtype, n=4)
    assert [op.unit for op in step_work(chain).ops] == [unit, "fma"]


def test_a_function_brings_its_own_counts():
    op = Function(function="m.n:f", inputs=(("a", (4, 4)),), flops=100, bytes=7)
    (work,) = step_work(make_step(op, n=4)).ops
    assert (work.label, work.flops, work.bytes) == ("f", 100, 7)


@pytest.mark.parametrize(
    ("mode", "labels"), [("eager", ("outer", "sum")), ("fused", ("outer+sum",)), ("graph", ("replay",))]
)
def test_labels_are_those_of_the_calls(mode: str, labels: tuple[str, ...]):
    step = make_step(Outer(), Sum(axis=0), backend="torch", device="cuda", mode=mode, n=4)
    assert step_labels(step) == labels
    assert tuple(call.label for call in step_work(step).calls) == labels


@pytest.mark.parametrize(
    ("ops", "elements"),
    [
        ((Matvec(),), 15 + 5 + 3),
        ((Outer(), Sum(axis=0)), 3 + 5 + 15 + 5),
        ((HostToDevice(),), 15),
        ((DeviceToHost(),), 15),
        ((HostToDevice(), Matvec()), 15 + 5 + 3),
    ],
)
def test_needed_bytes_counts_what_lies_on_the_device(ops: tuple[Op, ...], elements: int):
    assert needed_bytes(make_step(*ops, backend="torch", device="cuda", m=3, n=5)) == 4 * elements


@pytest.mark.parametrize(
    ("ops", "elements"),
    [
        ((Outer(), Sum(axis=0)), 3 + 5 + 5),
        ((Outer(),), 3 + 5 + 15),
        ((Matmul(), Sum(axis=1)), 3 * 5 + 5 * 5 + 15 + 3),
        ((Outer(), Matmul()), 3 + 5 + 15 + 5 * 5 + 15),
    ],
    ids=["never stored", "the result", "a library's product", "what a library reads"],
)
def test_a_fused_step_needs_no_room_for_an_outer_product_that_is_never_stored(
    ops: tuple[Op, ...], elements: int
):
    step = make_step(*ops, backend="torch", device="cuda", mode="fused", m=3, n=5, k=5)
    assert needed_bytes(step) == 4 * elements


def test_a_chain_hands_shapes_on():
    chain = chain_shapes((Matmul(), Outer()), {"m": 3, "n": 1, "k": 7})
    assert [(shapes.operands, shapes.output, shapes.own) for shapes in chain] == [
        (((3, 7), (7, 1)), (3, 1), ((3, 7), (7, 1))),
        (((3, 1), (1, 1)), (3, 1), ((1, 1),)),
    ]


def test_a_chain_that_does_not_fit_names_both_ops():
    with pytest.raises(ShapeMisfitError, match=r"^matvec takes 3×5, but sum gives 5 elements$") as caught:
        chain_shapes((Outer(), Sum(axis=0), Matvec()), {"m": 3, "n": 5})
    assert caught.value.index == 2
