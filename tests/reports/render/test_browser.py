"""The HTML file in a real browser with the network off: quiet, sortable, filterable, usable by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drawing.report_samples import GEMV, SCRIPT, hostile_run, page_of
from flopprof.reports.data.figure_csv import figure_to_csv
from flopprof.reports.data.table_csv import table_to_csv
from flopprof.reports.render.formats import list_figures
from flopprof.reports.run.compose import compose
from running.browser import CHROMIUM, Page, open_browser
from running.patience import wait_until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

CELLS = (
    "[...document.querySelectorAll('#s-steps tbody tr')]"
    ".filter(r => !r.hidden).map(r => r.cells[{}].textContent)"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for name in ("gpu", "axes", "hostile"):
        (folder / f"{name}.html").write_text(page_of(name), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def wait_for_file(path: Path) -> str:
    wait_until(lambda: path.exists() and path.stat().st_size > 0)
    return path.read_text(encoding="utf-8")


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


def test_a_first_click_sorts_numbers_from_the_largest_and_texts_from_their_first_letter(
    page: Page, folder: Path
):
    page.open(folder / "gpu.html")
    head = "document.querySelector('#s-steps th[data-key=time] button')"
    page.run(f"{head}.click()")
    times = page.run(CELLS.format(2))
    assert times[:2] == ["1947 µs", "662 µs"]
    assert times[20:22] == ["165 ms", "60.0 ms"]
    states = "[...document.querySelectorAll('#s-steps th[data-key=time]')].map(h => h.ariaSort)"
    assert page.run(states) == ["descending"] * 3
    page.run(f"{head}.click()")
    assert page.run(CELLS.format(2))[:3] == ["13.3 µs", "20.4 µs", "43.5 µs"]
    page.run("document.querySelector('#s-steps th[data-key=variant] button').click()")
    assert page.run(CELLS.format(1))[0] == "matvec"


def test_a_reload_brings_back_what_was_sorted_filtered_and_shown(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    page.run("location.hash = '#s-steps'")
    page.run("document.querySelector('#s-steps th[data-key=time] button').click()")
    page.run("document.querySelector('#s-steps button.all').click()")
    page.run(
        "(() => { const i = document.querySelector('#s-steps input'); i.value = 'torch cuda';"
        "i.dispatchEvent(new Event('input')); })()"
    )
    kept = page.run("location.hash")
    assert kept == "#s-steps&steps.sort=-time&steps.all=1&steps.find=torch+cuda"
    page.run("location.reload()")
    page.wait_for_load()
    assert page.run("location.hash") == kept
    assert page.run("document.querySelector('#s-steps input').value") == "torch cuda"
    assert page.run("document.querySelector('#s-steps .count').textContent") == "10 of 30 rows"
    assert page.run(CELLS.format(2))[0] == "967 µs"
    assert page.run("document.querySelector('#t-steps').classList.contains('more')") is True
    assert abs(page.run("document.querySelector('#s-steps').getBoundingClientRect().top")) < 2


def test_a_table_and_a_figure_are_saved_as_csv(page: Page, folder: Path, tmp_path: Path):
    page.open(folder / "hostile.html")
    page.save_downloads_in(tmp_path)
    page.run("document.querySelector('#t-kernels button.csv').click()")
    page.run("document.querySelector('#f-time button.csv').click()")
    tables = {table.name: table for section in compose(hostile_run()).sections for table in section.tables}
    kernels = wait_for_file(tmp_path / "kernels.csv")
    assert kernels == table_to_csv(tables["kernels"])
    assert "'=cmd()" in kernels
    figure = next(figure for figure in list_figures(compose(hostile_run())) if figure.name == "time")
    assert wait_for_file(tmp_path / "time.csv") == figure_to_csv(figure)
    assert page.complaints == []


def test_points_and_bars_say_their_values(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    said = page.run("[...document.querySelectorAll('#f-time title')].map(t => t.textContent)")
    assert "outer_sum, n 20000: 1947 µs" in said
    said = page.run("[...document.querySelectorAll('#f-factors title')].map(t => t.textContent)")
    assert said[:2] == [
        "bandwidth: 2.45× (1648 GB/s against 4040 GB/s)",
        "least bytes: 2.00× (3.20 GB against 1.60 GB)",
    ]
    hidden = "[...document.querySelectorAll('.panels svg')].filter(s => !s.querySelector('.hot')).length"
    assert page.run(hidden) == 0


OVERLAPS = """
[...document.querySelectorAll('.panels svg, .answer')].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll('text')].filter((t) => t.textContent.trim())
    .map((t) => [t.textContent, t.getBoundingClientRect()]);
  const frame = svg.getBoundingClientRect(), found = [];
  boxes.forEach(([text, a], at) => {
    if (a.left < frame.left - 2 || a.right > frame.right + 2) found.push([text, 'leaves its frame']);
    for (const [other, b] of boxes.slice(at + 1)) {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 2) found.push([text, other]);
    }
  });
  return found;
})
"""


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
@pytest.mark.parametrize("name", ["gpu", "axes"])
def test_labels_of_figures_do_not_overlap(page: Page, folder: Path, name: str, width: int, height: int):
    page.open(folder / f"{name}.html", width=width, height=height)
    assert page.run("document.querySelectorAll('.panels svg text').length") > 50
    assert page.run(OVERLAPS) == []


@pytest.mark.parametrize("name", ["gpu", "axes", "hostile"])
def test_no_table_is_cut_on_a_desktop_and_none_scrolls_downwards(page: Page, folder: Path, name: str):
    page.open(folder / f"{name}.html", width=1400, height=900)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    cut = "[...document.querySelectorAll('.scroll')].filter(s => s.scrollWidth > s.clientWidth + 1)"
    assert page.run(f"{cut}.map(s => s.ariaLabel)") == []
    trap = "[...document.querySelectorAll('.scroll')].filter(s => s.scrollHeight > s.clientHeight + 1)"
    assert page.run(f"{trap}.length") == 0


def test_a_long_name_breaks_before_its_table_is_cut(page: Page, folder: Path):
    page.open(folder / "gpu.html", width=1400, height=900)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.run("document.querySelectorAll('td.k a').forEach(a => { a.textContent = 'k'.repeat(150); })")
    cut = "[...document.querySelectorAll('.scroll')].filter(s => s.scrollWidth > s.clientWidth + 1)"
    assert page.run("document.querySelectorAll('td.k a').length") > 0
    assert page.run(f"{cut}.map(s => s.ariaLabel)") == []


def test_a_table_of_one_row_has_no_filter(page: Page, folder: Path):
    page.open(folder / "gpu.html")
    rows = (
        "[...document.querySelectorAll('.listing')]"
        ".map(l => [l.querySelectorAll('tbody tr').length, !!l.querySelector('input')])"
    )
    assert all((count > 1) == has for count, has in page.run(rows))
    assert page.run("document.querySelector('#t-missing input')") is None


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
    for _ in range(5):
        page.press("Tab", 9)
    assert page.run("document.activeElement.closest('th').textContent") == "n"
    page.press("Enter", 13, "\r")
    assert page.run("document.activeElement.closest('th').ariaSort") == "descending"


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
