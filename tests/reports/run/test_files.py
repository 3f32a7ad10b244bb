"""The files of a report: the JSON contract, the CSV tables, the picture; the same numbers in all."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing.draws import one_in
from drawing.report_samples import (
    ALL,
    GEMV,
    axes_run,
    copying_run,
    embedded_run,
    gpu_run,
    hostile_run,
    single_run,
)
from flopprof.analysis.breakdown.rows import WindowTimes
from flopprof.analysis.errors import RunError
from flopprof.analysis.runs.results import RunResult
from flopprof.reports.charts.chart import IMAGE_FORMATS, draw_image
from flopprof.reports.data.run_csv import csv_tables
from flopprof.reports.data.run_json import OP_KEYS, STEP_KEYS, run_to_json
from flopprof.reports.render.formats import list_figures, write_images
from flopprof.reports.run.compose import compose
from flopprof.reports.run.publish import render, write_reports
from running.html_tables import Tables

FILES = [
    *(
        "report.txt",
        "report.md",
        "report.json",
        "report.html",
        "steps.csv",
        "ops.csv",
        "kernels.csv",
        "launches.csv",
    ),
    *("copies.csv", "time.png"),
]


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def all_keys(value: Any) -> Iterator[set[str]]:
    if isinstance(value, dict):
        yield set(value)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from all_keys(item)


@pytest.mark.parametrize("name", ALL)
def test_every_key_is_always_present(name: str):
    data = json.loads(render(ALL[name](), "json"))
    assert list(data) == [
        *(
            "flopprof",
            "run",
            "machine",
            "ceilings",
            "time",
            "quality",
            "steps",
            "skipped",
            "ops",
            "verdicts",
            "explanations",
        ),
    ]
    assert data["flopprof"] == 1
    assert all(tuple(step) == STEP_KEYS for step in data["steps"])
    assert all(tuple(op) == OP_KEYS for op in data["ops"])
    layers = {"wall_ns", "kernel_ns", "launch_ns", "compute_ns"}
    assert all(layers <= set(s[k]) for s in data["steps"] for k in ("window", "per_rep") if s[k])


def test_numbers_in_json_are_the_raw_ones():
    result = gpu_run()
    step = json.loads(render(result, "json"))["steps"][9]
    assert (step["untraced_ns"], step["flops"], step["params"]) == (1_947_200.0, 799_980_000, {"n": 20000})
    assert step["untraced_interval"] == list(result.steps[9].untraced_interval or ())
    assert result.steps[9].window is not None
    assert step["window"]["kernel_ns"] == result.steps[9].window.kernel_ns
    assert isinstance(step["window"]["kernel_ns"], int)


def test_json_holds_full_names_and_nothing_a_terminal_obeys():
    assert GEMV in {k["kernel"] for op in json.loads(render(gpu_run(), "json"))["ops"] for k in op["kernels"]}
    text = render(hostile_run(), "json")
    assert text.isascii()
    assert "\x1b" not in text


def test_numbers_of_numpy_and_nothing_finite_become_json():
    whole = single_run()
    numbers: dict[str, Any] = {"wall_ns": np.int64(5), "kernel_ns": np.float32(0.5), "host_ns": math.nan}
    others: dict[str, Any] = {"traced_ns": math.inf, "reps": np.int32(7)}
    step = replace(whole.steps[0], window=WindowTimes(**numbers), **others)
    plain = run_to_json(replace(whole, steps=(step,)))["steps"][0]
    assert (plain["window"]["wall_ns"], plain["window"]["kernel_ns"]) == (5, 0.5)
    assert (plain["window"]["host_ns"], plain["traced_ns"], plain["reps"]) == (None, None, 7)
    json.dumps(plain, allow_nan=False)


def test_csv_has_a_row_for_every_record_and_a_column_for_every_number():
    data = run_to_json(gpu_run())
    tables = {name: read_csv(text) for name, text in csv_tables(data).items()}
    assert {name: len(rows) for name, rows in tables.items()} == {
        "steps.csv": 30,
        "ops.csv": 30,
        "kernels.csv": 30,
        "launches.csv": 30,
        "copies.csv": 0,
    }
    step = tables["steps.csv"][9]
    assert (step["param_n"], step["untraced_ns"]) == ("20000", "1947200.0")
    assert float(step["per_rep_kernel_ns"]) == data["steps"][9]["per_rep"]["kernel_ns"]
    assert float(step["untraced_low_ns"]) == data["steps"][9]["untraced_interval"][0]
    launch = tables["launches.csv"][0]
    assert (launch["kernel"], launch["grid"], launch["block"]) == (GEMV, "250x4x1", "128x4x1")
    assert (tables["kernels.csv"][0]["device"], tables["kernels.csv"][0]["cuda_device"]) == ("cuda", "0")


def test_a_table_without_rows_has_the_heading_of_one_with_rows():
    full, empty = csv_tables(run_to_json(gpu_run())), csv_tables(run_to_json(replace(gpu_run(), ops=())))
    for name in ("ops.csv", "kernels.csv", "launches.csv"):
        assert full[name].splitlines()[0] == empty[name].splitlines()[0]


def test_unknown_is_an_empty_cell():
    step = read_csv(csv_tables(run_to_json(embedded_run()))["steps.csv"])[0]
    assert (step["window_kernel_ns"], step["roof_share"], step["overhead_ns"]) == ("", "", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", one_in(5, ALL))
def test_a_run_folder_gets_every_report(name: str, tmp_path: Path):
    paths = write_reports(ALL[name](), tmp_path)
    sizes = {step.params["n"] for step in ALL[name]().steps}
    files = [file for file in FILES if file != "time.png" or len(sizes) > 1]
    assert [path.name for path in paths] == files
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.glob("*.png"))


def test_an_unwritable_folder_is_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        write_reports(single_run(), tmp_path / "file")


def test_a_name_that_is_no_unicode_is_still_written(tmp_path: Path):
    whole = single_run()
    op = whole.ops[0]
    named = replace(op, kernels=(replace(op.kernels[0], kernel="bad\ud800name"),))
    write_reports(replace(whole, ops=(named,)), tmp_path)
    assert "bad\\ud800name" in (tmp_path / "kernels.csv").read_text()


def test_the_picture_has_a_panel_per_backend_and_device_and_a_line_per_variant():
    figure = compose(gpu_run()).sections[0].figures[1]
    assert [panel.title for panel in figure.panels] == [
        *("cupy cuda float32", "torch cuda float32", "torch cpu float32"),
    ]
    assert [series.label for series in figure.panels[0].series] == [
        *("matvec", "matvec, kernels (traced)", "outer_sum", "outer_sum, kernels (traced)"),
    ]
    assert figure.panels[0].series[2].y == (43_500.0, 151_800.0, 366_900.0, 662_200.0, 1_947_200.0)
    assert [series.label for series in figure.panels[2].series] == ["matvec", "outer_sum"]


def test_one_size_alone_has_no_figures_against_the_size():
    assert [figure.name for figure in list_figures(compose(copying_run()))] == ["layers"]


def test_drawing_leaves_the_state_of_matplotlib_alone():
    import matplotlib

    before = {name: matplotlib.rcParams[name] for name in matplotlib.rcParams}
    for figure in list_figures(compose(gpu_run())):
        draw_image(figure, "svg")
    assert {name: matplotlib.rcParams[name] for name in matplotlib.rcParams} == before


# One number, five places -------------------------------------------------------------------------------

SHOWN = {"untraced_ns": 1e-9, "flops": 1, "tflops": 1e12, "gbps": 1e9, "roof_share": 1}
"""Keys of a step, and what makes seconds, FLOPs and bytes of them."""

HEADINGS = (r"untraced", r"FLOPs", r"[GT]FLOP/s", r"[GT]B/s", r"roof")

UNKNOWN = -1.0

SI = {"n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}

Numbers = list[float]


def expected_numbers(result: RunResult) -> list[Numbers]:
    """What readers must see of each step, from the JSON alone."""
    steps = json.loads(render(result, "json"))["steps"]
    return [[read_number(step[key], scale) for key, scale in SHOWN.items()] for step in steps]


def by_time(numbers: Numbers) -> float:
    return numbers[0]


def read_number(value: float | str | None, scale: float) -> float:
    """A number from JSON or CSV; UNKNOWN where there is none."""
    return UNKNOWN if value is None or value == "" else float(value) * scale


def read_cell(cell: str, heading: str) -> float:
    """A number as it is shown, with its unit beside it or in the heading."""
    if cell == "–":
        return UNKNOWN
    found = re.fullmatch(r"([0-9.]+)(?: ?(%|[nµmkMGT]?)s?)", cell)
    assert found is not None, cell
    of_column = re.search(r"(?:^| )([nµmkMGT])(?:s|FLOP/s|B/s)?$", heading)
    own = 0.01 if found[2] == "%" else SI[found[2]]
    return float(found[1]) * own * (SI[of_column[1]] if of_column else 1)


def read_cells(head: list[str], rows: list[list[str]]) -> list[Numbers]:
    at = [next(i for i, text in enumerate(head) if re.match(f"{name}( |$)", text)) for name in HEADINGS]
    return [[read_cell(row[i], head[i]) for i in at] for row in rows]


def markdown_numbers(result: RunResult) -> list[Numbers]:
    section = render(result, "markdown").split("## Time of a rep")[1].split("\n\n")[1]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()]
    return read_cells(head, rows)


def html_numbers(result: RunResult) -> list[Numbers]:
    parts = Tables(render(result, "html").split('id="s-steps"')[1].split('id="s-')[0]).tables
    return read_cells(parts[0][0], [row for _, *rows in parts for row in rows])


def text_numbers(result: RunResult) -> list[Numbers]:
    section = render(result, "text").split("Time of a rep\n")[1].split("\n  ÷")[0]
    lines = [line for line in section.splitlines() if not line.startswith("[")]
    head, *rows = [re.split(r"\s{2,}", line.strip()) for line in lines]
    return read_cells(head, rows)


def csv_numbers(result: RunResult) -> list[Numbers]:
    steps = read_csv(csv_tables(run_to_json(result))["steps.csv"])
    return [[read_number(step[key], scale) for key, scale in SHOWN.items()] for step in steps]


def test_every_format_shows_the_same_numbers():
    result = gpu_run()
    expected = expected_numbers(result)
    assert len(expected) == 30
    assert csv_numbers(result) == expected
    for numbers in (markdown_numbers(result), html_numbers(result), text_numbers(result)):
        for shown, exact in zip(sorted(numbers, key=by_time), sorted(expected, key=by_time), strict=True):
            assert shown == pytest.approx(exact, rel=5e-3)


@pytest.mark.slow
def test_every_figure_is_exported_for_screen_and_print(tmp_path: Path):
    paths = write_images(compose(axes_run()), tmp_path / "new" / "figures")
    names = ("factors", "time", "ratio", "layers", "gbps")
    ends = ("png", "svg", "pdf", "csv")
    assert [path.name for path in paths] == [f"{n}.{end}" for n in names for end in ends]
    heads = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".csv": b"panel,series,"}
    assert all(path.read_bytes().startswith(heads[path.suffix]) for path in paths)


@pytest.mark.slow
def test_a_figure_is_the_same_bytes_each_time():
    figure = list_figures(compose(gpu_run()))[0]
    for format in IMAGE_FORMATS:
        assert draw_image(figure, format) == draw_image(figure, format)
