"""Nothing outside the folder can be named, by whatever name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flopprof.profiler.serving.served_folder import NotAFolder, NotThere, OutsideFolder, ServedFolder
from hypothesis import given
from hypothesis import strategies as st

LONG = "x" * 5000


@pytest.fixture
def folder(tmp_path: Path) -> ServedFolder:
    """A folder with a file, a run, links out of it and in it; beside it a secret."""
    (tmp_path / "secret.sqlite").write_text("secret")
    inside = tmp_path / "inside"
    (inside / "run" / "shards").mkdir(parents=True)
    (inside / "deep" / "er").mkdir(parents=True)
    (inside / "deep" / "er" / "t.sqlite").write_text("trace")
    (inside / "run" / "shards" / "trace.sqlite").symlink_to(tmp_path / "secret.sqlite")
    (inside / "out.sqlite").symlink_to(tmp_path / "secret.sqlite")
    (inside / "in.sqlite").symlink_to(inside / "deep" / "er" / "t.sqlite")
    (inside / "up").symlink_to(tmp_path)
    return ServedFolder.open(inside)


def test_what_lies_in_it_is_found(folder: ServedFolder) -> None:
    assert folder.find("deep/er/t.sqlite") == folder.root / "deep" / "er" / "t.sqlite"
    assert folder.find("./deep//er/t.sqlite") == folder.root / "deep" / "er" / "t.sqlite"
    assert folder.find("") == folder.find(".") == folder.root
    assert folder.name_of(folder.find("deep/er")) == "deep/er"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../secret.sqlite", "leads upwards"),
        ("deep/../../secret.sqlite", "leads upwards"),
        ("deep/..", "leads upwards"),
        ("/etc/passwd", "is an absolute path"),
        ("//etc/passwd", "is an absolute path"),
        ("C:/x", "is an absolute path"),
        ("~/x", "is an absolute path"),
        ("..\\secret.sqlite", "has characters that no path here has"),
        ("deep\x00/../../secret.sqlite", "has characters that no path here has"),
        ("out.sqlite", "out.sqlite is a symbolic link"),
        ("in.sqlite", "in.sqlite is a symbolic link"),
        ("up/secret.sqlite", "up is a symbolic link"),
        ("up", "up is a symbolic link"),
        ("run", "it holds a symbolic link, run/shards/trace.sqlite"),
        ("run/shards", "it holds a symbolic link, run/shards/trace.sqlite"),
    ],
)
def test_what_could_lead_out_of_it_is_refused(folder: ServedFolder, name: str, why: str) -> None:
    with pytest.raises(OutsideFolder, match=why):
        folder.find(name)


@pytest.mark.parametrize(
    "name", ["nothing", "deep/nothing", "deep/er/t.sqlite/x", LONG], ids=["file", "deep", "in", "long"]
)
def test_what_is_not_there_is_told_apart(folder: ServedFolder, name: str) -> None:
    with pytest.raises(NotThere):
        folder.find(name)


PIECES = st.sampled_from(
    ["..", ".", "/", "//", "up", "out.sqlite", "run", "deep", "er", "~", "\\", "secret.sqlite"]
)


@given(st.lists(PIECES, max_size=6), st.sampled_from(["/", ""]))
def test_no_name_leads_out_of_it(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], glue: str
) -> None:
    base = tmp_path_factory.getbasetemp() / "named"
    if not base.exists():
        (base / "inside" / "deep" / "er").mkdir(parents=True)
        (base / "secret.sqlite").write_text("secret")
        (base / "inside" / "up").symlink_to(base)
    served = ServedFolder.open(base / "inside")
    try:
        found = served.find(glue.join(parts))
    except (OutsideFolder, NotThere):
        return
    assert found.resolve().is_relative_to(served.root)
    assert os.path.realpath(found) == str(found)


def test_only_a_folder_is_served(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file", "nothing"):
        with pytest.raises(NotAFolder, match="is no folder"):
            ServedFolder.open(tmp_path / name)
