"""ARCHITECTURE.md is of this tree: its rooms, in the order of their imports, and the files of its walks."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

from drawing.tree import ROOT
from test_layers import ORDER, source_folder

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
SOURCE = source_folder()


def drawn_rooms() -> dict[str, list[str]]:
    """The rooms of the drawn tree, folder by folder."""
    rooms: dict[str, list[str]] = {}
    folder = ""
    for indent, name in re.findall(r"^( *)([a-z_]+)/ ", PAGE.split("```")[1], re.MULTILINE):
        if indent:
            rooms[folder].append(name)
        else:
            folder = name
            rooms[folder] = []
    return rooms


def test_the_tree_is_drawn_in_the_order_of_imports() -> None:
    rooms = {
        folder: [room for floor in floors for room in floor if (SOURCE / folder / room).is_dir()]
        for folder, floors in ORDER.items()
    }
    assert drawn_rooms() == {**rooms, "flopprof": []}


def steps_of_walks() -> list[tuple[str, list[str]]]:
    """The lines of the walks, as the room they enter first and all that they name in code."""
    lines = takewhile(lambda line: not line.startswith("## What"), PAGE.split("## Walk A")[1].splitlines())
    text = re.sub(r"\n +", " ", "\n".join(lines))
    found = [re.findall(r"`([^`]+)`", line) for line in re.findall(r"^\d+\. (.*)$", text, re.MULTILINE)]
    return [(names[0], names[1:]) for names in found]


def test_the_walks_enter_rooms_that_there_are_and_find_their_files() -> None:
    lost: list[str] = []
    for room, names in steps_of_walks():
        assert (SOURCE / room).is_dir(), room
        places = [
            SOURCE / room,
            SOURCE / Path(room).parent,
            *(SOURCE / name for name in names if "." not in name),
        ]
        lost += [
            f"{room}: {name}"
            for name in names
            if name.endswith(".py") and not any((place / name).is_file() for place in places)
        ]
    assert lost == []
    assert len(steps_of_walks()) == 28


def test_what_is_to_be_read_first_is_there() -> None:
    reading = PAGE.split("## What to read")[1]
    files: list[str] = re.findall(r"`([a-z_/]+\.[a-z]+)`", reading)
    assert [name for name in files if not (SOURCE / name).is_file()] == []
    assert len(files) == 10


def test_links_lead_somewhere() -> None:
    for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        links = re.findall(r"\]\(([^)#:]+)\)", text)
        assert [link for link in links if not (ROOT / link).exists()] == [], name
    assert {"ARCHITECTURE.md", "CONTRIBUTING.md"} <= set(re.findall(r"\]\(([^)#:]+)\)", text))
