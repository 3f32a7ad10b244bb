"""The timeline of one step in a trace's page: its lanes, its zoom, its search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drawing.traces import unpacked
from flopprof.analysis.breakdown.analyze import Analysis, analyze_file
from flopprof.reports.document.timeline_picture import TimelinePicture
from flopprof.reports.render.formats import render_document
from flopprof.reports.trace.compose import compose_analysis
from flopprof.reports.trace.step_timeline import draw_up_timeline
from running.browser import CHROMIUM, Page, open_browser


def analyzed(name: str, folder: Path, glob: str | None = None) -> Analysis:
    return analyze_file(unpacked(name, folder), range_glob=glob)


def drawn(name: str, folder: Path, glob: str | None = None) -> TimelinePicture:
    picture = draw_up_timeline(analyzed(name, folder, glob))
    assert picture is not None
    return picture


def test_a_training_shows_one_steady_step_with_nccl_apart(tmp_path: Path):
    picture = drawn("ddp", tmp_path)
    assert picture.title == "train_step, instance 20 of 40"
    kinds = {
        lane.name.partition(", ")[2].split(",")[0] for lane in picture.lanes if lane.name.startswith("GPU")
    }
    assert {"stream 7", "stream 17 NCCL"} <= kinds
    said = [span.said for lane in picture.lanes for span in lane.spans]
    assert any(text.startswith("backward, ") for text in said)


def test_a_span_lies_inside_its_picture(tmp_path: Path):
    for name in ("ddp", "streams", "unified_memory"):
        picture = drawn(name, tmp_path)
        for lane in picture.lanes:
            assert all(0 <= span.start_ns <= span.end_ns <= picture.length_ns for span in lane.spans)
            assert all(0 <= span.depth < lane.depth for span in lane.spans)


def test_a_range_that_was_asked_for_is_shown(tmp_path: Path):
    picture = drawn("torch_axis0", tmp_path, "sum")
    assert picture.title.startswith("sum, window ")


def test_without_steps_the_whole_trace_is_shown(tmp_path: Path):
    assert drawn("torch_axis0", tmp_path).title == "the whole trace"


def test_events_too_short_to_see_are_drawn_together_and_counted(tmp_path: Path):
    picture = drawn("unified_memory", tmp_path)
    assert picture.together > 0
    spans = [span for lane in picture.lanes for span in lane.spans]
    assert any("short events, the first: " in span.said for span in spans)


def test_nothing_recorded_is_no_timeline(tmp_path: Path):
    assert draw_up_timeline(analyzed("no_nvtx_2024.2", tmp_path)) is None


def test_samples_of_the_gpu_lie_below(tmp_path: Path):
    picture = drawn("gpu_metrics_100khz", tmp_path)
    names = [counter.name for counter in picture.counters]
    assert "GPU 0: dram read, %" in names
    assert all(0 <= time <= picture.length_ns for counter in picture.counters for time in counter.time_ns)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
class TestInTheBrowser:
    @pytest.fixture(scope="class")
    def page(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
        folder = tmp_path_factory.mktemp("page")
        html = render_document(compose_analysis(analyzed("ddp", folder), timeline=True), "html")
        (folder / "ddp.html").write_text(html, encoding="utf-8")
        with open_browser(tmp_path_factory.mktemp("profile")) as page:
            page.open(folder / "ddp.html")
            yield page
            assert page.complaints == []
            assert {url.rsplit("/", 1)[-1] for url in page.requests} == {"ddp.html"}

    @staticmethod
    def views(page: Page) -> list[list[float]]:
        """From and width of every lane."""
        script = "[...document.querySelectorAll('.timeline')].map(s => [s.viewBox.baseVal.x, s.viewBox.baseVal.width])"
        return page.run(script)

    def test_buttons_zoom_and_move_all_lanes_together(self, page: Page):
        before = self.views(page)
        assert len(before) > 5
        assert {tuple(view) for view in before} == {(0, 100_000)}
        page.run("document.querySelector('.lanes [data-zoom=\"0.5\"]').click()")
        assert {tuple(view) for view in self.views(page)} == {(25_000, 50_000)}
        page.run("document.querySelector('.lanes [data-move=\"0.5\"]').click()")
        assert {tuple(view) for view in self.views(page)} == {(50_000, 50_000)}
        assert page.run("document.querySelector('.lanes output').textContent").endswith(" to 3.089 ms")
        page.run("document.querySelector('.lanes [data-zoom=\"0\"]').click()")
        assert self.views(page) == before

    def test_the_wheel_zooms_where_it_points(self, page: Page):
        page.run(
            "(() => { const s = document.querySelector('.timeline'), b = s.getBoundingClientRect();"
            "s.dispatchEvent(new WheelEvent('wheel', {deltaY: -1, clientX: b.left, cancelable: true})); })()"
        )
        assert {tuple(view) for view in self.views(page)} == {(0, 80_000)}
        page.run("document.querySelector('.lanes [data-zoom=\"0\"]').click()")

    def test_the_search_marks_what_it_finds(self, page: Page):
        page.run(
            "(() => { const i = document.querySelector('.lanes input'); i.value = 'BACKWARD';"
            "i.dispatchEvent(new Event('input')); })()"
        )
        hits = page.run("[...document.querySelectorAll('.lanes .hit')].map(r => r.textContent.split(',')[0])")
        assert set(hits) == {"backward"}
        assert page.run("document.querySelector('.lanes output').textContent") == f"{len(hits)} found"

    def test_every_span_says_what_it_is(self, page: Page):
        assert page.run(
            "[...document.querySelectorAll('.timeline rect')].every(r => r.textContent.length > 3)"
        )
