"""Look through the built site: every page asks nobody else for anything, and every link inside it leads somewhere.

python tools/check_site.py build/site
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ASKS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "object": "data",
    "embed": "src",
}
"""What a browser fetches when it shows a page; links of <link> beside these."""

FETCHED_LINKS = {"stylesheet", "preload", "prefetch", "preconnect", "dns-prefetch", "icon", "modulepreload"}

IN_STYLE = re.compile(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)")


class Page(HTMLParser):
    """What one page asks for, where it leads, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places |= {found[name] for name in ("id", "name") if name in found}
        self.asked += [found[ASKS[tag]]] if tag in ASKS and ASKS[tag] in found else []
        if tag == "link" and FETCHED_LINKS & set(found.get("rel", "").split()):
            self.asked.append(found.get("href", ""))
        self.asked += IN_STYLE.findall(found.get("style", ""))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])


def is_elsewhere(link: str) -> bool:
    """Whether a link names another host."""
    parts = urlsplit(link)
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ftp", "ws", "wss")


def check(site: Path) -> list[str]:
    """What is wrong, a line each."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    wrong = [
        f"{path.relative_to(site)} asks {asked}"
        for path, page in pages.items()
        for asked in page.asked
        if is_elsewhere(asked)
    ]
    for path in [*pages, *sorted(site.rglob("*.css"))]:
        text = path.read_text(encoding="utf-8")
        styles = (
            [text] if path.suffix == ".css" else re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL)
        )
        wrong += [
            f"{path.relative_to(site)} asks {one}" for style in styles for one in IN_STYLE.findall(style)
        ]
    for path, page in pages.items():
        wrong += [
            f"{path.relative_to(site)} links to {link}"
            for link in page.links
            if not leads(site, path, link, pages)
        ]
    return wrong


def leads(site: Path, path: Path, link: str, pages: dict[Path, Page]) -> bool:
    """Whether a link inside the site leads to a file and a place that there are; one from / begins at the site."""
    parts = urlsplit(link)
    if is_elsewhere(link) or parts.scheme:
        return True
    start = site if parts.path.startswith("/") else path.parent
    target = (start / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return False
    return not parts.fragment or target not in pages or unquote(parts.fragment) in pages[target].places


def main() -> int:
    site = Path(sys.argv[1]).resolve()
    wrong = check(site)
    print(
        "\n".join(wrong)
        or f"{sum(1 for _ in site.rglob('*.html'))} pages: no link is dead, and none asks another host"
    )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
