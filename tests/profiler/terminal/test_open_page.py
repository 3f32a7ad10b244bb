"""`--open` hands the page to the user's own browser: a real process, which here writes down what it got."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from drawing.report_samples import gpu_run
from flopprof.reports.render.formats import render_document
from flopprof.reports.run.compose import compose
from running.browser import CHROMIUM

OPEN = """
import sys
from pathlib import Path
from flopprof.profiler.terminal.outcome import open_page
open_page(Path(sys.argv[1]))
"""


def open_with(browser: str, page: Path) -> subprocess.CompletedProcess[str]:
    """A process that opens a page, as a command with --open does at its end."""
    environment = {**os.environ, "BROWSER": browser}
    return subprocess.run(
        [sys.executable, "-c", OPEN, page.name],
        cwd=page.parent,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )


def put_browser(folder: Path, command: str) -> str:
    """A script that stands for the user's browser."""
    script = folder / "browser.sh"
    script.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
    script.chmod(0o700)
    return f"{script} %s"


@pytest.mark.parametrize("name", ["report.html", "50 % of it #1.html", "größer.html"])
def test_the_browser_gets_the_page_as_an_address_that_means_it(tmp_path: Path, name: str):
    browser = put_browser(tmp_path, f'printf "%s" "$1" >{tmp_path}/got')
    page = tmp_path / name
    page.write_text("<p>here</p>", encoding="utf-8")
    done = open_with(browser, page)
    assert (tmp_path / "got").read_text(encoding="utf-8") == page.as_uri()
    assert done.stderr == ""


def test_without_a_browser_the_page_is_named(tmp_path: Path):
    page = tmp_path / "report.html"
    page.write_text("<p>here</p>", encoding="utf-8")
    done = open_with(put_browser(tmp_path, "exit 3"), page)
    assert "no browser could be opened; the page is report.html" in done.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_real_browser_shows_the_report_that_it_is_handed(tmp_path: Path):
    flags = (
        f"--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir={tmp_path}/profile"
    )
    browser = put_browser(tmp_path, f'exec {CHROMIUM} {flags} --dump-dom "$1" >{tmp_path}/shown 2>/dev/null')
    page = tmp_path / "report.html"
    page.write_text(render_document(compose(gpu_run()), "html"), encoding="utf-8")
    open_with(browser, page)
    shown = (tmp_path / "shown").read_text(encoding="utf-8")
    assert "<h1>flopprof outer" in shown
    assert 'class="term"' in shown
