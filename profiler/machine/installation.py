"""How flopprof came into this environment, and so what to type for more of it.

pip, uv and pipx leave beside a distribution who installed it (INSTALLER) and from where (direct_url.json, PEP 610).
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

NAME = "flopprof"

Tool = Literal["pip", "uv", "pipx", "uv tool"]

_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Where the distribution is from, and what put it here."""

    tool: Tool
    source: str | None
    """``URL`` of a file or of a repository with its revision; None from an index."""
    folder: Path | None
    """The checkout, where it is installed editable or not at all."""
    requirements: tuple[str, ...] = ()
    """What the distribution says it requires, with its extras."""
    python: str = sys.executable

    def with_extra(self, extra: str) -> str:
        """The command that adds an extra."""
        if self.tool in ("pipx", "uv tool"):
            return self.with_packages(*self._packages_of(extra))
        if self.folder is not None:
            return self._install("-e", f"{self.folder}[{extra}]")
        name = f"{NAME}[{extra}]"
        return self._install(name if self.source is None else f"{name} @ {self.source}")

    def with_packages(self, *packages: str) -> str:
        """The command that adds packages to flopprof's environment."""
        if self.tool == "pipx":
            return shlex.join(["pipx", "inject", NAME, *packages])
        if self.tool == "uv tool":
            more = [word for package in packages for word in ("--with", package)]
            editable = ["--editable"] if self.folder is not None else []
            own = NAME if self.source is None else f"{NAME} @ {self.source}"
            return shlex.join(["uv", "tool", "install", *more, *editable, str(self.folder or own)])
        return self._install(*packages)

    def _install(self, *what: str) -> str:
        if self.tool == "uv":
            return shlex.join(["uv", "pip", "install", "--python", self.python, *what])
        return shlex.join([self.python, "-m", "pip", "install", *what])

    def _packages_of(self, extra: str) -> list[str]:
        """The requirements of an extra, without their markers."""
        found = [line.partition(";") for line in self.requirements]
        return [name.strip() for name, _, marker in found if extra in _EXTRA.findall(marker)]


def find_installation(
    read: Callable[[], Distribution] = lambda: distribution(NAME), prefix: Path | None = None
) -> Installation:
    """This environment's; a source tree that was never installed counts as a checkout."""
    prefix = prefix or Path(sys.prefix)
    try:
        found = read()
    except PackageNotFoundError:
        return Installation(
            tool=_find_tool("pip", prefix), source=None, folder=Path(__file__).resolve().parents[2]
        )
    source, folder = _read_source(found.read_text("direct_url.json"))
    return Installation(
        tool=_find_tool((found.read_text("INSTALLER") or "").strip(), prefix),
        source=source,
        folder=folder,
        requirements=tuple(found.requires or ()),
    )


def _find_tool(installer: str, prefix: Path) -> Tool:
    if (prefix / "pipx_metadata.json").is_file():
        return "pipx"
    if (prefix / "uv-receipt.toml").is_file():
        return "uv tool"
    return "uv" if installer == "uv" else "pip"


def _read_source(text: str | None) -> tuple[str | None, Path | None]:
    """A URL that pip takes again, or the folder of an editable install; neither for an index."""
    try:
        origin = json.loads(text or "null")
        url = str(origin["url"])
        if origin.get("dir_info", {}).get("editable"):
            return None, Path(unquote(urlsplit(url).path))
        vcs = origin.get("vcs_info")
        if vcs is not None:
            revision = vcs.get("requested_revision")
            return f"{vcs['vcs']}+{url}" + (f"@{revision}" if revision else ""), None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None, None
    return url, None


def install_extra(extra: str) -> str:
    """What to type here for an extra of flopprof."""
    return find_installation().with_extra(extra)


def install_packages(*packages: str) -> str:
    """What to type here for packages beside flopprof."""
    return find_installation().with_packages(*packages)
