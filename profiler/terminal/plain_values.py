"""Values of the command line that are what a parameter wants as they are.

Newer typer has pydantic see to every value, which takes longer to load than most commands take; it still does for a
value that is not plain, and says what is wrong with one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from typer.core import TyperCommand


class NotPlain(Exception):
    """Only typer can tell what a value means, or what is wrong with it."""


class PlainCommand(TyperCommand):
    """A command whose parameters take plain values at once."""

    def get_params(self, ctx: Any) -> Any:
        """Its parameters, and the option --help."""
        return take_plain_values(super().get_params(ctx))


def take_plain_values(parameters: list[Any]) -> list[Any]:
    """The parameters of a command, or of a group of them, which take plain values at once."""
    for parameter in parameters:
        # Other typers convert by themselves.
        if hasattr(parameter, "get_runtime_param") and "get_runtime_param" not in vars(parameter):
            _PlainValues(parameter)
    return parameters


class _PlainValues:
    """Stands before what converts the values of a parameter, which is made only when it is needed."""

    def __init__(self, parameter: Any) -> None:
        self._type = parameter.type_descriptor
        self._make = parameter.get_runtime_param
        parameter.get_runtime_param = lambda: self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the parameter's type. Raises what typer raises for a wrong one."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        try:
            return _take_plain(self._type.annotation, self._type.parameter_info, value)
        except NotPlain:
            return self._make().coerce(value, param=param, ctx=ctx)


def _take_plain(wanted: Any, info: Any, value: Any) -> Any:
    if info.parser is not None:
        raise NotPlain
    if get_origin(wanted) is list and isinstance(value, (list, tuple)):
        return [_take_plain(get_args(wanted)[0], info, one) for one in value]
    if get_origin(wanted) is Literal and value in get_args(wanted):
        return value
    if wanted is str and type(value) is str:
        return value
    if wanted is Path and isinstance(value, (str, Path)) and _is_free(info):
        return _readable(Path(value))
    if wanted in (int, float) and type(value) is wanted and _is_between(value, info.min, info.max):
        return value
    raise NotPlain


def _is_free(info: Any) -> bool:
    """Whether any path will do that can be read, if it is there."""
    asked: Sequence[bool] = (info.exists, info.resolve_path, info.writable, info.path_type is not None)
    return not any(asked) and info.file_okay and info.dir_okay


def _readable(path: Path) -> Path:
    if os.access(path, os.F_OK) and not os.access(path, os.R_OK):
        raise NotPlain
    return path


def _is_between(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)
