"""What is written appears whole or not at all, and leaves nothing beside it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from flopprof.analysis.files import draft_file, is_draft, is_written_into, move_whole, replace_file


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_takes_the_place_of_an_older_one(tmp_path: Path, durable: bool) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    replace_file(target, b"new\n", durable=durable)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("report.json", b"new\n")]


def test_a_place_that_is_a_folder_keeps_what_it_holds_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        replace_file(tmp_path / "place", b"new", durable=False)
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_the_current_folder_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=r"busy|directory"):
        replace_file(Path(), b"new", durable=False)
    assert list(tmp_path.parent.glob("*.new")) == []


def test_a_name_may_be_as_long_as_names_may_be(tmp_path: Path) -> None:
    name = "é" * 125 + ".json"
    replace_file(tmp_path / name, b"new", durable=True)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_draft_is_its_owners_only_and_there_while_it_is_filled(tmp_path: Path) -> None:
    target = tmp_path / "trace.sqlite"
    with draft_file(target, durable=True, private=True) as draft:
        draft.write_bytes(b"half")
        assert not target.exists()
        assert is_draft(draft.name)
    assert target.read_bytes() == b"half"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_draft_that_is_not_private_may_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    target, other = tmp_path / "windows.csv", tmp_path / "made_as_always"
    other.touch()
    with draft_file(target, durable=False, private=False) as draft:
        draft.write_bytes(b"all")
    assert target.stat().st_mode == other.stat().st_mode


def fill(path: Path, how: str) -> None:
    if how == "replaced":
        replace_file(path, b"new", durable=True)
    else:
        with draft_file(path, durable=True, private=True) as draft:
            draft.write_bytes(b"new")


WAYS = pytest.mark.parametrize("how", ["replaced", "drafted"])


@WAYS
def test_a_pipe_is_written_into_and_stays(tmp_path: Path, how: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    fill(pipe, how)
    assert (os.read(reader, 9), stat.S_ISFIFO(pipe.lstat().st_mode)) == (b"new", True)
    os.close(reader)
    assert list(tmp_path.iterdir()) == [pipe]


@WAYS
@pytest.mark.parametrize("link", [True, False])
def test_what_an_open_descriptor_leads_to_is_written_on(tmp_path: Path, how: str, link: bool) -> None:
    file = tmp_path / "redirected"
    with file.open("wb") as opened:
        opened.write(b"old ")
        opened.flush()
        number = file.stat().st_ino
        place = tmp_path / "fd" if link else Path("/proc/self/fd")
        if link:
            place.symlink_to("/proc/self/fd")
        fill(place / str(opened.fileno()), how)
    assert (file.read_bytes(), file.stat().st_ino) == (b"old new", number)


def test_devices_are_told_from_files(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to("/dev/null")
    places = ["/dev/null", "/dev/stdout", tmp_path / "null", tmp_path, tmp_path / "none", __file__]
    assert [is_written_into(Path(place)) for place in places] == [True, True, True, False, False, False]


def test_a_draft_whose_making_fails_vanishes_and_the_older_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "trace.sqlite"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), draft_file(target, durable=True, private=True) as draft:
        draft.write_bytes(b"half")
        raise ZeroDivisionError
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("trace.sqlite", b"old")]


def test_a_durable_folder_is_flushed_with_all_in_it_before_it_moves_and_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, place = tmp_path / "made", tmp_path / "in" / "place"
    made.mkdir()
    (made / "control.json").write_text("{}")
    place.parent.mkdir()
    opened: list[tuple[str, bool]] = []
    real = os.open

    def note(path: Path, flags: int) -> int:
        opened.append((path.name, place.exists()))
        return real(path, flags)

    monkeypatch.setattr(os, "open", note)
    move_whole(made, place, durable=True)
    assert opened == [("made", False), ("control.json", False), ("in", True)]


def test_names_of_drafts_are_told_from_users_own() -> None:
    names = [
        ".plan.json.0a1b2c3d.new",
        ".machine.json.new",
        "plan.json",
        ".hidden",
        "notes.new",
        ".notes.new",
    ]
    assert [is_draft(name) for name in names] == [True, True, False, False, False, False]
