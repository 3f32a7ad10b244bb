"""The HTML file: self-contained, small, the same numbers, no mark-up from outside."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
from drawing.draws import one_in
from drawing.report_samples import ALL, SCRIPT, gpu_run, large_run, lossy_run, page_of
from flopprof.reports.render.figure_html import inline_panel
from flopprof.reports.render.formats import list_figures
from flopprof.reports.run.compose import compose
from flopprof.reports.run.publish import render
from running.html_tables import Tables


@pytest.mark.parametrize("name", one_in(5, ALL))
def test_nothing_is_loaded_from_anywhere(name: str):
    page = page_of(name)
    assert not re.search(r'(?:src|href|action|data|poster)\s*=\s*"(?!#|data:,")', page)
    assert "@import" not in page
    assert set(re.findall(r"url\(([^)]*)\)", page)) <= {f"#{m}" for m in re.findall(r'id="([^"]+)"', page)}
    assert "default-src 'none'" in page


def test_nothing_from_outside_becomes_markup():
    page = page_of("hostile")
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert len(re.findall("<script", page)) == 1
    assert not [char for char in page if ord(char) < 32 and char != "\n"]


def test_the_page_answers_in_the_promised_order():
    page = render(replace(gpu_run(), quality=lossy_run().quality), "html")
    marks = [
        *("Data was lost", "outer_sum takes 4.85×", '<svg class="answer"', '<nav aria-label="Contents">'),
        *(
            "Nsight Systems dropped events",
            "<h2>Why</h2>",
            "; 4.85× = 2.45× by",
            "<h3>What the ratio is made of",
            "<h3>Time of a rep against n",
        ),
        *("<h3>Where the traced window goes", "<h3>GB/s against n", "<h2>Kernels of each operation"),
        *("<h2>Launches", "<h2>Kernel names in full", "<h2>Machine and run", "flopprof run outer"),
    ]
    body = page[page.index('<main id="main">') :]
    places = [body.index(mark) for mark in marks]
    assert places == sorted(places)


@pytest.mark.parametrize("name", one_in(3, ALL))
def test_every_row_has_the_cells_of_its_heading(name: str):
    for head, *rows in Tables(page_of(name)).tables:
        assert {len(row) for row in rows} == {len(head)}


def test_full_kernel_names_are_there_once_each():
    page = page_of("gpu")
    names = {k.kernel for op in gpu_run().ops for k in op.kernels}
    listed = [unescape(name) for name in re.findall(r'<li id="k\d+"><code>(.*?)</code>', page)]
    assert sorted(listed) == sorted(names)


def test_ids_of_inlined_figures_do_not_collide():
    page = page_of("gpu")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_rounding_coordinates_leaves_labels_alone():
    figure = next(figure for figure in list_figures(compose(gpu_run())) if figure.name == "ratio")
    labels = re.findall(r">([^<>]+)</text>", inline_panel(figure, 0))
    assert {"1.00×", "5.00×"} <= set(labels)


@pytest.mark.slow
def test_500_steps_of_1000_reps_stay_small():
    result = large_run()
    page = render(result, "html")
    assert len(result.steps) == 500
    assert len(page.encode()) < 5_000_000
