"""The HTML file in a real browser with the network off: quiet, sortable, filterable, usable by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drawing.report_samples import GEMV, SCRIPT, gpu_run, hostile_run
from flopprof.reports.run.publish import render
from running.browser import CHROMIUM, Page, open_browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

CELLS = (
    "[...document.querySelectorAll('#s-steps tbody tr')]"
    ".filter(r => !r.hidden).map(r => r.cells[{}].textContent)"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "gpu.html").write_text(render(gpu_run(), "html"), encoding="utf-8")
    (folder / "hostile.html").write_text(render(hostile_run(), "html"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def test_it_loads_nothing_else_and_complains_of_nothing(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    page.open(folder / "hostile.html", dark=True)
    assert {url.rsplit("/", 1)[-1] for url in page.requests} == {"gpu.html", "hostile.html"}
    assert all(url.startswith("file://") for url in page.requests)
    assert page.complaints == []


def test_a_script_for_a_name_is_shown_as_text(page: Page, folder: Path):
    page.open(folder / "hostile.html")
    assert page.run("document.querySelectorAll('script').length") == 1
    shown = page.run("[...document.querySelectorAll('td.k > a')].map(a => a.textContent)")
    assert SCRIPT in shown
    assert page.run("document.querySelector('.about').textContent").startswith(SCRIPT)
    assert page.complaints == []


def test_a_click_sorts_by_value_and_a_second_one_the_other_way(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    head = "document.querySelector('#s-steps th:nth-child(3) button')"
    page.run(f"{head}.click()")
    times = page.run(CELLS.format(2))
    assert times[:3] == ["13.3 µs", "20.4 µs", "43.5 µs"]
    assert times[-2:] == ["60.0 ms", "165 ms"]
    page.run(f"{head}.click()")
    assert page.run(CELLS.format(2))[20:22] == ["165 ms", "60.0 ms"]
    states = "[...document.querySelectorAll('#s-steps th:nth-child(3)')].map(h => h.ariaSort)"
    assert page.run(states) == ["descending"] * 3


def test_unknown_values_sort_last_both_ways(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    names = page.run("[...document.querySelectorAll('#s-steps th')].map(h => h.textContent)")
    at = names.index("roof")
    for _ in range(2):
        page.run(f"document.querySelectorAll('#s-steps th')[{at}].firstElementChild.click()")
        assert page.run(CELLS.format(at))[-1] == "–"


def test_words_in_the_filter_must_all_occur(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    page.run(
        "(() => { const i = document.querySelector('#s-steps input'); i.value = 'CUPY outer';"
        "i.dispatchEvent(new Event('input')); })()"
    )
    assert set(page.run(CELLS.format(1))) == {"outer_sum"}
    opened = page.run("[...document.querySelectorAll('#s-steps details')].map(d => d.open)")
    assert opened == [True, False, False]
    assert page.run("document.querySelector('#s-steps .count').textContent") == "5 of 30 rows"


def test_a_kernel_is_found_by_its_full_name_and_its_full_name_is_copied(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    found = page.run(
        "(() => { const i = document.querySelector('#s-kernels input'); i.value = 'cublasGemvParamsEx';"
        "i.dispatchEvent(new Event('input'));"
        "return [...document.querySelectorAll('#s-kernels tbody tr')].filter(r => !r.hidden).length; })()"
    )
    assert found == 10
    copied = page.run(
        "(async () => { let text = null; navigator.clipboard.writeText = async (t) => { text = t; };"
        "document.querySelector('#s-kernels td.k button').click();"
        "await new Promise(done => setTimeout(done, 20)); return text; })()"
    )
    assert copied == GEMV


def test_the_keyboard_reaches_sorting_and_sorts(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    page.press("Tab", 9)
    assert page.run("document.activeElement.className") == "skip"
    page.run("document.querySelector('#s-steps input').focus()")
    for _ in range(3):
        page.press("Tab", 9)
    assert page.run("document.activeElement.closest('th').textContent") == "n"
    page.press("Enter", 13, "\r")
    assert page.run("document.activeElement.closest('th').ariaSort") == "ascending"


def test_it_follows_the_reader_to_dark(page: Page, folder: Path):
    colours = []
    for dark in (False, True):
        page.open(folder / "gpu.html", dark=dark)
        colours.append(page.run("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]


def test_a_phone_scrolls_tables_not_the_page(page: Page, folder: Path):
    page.open(folder / "gpu.html", width=390, height=844)
    assert page.run("document.documentElement.scrollWidth") == 390


def test_grids_sort_as_numbers(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    page.run(
        "[...document.querySelectorAll('#s-kernels th button')].find(b => b.textContent === 'grid').click()"
    )
    grids = page.run("[...document.querySelectorAll('#s-kernels tbody tr')].map(r => r.cells[9].textContent)")
    assert list(dict.fromkeys(grids)) == ["250×4", "1000×4", "2000×4", "3000×4", "5000×4"]


@pytest.mark.slow
def test_folded_panels_are_printed_too(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    closed = page.run("document.querySelectorAll('details:not([open])').length")
    assert closed > 3
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run("document.querySelectorAll('details:not([open])').length") == 0
    page.run("dispatchEvent(new Event('afterprint'))")
    assert page.run("document.querySelectorAll('details:not([open])').length") == closed


def test_a_link_of_the_contents_leads_to_every_part(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    linked = page.run("[...document.querySelectorAll('nav a')].map(a => a.hash.slice(1))")
    parts = page.run("[...document.querySelectorAll('main > section[id]')].map(s => s.id)")
    assert linked == parts
    assert len(parts) > 8


def test_it_prints(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    assert page.print().startswith(b"%PDF")
