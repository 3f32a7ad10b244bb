"""Finding the user's own functions: from the scenario's folder first, then as Python would."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import partial, reduce
from pathlib import Path
from typing import Any

from ..errors import StepFailure
from .ops import Function


def bind_function(op: Function, folder: Path | None) -> Callable[..., Any]:
    """The function of an op with its named arguments given; it takes the inputs."""
    function = load_function(op.function, folder)
    return partial(function, **dict(op.args)) if op.args else function


def load_function(target: str, folder: Path | None) -> Callable[..., Any]:
    """The callable that ``package.module:name`` means.

    ``folder`` goes to the front of ``sys.path`` and stays there: the module may import its neighbours later.
    Raises StepFailure when the module cannot be imported or has no such callable.
    """
    module_name, _, name = target.partition(":")
    if folder is not None and str(folder.resolve()) not in sys.path:
        sys.path.insert(0, str(folder.resolve()))
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
        raise StepFailure(f"cannot import {module_name} for {target} ({problem})") from error
    try:
        function = reduce(getattr, name.split("."), module)
    except AttributeError:
        raise StepFailure(f"{module_name} has no {name}, which the scenario names") from None
    if not callable(function):
        raise StepFailure(f"{target} is not a function")
    return function
