"""Names that only count instances are one name; names of places and sizes stay."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from drawing.drawn import Drawn, Range
from flopprof.analysis.arithmetic.arrays import ints
from flopprof.analysis.attribution.counting_words import fold_counting
from flopprof.analysis.attribution.folding import fold_ranges, names_of_ranges
from flopprof.analysis.trace.trace import Trace


def draw_row(names: Sequence[str], length: int = 10) -> Trace:
    """Ranges of one thread, one after the other."""
    ranges = [Range(at * length, at * length + length - 1, name) for at, name in enumerate(names)]
    return Drawn(ranges=ranges).trace()


def names_of(trace: Trace) -> list[str]:
    return [trace.name(code) for code in ints(trace.ranges, "name").tolist()]


@pytest.mark.parametrize(
    ("message", "folded"),
    [
        ("training_step_17", "training_step_#"),
        ("iter 3/100", "iter #"),
        ("Step 3 of 100", "Step #"),
        ("ProfilerStep#12", "ProfilerStep##"),
        ("epoch 2 step 17", "epoch # step #"),
        (
            "aten::add, seq = 7, op_id = 5, sizes = [[2, 3]]",
            "aten::add, seq = #, op_id = #, sizes = [[2, 3]]",
        ),
        ("XlaModule:#hlo_module=jit_step,program_id=3#", "XlaModule:#hlo_module=jit_step,program_id=##"),
        ("training_step_0007", "training_step_#"),
        ("timestep 980", "timestep #"),
        ("step.17", "step.#"),
        ("step17_forward", "step#_forward"),
        ("step 1,200", "step #"),
        ("step 17 loss=0.5321 lr=1.5e-4", "step # loss=# lr=#"),
        ("request 0x7f3a90", "request #"),
        ("req-3fa9c1d2", "req-#"),
        ("request 3fa9c1d2-95d5-65ef-66e7-dff9f98764da", "request #"),
        ("job 217895432", "job #"),
        ("jit_train_step(9143818427463516345)", "jit_train_step(#)"),
        ("Tensor@0x7f3a90", "Tensor@0x7f3a90"),
        ("layer_12/attn", "layer_12/attn"),
        ("model.blocks.3.attn", "model.blocks.3.attn"),
        ("writer_3", "writer_3"),
        ("triton_poi_fused_add_4", "triton_poi_fused_add_4"),
        ("alloc 16777216", "alloc 16777216"),
        ("layer_3", "layer_3"),
        ("conv2d", "conv2d"),
        ("point n=1000", "point n=1000"),
        ("lr=0.5", "lr=0.5"),
        ("no number", "no number"),
    ],
)
def test_a_number_counts_by_the_word_before_it(message: str, folded: str):
    assert fold_counting(message) == folded


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        ([f"training_step_{n}" for n in range(3)], ["training_step_#"] * 3),
        ([f"batch_{n}" for n in (4, 5, 6)], ["batch_#"] * 3),
        ([f"batch_{n}" for n in (32, 64, 128)], None),  # sizes
        ([f"chew {n}" for n in range(5)], ["chew #"] * 5),
        ([f"chew {n:03d}" for n in range(98, 103)], ["chew #"] * 5),
        ([f"denoise {n}" for n in range(9, 4, -1)], ["denoise #"] * 5),
        ([f"[{n}] forward" for n in range(40, 45)], ["[#] forward"] * 5),
        ([f"train[{n}]" for n in range(5)], ["train[#]"] * 5),
        ([f"batch_idx={n}" for n in range(2)], ["batch_idx=#"] * 2),
        ([f"epoch {n // 3} batch {n % 3}" for n in range(6)], ["epoch # batch #"] * 6),
        ([f"work {n:012x}" for n in (901 << 32, 77 << 33, 5 << 35, 11 << 34, 3 << 36)], ["work #"] * 5),
        ([f"work 0x{n:x}" for n in (9, 2, 11, 4)], None),  # too few to tell
        ([f"tensor 0x{n:x}" for n in (9, 2, 11, 4, 7)] * 2, None),  # each comes back
        ([f"layer 0x{n:x}" for n in (9, 2, 11, 4, 7)], None),  # which layer
        ([f"batch={n}" for n in range(1, 9)], None),  # sizes
        ([f"work {n}" for n in range(1000, 6000, 1000)], None),  # sizes
        ([f"chew {n}" for n in (4, 1, 0, 3, 2)], None),  # not in the order of time
        ([f"chew {n}" for n in range(4)], None),  # too few to tell
        ([f"conv{n}" for n in range(8)], None),
        ([f"layer_{n}" for n in range(12)], None),
        ([f"matmul n={n}" for n in range(1, 9)], None),
        (["step 1"], None),  # nothing to join
        (["step:0123456789abcdef", "step:1123456789abcdef"], None),  # flopprof's own
    ],
)
def test_siblings_fold_where_their_numbers_count(names: list[str], folded: list[str] | None):
    assert names_of(fold_ranges(draw_row(names)).trace) == (folded or names)


def test_a_number_that_comes_back_in_every_step_is_a_place():
    ranges: list[Range] = []
    for step in range(3):
        ranges.append(Range(step * 100, step * 100 + 99, f"step {step}"))
        ranges += [
            Range(step * 100 + part * 10, step * 100 + part * 10 + 9, f"thing {part}") for part in range(6)
        ]
    names = names_of(fold_ranges(Drawn(ranges=ranges).trace()).trace)
    assert names == ["step #", *(f"thing {part}" for part in range(6))] * 3


def test_full_names_are_kept_beside_the_folded_ones():
    folded = fold_ranges(draw_row(["step 7", "step 8"]))
    assert [folded.trace.name(code) for code in names_of_ranges(folded.trace)[-1].tolist()] == [
        "step 7",
        "step 8",
    ]
    assert folded.examples == {"step #": ("step 7", "step 8")}


def test_what_one_side_folds_the_other_folds_too():
    many, two = draw_row([f"chew {n}" for n in range(9)]), draw_row(["chew 3", "chew 4"])
    folds = fold_ranges(many).folds
    assert (set(names_of(fold_ranges(many).trace)), names_of(fold_ranges(two, folds).trace)) == (
        {"chew #"},
        ["chew #", "chew #"],
    )
    one, two = draw_row(["step 3"]), draw_row(["step 3", "step 4"])
    folds = fold_ranges(two).folds
    assert (names_of(fold_ranges(one, folds).trace), names_of(fold_ranges(two).trace)) == (
        ["step #"],
        ["step #", "step #"],
    )


def test_a_side_without_numbers_folds_nothing_of_the_others():
    folds = fold_ranges(draw_row([f"chew {n}" for n in range(9)])).folds
    assert names_of(fold_ranges(draw_row(["chew", "bite"]), folds).trace) == ["chew", "bite"]
