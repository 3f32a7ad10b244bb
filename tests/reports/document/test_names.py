"""Names from outside are folded to what tells them apart and cannot steer a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from drawing.report_samples import CUB, GEMM, GEMV, REDUCE, SCRIPT
from flopprof.reports.document.names import clean, fold_kernel_name, fold_names, shorten, shorten_apart
from hypothesis import given
from hypothesis import strategies as st

SQRT = (
    "void at::native::vectorized_elementwise_kernel<(int)4, at::native::sqrt_kernel_cuda(at::TensorIteratorBase &)::"
    "[lambda() (instance 2)]::operator ()() const::[lambda() (instance 2)]::operator ()() const::[lambda(float) "
    "(instance 1)], std::array<char *, (unsigned long)2>>(int, T2, T3)"
)


@pytest.mark.parametrize(
    ("name", "width", "folded"),
    [
        ("cupy_sum", 60, "cupy_sum"),
        (REDUCE, 60, "at::native::reduce_kernel<128, 4, ReduceOp<…>>"),
        (REDUCE, 30, "reduce_kernel<128, 4, …>"),
        (CUB, 48, "cub::…::DeviceFixedSizeSegmentedReduceKernel"),
        (CUB, 40, "DeviceFixedSizeSegmentedReduceKernel"),
        (GEMM, 60, "cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_tn_align1>"),
        (GEMV, 34, "gemv2T_kernel_val<int, int, …>"),
        (
            "std::enable_if<!T7, void>::type internal::gemvx::kernel<int, (bool)0>(T13)",
            60,
            "internal::gemvx::kernel<int, 0>",
        ),
        ("void (anonymous namespace)::fill<float>(float*, int)", 60, "fill<float>"),
        ("void at::native::<unnamed>::fill<(int)4>(T1)", 60, "at::native::fill<4>"),
        (SQRT, 60, "at::…::vectorized_elementwise_kernel<4, sqrt_kernel_cuda, …>"),
        (SQRT, 52, "vectorized_ele…ntwise_kernel<4, sqrt_kernel_cuda, …>"),
        (SQRT, 40, "vectoriz…_kernel<4, sqrt_kernel_cuda, …>"),
        (SQRT, 26, "vectori…<sqrt_kernel_cuda>"),
        (SQRT, 21, "vectorized_e…e_kernel"),
        (SCRIPT, 60, SCRIPT),
        ("", 60, ""),
        (">>)(", 60, ">>)("),
    ],
)
def test_a_name_folds_to_its_function_and_plain_template_arguments(name: str, width: int, folded: str):
    assert fold_kernel_name(name, width) == folded


def test_the_two_launch_shapes_of_one_template_stay_different():
    other = REDUCE.replace("(int)128, (int)4", "(int)512, (int)1", 1)
    assert fold_kernel_name(REDUCE, 30) != fold_kernel_name(other, 30)


def test_different_kernels_never_look_the_same():
    names = [GEMV, GEMV.replace("T13", "T14"), GEMV.replace("T13", "T15"), GEMV]
    folded = fold_names(names, 34)
    assert list(folded.values()) == [
        "gemv2T_kernel_val<int, int, …>",
        "gemv2T_kernel_val<int, int, …> #2",
        "gemv2T_kernel_val<int, int, …> #3",
    ]


def test_a_cut_keeps_both_ends():
    assert shorten("sm80_xmma_gemm_f32f32_nn_cublas", 20) == "sm80_xmma_g…n_cublas"
    assert [shorten("abcdef", width) for width in (1, 2, 3, 6)] == ["…", "a…", "a…f", "abcdef"]


def test_what_a_reader_cannot_see_is_spelled_out():
    assert clean("a\x1b[2Jb\x9bc\x00\u202ed\u200b\ud800") == r"a\x1b[2Jb\x9bc\x00\u202ed\u200b\ud800"
    assert clean("a\nb\tc") == "a b c"
    assert clean("größer ×2 µs 漢字") == "größer ×2 µs 漢字"


@given(st.text(), st.integers(min_value=8, max_value=100))
def test_folding_any_text_gives_one_visible_line_that_fits(name: str, width: int):
    folded = fold_kernel_name(name, width)
    assert len(folded) <= width
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in folded)


@given(st.text(alphabet="ab<>(),: *[]{}", max_size=60), st.integers(min_value=8, max_value=60))
def test_folding_anything_bracketed_fits_and_is_not_lost(name: str, width: int):
    folded = fold_kernel_name(name, width)
    assert len(folded) <= width
    assert bool(folded.strip()) or not name.strip(" <>(),:*[]{}")


@given(st.lists(st.text(min_size=1, max_size=40), max_size=12, unique=True))
def test_folded_names_are_as_many_as_the_names(names: list[str]):
    folded = fold_names(names, 12)
    assert set(folded) == set(names)
    assert len(set(folded.values())) == len(names)


@pytest.mark.parametrize("width", range(1, 26))
def test_names_cut_apart_fit_and_no_two_become_alike_that_need_not(width: int):
    names = [*(f"point n={n}000 / matvec" for n in (1, 4, 8)), "point n=8000 / sum", "x", ""]
    short = shorten_apart([*names, *names], width)
    assert list(short) == names
    assert max(map(len, short.values())) <= max(width, 1)
    assert [short[name] for name in names if len(name) <= width] == [n for n in names if len(n) <= width]
    if width >= len("…n=1000…"):
        assert len(set(short.values())) == len(names)
