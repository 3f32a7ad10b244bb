"""The first screen of a report answers: sentences and picture lie in it, on a desktop and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drawing.draws import one_in
from drawing.report_samples import ALL, gpu_run, large_run, page_of
from flopprof.analysis.compare.compare import compare_by
from flopprof.analysis.compare.sides import side_of_run
from flopprof.reports.comparison.compose import render_comparison
from flopprof.reports.run.publish import render
from running.browser import CHROMIUM, Page, open_browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

SCREENS = ((1400, 900), (390, 844))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def ends_of(page: Page, what: str) -> list[float]:
    """The lower ends of elements, from the top of the page."""
    script = f"[...document.querySelectorAll('{what}')].map(e => e.getBoundingClientRect().bottom + scrollY)"
    return page.run(script)


def check_first_screen(page: Page, path: Path, sentences: int) -> None:
    for width, height in SCREENS:
        page.open(path, width=width, height=height)
        told, drawn = ends_of(page, ".first .verdicts > li"), ends_of(page, ".first svg")
        assert len(told) == sentences, (width, path.name)
        assert len(drawn) == 1, (width, path.name)
        assert 0 < max(told) <= height, (width, path.name)
        assert 0 < max(drawn) <= height, (width, path.name)
        assert page.run("document.documentElement.scrollWidth") <= width
    assert page.complaints == []


@pytest.mark.parametrize("name", one_in(4, [name for name in ALL if name != "hostile"]))
def test_a_run_answers_on_the_first_screen(page: Page, tmp_path: Path, name: str):
    path = tmp_path / f"{name}.html"
    path.write_text(page_of(name), encoding="utf-8")
    backends = {(s.backend, s.device, s.dtype) for s in ALL[name]().steps}
    check_first_screen(page, path, len(backends))


@pytest.mark.slow
def test_a_comparison_answers_on_the_first_screen(page: Page, tmp_path: Path):
    path = tmp_path / "comparison.html"
    path.write_text(
        render_comparison(compare_by(side_of_run(gpu_run()), "variant"), "html"), encoding="utf-8"
    )
    check_first_screen(page, path, 3)


@pytest.mark.slow
def test_of_many_backends_the_first_ones_fit_and_the_others_are_linked(page: Page, tmp_path: Path):
    path = tmp_path / "many.html"
    path.write_text(render(large_run(panels=5, sizes=3, reps=10), "html"), encoding="utf-8")
    check_first_screen(page, path, 4)
    assert (
        page.run("document.querySelector('.first .verdicts > li:last-child a').textContent") == "2 more below"
    )
    assert page.run("document.querySelectorAll('#why > div > ul > li').length") == 2


@pytest.mark.slow
def test_the_picture_says_its_values_when_pointed_at(page: Page, tmp_path: Path):
    path = tmp_path / "gpu.html"
    path.write_text(page_of("gpu"), encoding="utf-8")
    page.open(path)
    said = page.run("[...document.querySelectorAll('.answer title')].map(t => t.textContent)")
    assert "outer_sum: kernel 1942 µs of a rep" in said
    assert "outer_sum: its least bytes need 744 µs at the memory's roof" in said
    assert "cupy cuda outer_sum at 20000: 4.85×" in said
