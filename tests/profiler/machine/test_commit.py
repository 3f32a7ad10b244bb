"""The commit that a run keeps."""

from __future__ import annotations

import subprocess
from pathlib import Path

from flopprof.profiler.machine.commit import describe_commit

AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *AUTHOR, *words], check=True, capture_output=True)


def test_a_commit_is_told_by_hash_state_and_subject(tmp_path: Path):
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "Make the step faster")
    clean = describe_commit(tmp_path)
    assert clean is not None
    name, _, subject = clean.partition(" ")
    assert (int(name, 16) > 0, subject) == (True, "Make the step faster")
    (tmp_path / "file").write_text("two")
    assert describe_commit(tmp_path) == f"{name} (dirty) Make the step faster"


def test_a_folder_without_a_repository_has_no_commit(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert describe_commit(tmp_path) is None


def test_without_git_there_is_no_commit(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert describe_commit(tmp_path) is None
