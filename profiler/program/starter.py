"""A module begun in every Python that a program starts, by a sitecustomize; the program's own follows it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

STARTER = """# Made by flopprof: begins {name}, then does what another sitecustomize would have done.
import importlib.util
import os
import sys


def _begin():
    spec = importlib.util.spec_from_file_location({name!r}, {file!r}, submodule_search_locations=[{folder!r}])
    module = sys.modules[{name!r}] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.recording = module.begin()


def _hand_on():
    own = sys.modules.pop("sitecustomize")
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != here]
    try:
        import sitecustomize
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", own)


_begin()
_hand_on()
"""


def add_starter(environment: Mapping[str, str], folder: Path, module: str, name: str) -> dict[str, str]:
    """The environment, in which every Python loads a module from its file, under a name of its own, and begins it.

    The module may import those beside it. What its ``begin`` gives is its attribute ``recording`` from then on.
    """
    folder.mkdir(parents=True)
    text = STARTER.format(name=name, file=module, folder=str(Path(module).parent))
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": path}
