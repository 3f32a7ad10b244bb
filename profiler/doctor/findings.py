"""What `flopprof doctor` finds: one line a thing, its state, and what to type when it is not well."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from ...reports.render.screen import PLAIN, Screen
from ...reports.render.wrapping import wrap

State = Literal["ok", "warning", "broken"]

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`warning`: `flopprof run` works, with less. `broken`: it would not work."""

    name: str
    state: State
    message: str
    remedy: str | None = None

    def lines(self, width: int) -> list[str]:
        """Its line, broken where it is too long, but not in what is there to be copied; below it the remedy."""
        start = f"{self.state:8} {self.name:9} "
        under = " " * len(start)
        remedy = wrap(self.remedy, width, f"{under}→ ", f"{under}  ", whole=True) if self.remedy else []
        return [*wrap(self.message, width, start, under, whole=True), *remedy]


def ok(name: str, message: str) -> Finding:
    """A thing that is well."""
    return Finding(name=name, state="ok", message=message)


def warning(name: str, message: str, remedy: str) -> Finding:
    """A thing whose lack costs something."""
    return Finding(name=name, state="warning", message=message, remedy=remedy)


def broken(name: str, message: str, remedy: str) -> Finding:
    """A thing without which nothing runs."""
    return Finding(name=name, state="broken", message=message, remedy=remedy)


def works(findings: Sequence[Finding]) -> bool:
    """Whether `flopprof run` can work."""
    return all(finding.state != "broken" for finding in findings)


def findings_as_text(findings: Sequence[Finding], screen: Screen = PLAIN) -> str:
    """A line each, a remedy below where there is one, and what it comes to."""
    count = sum(finding.state != "ok" for finding in findings)
    verdict = "`flopprof run` cannot work here" if not works(findings) else "`flopprof run` works here"
    tail = f"; {count} of {len(findings)} lines ask for attention" if count else ""
    lines = [line for finding in findings for line in finding.lines(screen.width)]
    return "\n".join([*lines, "", *wrap(f"{verdict}{tail}.", screen.width, rest="")])


def findings_as_json(findings: Sequence[Finding]) -> str:
    """``{"flopprof", "works", "findings": [{name, state, message, remedy}]}``."""
    document = {
        "flopprof": FORMAT,
        "works": works(findings),
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(document, indent=1, ensure_ascii=False)
