"""profile.json: what `flopprof profile` knows of a recorded program; no arguments, as they may hold secrets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from ..runs.records import Record
from ..words import FORMAT, Recorder

_RUNS_A_FILE = re.compile(r"(?:python|pypy)[\d.]*|bash|sh|torchrun|mpirun|mpiexec|srun", re.ASCII)

_ODD = re.compile(r"[^A-Za-z0-9_.-]+")

_LONGEST = 60


class ProfileRecord(Record):
    """The program's name, how it ended, and what recorded it."""

    flopprof: int = FORMAT
    id: str
    program: str
    """The file's name, without its folder and arguments."""
    name: str = ""
    """What runs of it are called together, as those of a scenario are by the scenario's name."""
    command: str = ""
    """What was run, without arguments but for the script that an interpreter ran."""
    started_at: str
    """ISO 8601, UTC."""
    wall_seconds: float
    exit_code: int
    """128 + signal for a program that a signal ended."""
    nsys: str | None
    """Its version; None where the program recorded itself."""
    capture_range: str
    captures: int = 1
    """How many times the capture range was recorded; each is a trace of its own."""

    @property
    def recorder(self) -> Recorder:
        """What made its trace."""
        return "embedded" if self.nsys is None else "nsys"

    @property
    def title(self) -> str:
        """The program as its report names it."""
        return self.command or self.program

    @property
    def group(self) -> str:
        """Its name among the names of scenarios."""
        return self.name or name_program([self.program])


def name_program(command: Sequence[str]) -> str:
    """What runs of a command are called: the script or module that it runs, else the program.

    >>> name_program(["/usr/bin/python3.11", "-u", "src/train.py", "--token=x"]), name_program(["./a.out", "1"])
    ('train', 'a.out')
    """
    script = find_script(command)
    name = PurePath(script or command[0]).name
    if script:
        name = name.removesuffix(".py").removesuffix(".sh")
    return _ODD.sub("-", name)[:_LONGEST].strip("-.") or "program"


def spell_command(command: Sequence[str]) -> str:
    """A command without its arguments, which may hold secrets.

    >>> spell_command(["/usr/bin/python3", "src/train.py", "--token=x"]), spell_command(["sleep", "1"])
    ('python3 train.py …', 'sleep …')
    """
    script = find_script(command)
    words = [PurePath(command[0]).name, *([PurePath(script).name] if script else [])]
    return " ".join([*words, *(["…"] if len(command) > len(words) else [])])


def find_script(command: Sequence[str]) -> str | None:
    """The script that an interpreter or launcher runs, or its module; None for other programs.

    >>> find_script(["python", "-m", "pkg.train"]), find_script(["python", "-c", "print()"]), find_script(["ls", "x"])
    ('pkg.train', None, None)
    """
    if not _RUNS_A_FILE.fullmatch(PurePath(command[0]).name):
        return None
    words = list(command[1:])
    for at, word in enumerate(words):
        if word == "-c":
            return None
        if word == "-m" and at + 1 < len(words) and re.fullmatch(r"[A-Za-z_][\w.]*", words[at + 1]):
            return words[at + 1]
        if not word.startswith("-") and word.endswith((".py", ".sh")):
            return word
    return None
