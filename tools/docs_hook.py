"""What the manual's pages link to outside docs/, brought into the site: pages of the tree's root, and source files.

In the tree links are of the tree, as whoever reads it there needs them; here they are turned into those of the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]

ROOT_PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md", "DESIGN.md", "CHANGELOG.md")

LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#])")

SOURCES = "source"
"""The folder of the site for files of the tree that are no pages."""


def find_target(page: str, link: str) -> tuple[str, Path] | None:
    """Where a page's link leads in the site, and the file; None for what lies in docs/ itself, or nowhere."""
    place = "" if page in ROOT_PAGES else "docs"
    target = posixpath.normpath(posixpath.join(place, posixpath.dirname(page), link))
    file = ROOT / target
    if target.startswith("docs/") and page in ROOT_PAGES:
        return target.removeprefix("docs/"), file
    if target.startswith(("..", "docs/")) or not file.exists():
        return None
    return (target if target in ROOT_PAGES else f"{SOURCES}/{target}"), file


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the root, and every file that a page links to outside docs/."""
    for name in ROOT_PAGES:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    added: set[str] = set()
    for page in list(files.documentation_pages()):
        for link in LINK.findall(page.content_string):
            found = find_target(page.src_uri, link)
            if found and found[0].startswith(SOURCES) and found[0] not in added and found[1].is_file():
                added.add(found[0])
                files.append(_as_it_is(File.generated(config, found[0], abs_src_path=str(found[1]))))
    return files


def _as_it_is(file: File) -> File:
    """A file that is copied; a source that is Markdown would become a page that no menu has."""
    file.is_documentation_page = lambda: False  # type: ignore[method-assign]
    return file


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turn links of the tree into those of the site."""
    del config, files
    here = page.file.src_uri

    def turn(match: re.Match[str]) -> str:
        found = find_target(here, match[1])
        return match[1] if found is None else posixpath.relpath(found[0], posixpath.dirname(here) or ".")

    return LINK.sub(turn, markdown)
