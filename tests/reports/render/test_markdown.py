"""Markdown that GitHub shows as meant, whatever a kernel is called."""

from __future__ import annotations

import re

import pytest
from drawing.report_samples import ALL, SCRIPT, gpu_run, hostile_run
from flopprof.reports.render.markdown import code_span, escape, escape_sentence, render_markdown
from flopprof.reports.run.compose import compose
from flopprof.reports.run.publish import render
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def to_html(text: str) -> str:
    return PARSER.render(text)


def test_nothing_from_outside_becomes_markup():
    html = to_html(render(hostile_run(), "markdown"))
    tags = set(re.findall(r"<([a-z0-9]+)", html))
    assert tags <= {
        *("h1", "h2", "p", "ul", "li", "blockquote", "table", "thead", "tbody", "tr", "th", "td"),
        *("code", "details", "summary", "br", "strong"),
    }
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize("name", ALL)
def test_every_row_of_a_table_has_the_cells_of_its_heading(name: str):
    html = to_html(render(ALL[name](), "markdown"))
    for table in re.findall(r"<table>.*?</table>", html, re.S):
        rows = [len(re.findall(r"<t[hd]\b", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.S)]
        assert len(set(rows)) == 1
        assert rows[0] > 1


def test_long_tables_fold_away_and_lose_nothing():
    text = render(gpu_run(), "markdown")
    assert "<details><summary>All 30 rows</summary>" in text
    assert text.count("| cupy cuda float32 | 8000 | outer_sum | sum | `cupy_sum` | 1 |") == 1


def test_a_figure_is_linked_only_where_it_lies_beside():
    document = compose(gpu_run())
    assert "![" not in render_markdown(document)
    assert "](time.png)" in render_markdown(document, figures={"time": "time.png"})


def test_warnings_are_alerts():
    assert "> [!NOTE]\n> Set-up of tracing took 0.3 s" in render(gpu_run(), "markdown")


_VISIBLE = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)


@given(_VISIBLE)
def test_escaped_text_renders_as_itself(text: str):
    html = to_html(f"x {escape(text)} x").replace("<!-- -->", "")
    assert re.sub(r"<[^>]*>", "", html).strip() == "x {} x".format(
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )


@given(st.one_of(_VISIBLE, st.text(alphabet="`\\\\|<a*", min_size=1, max_size=12)))
def test_names_between_backticks_of_a_sentence_are_code(text: str):
    html = to_html(f"- x {escape_sentence(text)} x\n").replace("<!-- -->", "")
    shown = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    shown = re.sub("`([^`]+)`", r"<code>\1</code>", shown)
    assert html == f"<ul>\n<li>x {shown} x</li>\n</ul>\n"


@given(_VISIBLE)
def test_a_code_span_in_a_table_cell_renders_as_itself(text: str):
    html = to_html(f"| a | b |\n|---|---|\n| {code_span(text)} | x |\n")
    cells = re.findall(r"<td>(.*?)</td>", html, re.S)
    shown = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    assert cells == [f"<code>{shown}</code>", "x"]


@pytest.mark.parametrize("text", ["@everyone", "see #12", "http://evil", "https://evil", "www.evil.org"])
def test_no_mention_reference_or_link_survives(text: str):
    assert not re.search(r"@\w|(?<!&)#\d|https?:|www\.", escape(text))


def test_the_script_is_a_code_span():
    assert f"`{SCRIPT}`" in render(hostile_run(), "markdown")
