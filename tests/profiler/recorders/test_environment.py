"""What a recorded program may see of the caller's environment."""

from __future__ import annotations

from pathlib import Path

from flopprof.profiler.recorders.environment import allowed_environment


def test_only_listed_names_pass() -> None:
    caller = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "CUDA_VISIBLE_DEVICES": "1",
        "OMP_NUM_THREADS": "2",
        "AWS_SECRET_ACCESS_KEY": "canary",
        "PATHS": "canary",
        "MY_CUDA_TOKEN": "canary",
        "TMPDIR": "/tmp",
    }
    assert allowed_environment(caller, Path("/private")) == {
        "PATH": "/bin",
        "LC_ALL": "C",
        "CUDA_VISIBLE_DEVICES": "1",
        "OMP_NUM_THREADS": "2",
        "TMPDIR": "/private",
    }
