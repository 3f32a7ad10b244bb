"""Bring the options in docs/commands.md up to date with the command line; the text around them is written by hand.

python tools/document_commands.py          rewrite
python tools/document_commands.py --check  exit 1 when it would change something, or a command is missing
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer
from flopprof.profiler.commands.app import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
BLOCK = re.compile(r"(<!-- options of (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def list_commands() -> dict[str, Any]:
    """Commands by name."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def options_table(command: Any) -> str:
    """Arguments and options of a command with their help."""
    hints = get_type_hints(command.callback)
    lines = ["| | |", "|---|---|"]
    for parameter in command.params:
        is_argument = parameter.param_type_name == "argument"
        metavar = parameter.metavar or ("" if is_argument else _metavar(parameter, hints[parameter.name]))
        names = parameter.name.upper() if is_argument else ", ".join(parameter.opts)
        shown = (metavar or names) if is_argument else f"{names} {metavar}".strip()
        lines.append(f"| `{_escape(shown)}` | {_escape(parameter.help)} |")
    return "\n".join(lines) + "\n"


def _metavar(option: Any, hint: object) -> str:
    """Choices as they are typed, else the option's name."""
    if get_origin(hint) is Literal:
        return "|".join(get_args(hint))
    return "" if isinstance(option.default, bool) else option.name.upper()


def _escape(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


def fill(page: str) -> str:
    """The page with every block of options as it is now. Raises KeyError for a command that there is not."""
    commands = list_commands()
    return BLOCK.sub(lambda block: f"{block[1]}{options_table(commands[block[2]])}{block[3]}", page)


def missing(page: str) -> list[str]:
    """Commands the page has no block for."""
    return sorted(set(list_commands()) - {block[2] for block in BLOCK.finditer(page)})


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    filled, absent = fill(page), missing(page)
    if absent:
        print(f"docs/commands.md says nothing of: {', '.join(absent)}", file=sys.stderr)
    if "--check" in sys.argv:
        return int(bool(absent) or filled != page)
    PAGE.write_text(filled, encoding="utf-8")
    return int(bool(absent))


if __name__ == "__main__":
    sys.exit(main())
