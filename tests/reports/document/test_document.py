"""What a run's report says: sentences computed from numbers, lost data first, nothing misleading."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from drawing.report_samples import (
    ALL,
    axes_run,
    copying_run,
    cpu_run,
    embedded_run,
    failed_run,
    gpu_run,
    lossy_run,
    single_run,
    uncontrolled_run,
)
from flopprof.analysis.runs.results import RunResult
from flopprof.analysis.words import LAYERS
from flopprof.reports.contest.sweep import read_sweep
from flopprof.reports.document.document import Document, Name, Table
from flopprof.reports.run.compose import compose


def table(document: Document, name: str) -> Table:
    return next(t for section in document.sections for t in section.tables if t.name == name)


def column(found: Table, key: str) -> list[object]:
    at = [column.key for column in found.columns].index(key)
    return [row.cells[at] for row in found.rows]


def test_the_first_line_names_the_recorder():
    assert compose(gpu_run()).recorder == "Recorder: nsys (Nsight Systems 2025.3.2)."


def test_with_the_embedded_recorder_the_first_line_says_what_it_cannot_see():
    assert compose(embedded_run()).recorder == (
        "Recorder: embedded; GPU activity (kernels, copies, idle time) needs Nsight Systems (nsys). "
        "nsys was not found on PATH"
    )


def test_what_the_embedded_recorder_cannot_see_is_said_once():
    bare = embedded_run()
    note = "asked for; GPU activity is not recorded, that needs Nsight Systems (make nsys)"
    run = bare.run.model_copy(update={"recorder_note": note})
    assert compose(replace(bare, run=run)).recorder == f"Recorder: embedded: {note}."


def test_with_torch_profiler_the_first_line_says_what_recorded_the_gpu():
    bare = embedded_run()
    machine = bare.machine.model_copy(update={"versions": {"torch": "2.11.0"}})
    run = bare.run.model_copy(update={"device_recorder": "torch.profiler"})
    assert compose(replace(bare, run=run, machine=machine)).recorder == (
        "Recorder: embedded; GPU activity by torch.profiler (torch 2.11.0). nsys was not found on PATH"
    )


def test_the_command_to_repeat_it_can_be_pasted_into_a_shell():
    command = ["flopprof", "run", "my s.yaml", "--set=n={from: 8, to: 16, step: 8}"]
    result = gpu_run()
    result = replace(result, run=result.run.model_copy(update={"command": command}))
    assert shlex.split(dict(compose(result).facts)["repeat with"]) == command


def test_the_first_verdicts_hold_equal_flops_against_time():
    assert compose(gpu_run()).verdicts[:3] == (
        "cupy cuda float32 n=20000: outer_sum takes 4.85× the time of matvec at equal FLOPs "
        "(1947 µs against 401 µs; medians 4.85×, 95 % interval 4.85× to 4.86×); "
        "4.85× = 2.45× by bandwidth (1648 GB/s against 4040 GB/s) × 2.00× by least bytes (3.20 GB against 1.60 GB) "
        "× 0.990× by the rest.",
        "torch cuda float32 n=20000: outer_sum takes 2.34× the time of matvec at equal FLOPs "
        "(967 µs against 412 µs; medians 2.34×, 95 % interval 2.34× to 2.35×); "
        "2.34× = 2.00× by least bytes (3.20 GB against 1.60 GB) × 1.18× by bandwidth (3326 GB/s against 3927 GB/s) "
        "× 0.993× by the rest.",
        "torch cpu float32 n=20000: outer_sum takes 9.27× the time of matvec at equal FLOPs "
        "(165 ms against 17.8 ms; medians 9.27×, 95 % interval 9.25× to 9.29×); "
        "9.27× = 4.63× by bandwidth (19.4 GB/s against 89.9 GB/s) × 2.00× by least bytes (3.20 GB against 1.60 GB).",
    )


def test_one_variant_is_held_against_its_own_first_axis():
    assert compose(axes_run()).verdicts == (
        "cupy cuda float32 n=20000: axis=1 is 1.47× faster than axis=0 at equal FLOPs "
        "(1326 µs against 1947 µs; medians 0.681×, 95 % interval 0.680× to 0.681×); "
        "all of it by bandwidth (2423 GB/s against 1648 GB/s).",
    )


def test_unequal_flops_are_not_called_equal():
    whole = gpu_run()
    steps = tuple(
        replace(s, costs=replace(s.costs, flops=(s.costs.flops or 0) * 3)) if s.variant == "outer_sum" else s
        for s in whole.steps
    )
    assert "4.85× the time of matvec at 3.00× its FLOPs (" in compose(replace(whole, steps=steps)).verdicts[0]


def test_unknown_flops_are_not_called_equal():
    whole = gpu_run()
    steps = tuple(replace(s, costs=replace(s.costs, flops=None, bytes=None)) for s in whole.steps)
    sentence = compose(replace(whole, steps=steps)).verdicts[0]
    assert "the time of matvec with FLOPs unknown (1947 µs against" in sentence
    assert "; bytes unknown, 4.85× = 2.45× by share of the roof (38.3 % against 93.9 %) × " in sentence


def test_a_failed_side_is_named_instead_of_a_ratio():
    document = compose(failed_run())
    assert document.verdicts[0] == (
        "cupy cuda float32 n=20000: no ratio for outer_sum, outer_sum failed: needs 130 GB, 120 GB are free."
    )
    assert document.summary.endswith("30 steps: 28 measured, 2 failed, 1 skipped.")
    assert (document.warnings[0].severity, document.warnings[0].text) == (
        "error",
        "2 of 30 steps failed; reasons under “Not measured”",
    )
    assert [row.cells for row in table(document, "missing").rows] == [
        ("outer_sum cupy cuda float32 n=20000", "failed", "needs 130 GB, 120 GB are free"),
        ("matvec torch cuda float32 n=1000", "failed", "the worker died of signal 11"),
        ("numpy cuda", "skipped", "numpy has no device cuda"),
    ]


def test_without_a_control_pass_times_are_called_traced():
    document = compose(uncontrolled_run())
    assert "both traced" in document.verdicts[0]
    headings = [column.heading for column in table(document, "steps").columns]
    assert "traced" in headings
    assert "untraced" not in headings


def test_lost_data_is_said_first():
    assert [(warning.severity, warning.text) for warning in compose(lossy_run()).warnings] == [
        (
            "error",
            "Nsight Systems dropped events, 1234 in all [dropped_events]. It affects kernels and windows.",
        ),
        ("warning", "Ranges end with the session, 2 in all [clipped_ranges]."),
        ("info", "Set-up of tracing took 0.3 s [profiler_overhead]."),
    ]


def test_the_ratio_column_is_the_time_over_the_reference_at_the_same_point():
    times = table(compose(gpu_run()), "steps")
    assert column(times, "param_n")[:4] == [1000, 1000, 4000, 4000]
    assert column(times, "variant")[:2] == ["matvec", "outer_sum"]
    assert column(times, "ratio")[:4] == [1.0, 43_500.0 / 13_300.0, 1.0, pytest.approx(151.8 / 20.4)]


def test_layers_that_are_zero_throughout_have_no_column_and_are_named():
    layers = table(compose(gpu_run()), "layers")
    keys = {column.key for column in layers.columns}
    assert not keys & {"memcpy", "memset", "graph", "sync", "api", "unknown"}
    assert "Zero in every step: memcpy, memset, graph, sync, api, unknown." in layers.notes


def test_shown_layers_of_a_gpu_step_sum_to_its_window():
    layers = table(compose(gpu_run()), "layers")
    keys = [column.key for column in layers.columns]
    for row in layers.rows:
        cells = dict(zip(keys, row.cells, strict=True))
        if cells["kernel"] is not None:
            parts = [cells[layer] for layer in LAYERS if isinstance(cells.get(layer), float)]
            assert sum(part for part in parts if isinstance(part, float)) == pytest.approx(cells["window"])
            assert sum(row.bar) == pytest.approx(1.0)


def test_unknown_gpu_layers_are_called_unknown():
    layers = table(compose(embedded_run()), "layers")
    assert "The layers of steps on a GPU are unknown: the trace holds no GPU activity." in layers.notes
    assert not {column.key for column in layers.columns} & set(LAYERS) - {"host"}


def test_a_cpu_run_shows_no_gpu_tables():
    assert [section.name for section in compose(cpu_run()).sections] == ["steps", "layers", "missing"]


def test_a_single_step_is_told_without_a_comparison():
    document = compose(single_run())
    assert document.verdicts[0] == "cupy cuda float32 n=1000: matvec takes 13.3 µs."
    assert document.summary.endswith("1 step: 1 measured.")
    assert "ratio" not in {column.key for column in table(document, "steps").columns}


def test_a_run_without_steps_says_so():
    empty = replace(gpu_run(), steps=(), ops=(), skipped=())
    document = compose(empty)
    assert document.verdicts == ("Nothing was measured: the run has no steps.",)
    assert document.sections == ()


def test_a_panel_in_which_all_failed_says_so():
    failed = failed_run()
    only = replace(failed, steps=tuple(s for s in failed.steps if s.status == "failed"), ops=())
    assert compose(only).verdicts[0] == (
        "cupy cuda float32: nothing to say, of its 1 step none was measured."
    )


def test_copies_show_the_rate_of_the_link():
    copies = table(compose(copying_run()), "copies")
    assert [column.key for column in copies.columns] == [
        *("param_n", "variant", "op", "kind", "way", "per_rep", "time", "bytes", "gbps")
    ]
    assert copies.rows[0].cells == (
        *(8000, "h2d", "h2d", "HtoD", "pinned → device", 1.0, 5_120_000.0, 256e6, 50.0),
    )


def test_a_kernel_row_carries_its_full_name_and_its_geometry():
    kernels = table(compose(axes_run()), "kernels")
    cells = dict(zip((column.key for column in kernels.columns), kernels.rows[1].cells, strict=True))
    assert cells["kernel"] == Name(full="cupy_sum", short="cupy_sum")
    assert (cells["grid"], cells["block"], cells["per_rep"]) == ("250×4", "512", 1.0)


def test_a_step_of_the_reference_without_all_parameters_is_still_found():
    whole = axes_run()
    step = replace(gpu_run().steps[4], params={"n": 20000})
    mixed = replace(whole, steps=(*whole.steps, step), run=gpu_run().run)
    sweep = read_sweep(mixed)
    assert sweep.reference == "matvec"
    assert sweep.reference_of(whole.steps[-1]) is step


def test_a_short_report_shows_some_sizes_and_keeps_the_rest():
    whole = gpu_run()
    steps = tuple(replace(whole.steps[0], key=str(n), params={"n": n}) for n in range(1000, 20001, 500))
    times = table(compose(replace(whole, steps=steps, ops=())), "steps")
    shown = [row.cells[0] for row in times.rows if row.main]
    assert (len(times.rows), len(shown), shown[0], shown[-1]) == (39, 7, 1000, 20000)


@pytest.mark.parametrize("name", ALL)
def test_every_table_has_a_cell_for_each_column(name: str):
    result: RunResult = ALL[name]()
    for section in compose(result).sections:
        for found in section.tables:
            assert {len(row.cells) for row in found.rows} == {len(found.columns)}
