"""Errors of the user as one line on stderr and exit code 2, whoever noticed them."""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import Any, cast

import typer
from typer.core import TyperGroup

from ...reports.document.names import clean
from ...scenarios.errors import FlopprofError
from ..errors import Interrupted, ProfileError
from .output import tell
from .plain_values import PlainCommand, take_plain_values

SLOWER, USER_ERROR, FAILED_OR_LOST, INTERRUPTED = 1, 2, 3, 130
"""Exit codes: a comparison beyond its limit; the user's error; failed steps or lost data; Ctrl-C."""

# Newer typer carries its own copy of click: the classes are taken from typer, not from click.
CommandLineError = cast(type[Exception], typer.BadParameter.__mro__[2])


class OneLineErrors(TyperGroup):
    """The command group of ``flopprof``: a failure the user can act on is one line, never a traceback."""

    def main(self, *args: Any, standalone_mode: bool = True, **kwargs: Any) -> Any:
        """Run a command; with ``standalone_mode`` end the process with its exit code."""
        if not standalone_mode:
            return self._exit_code(*args, **kwargs)
        sys.exit(self._exit_code(*args, **kwargs))

    def get_params(self, ctx: Any) -> Any:
        """The options before a command."""
        return take_plain_values(super().get_params(ctx))

    def _exit_code(self, *args: Any, **kwargs: Any) -> int:
        try:
            result = super().main(*args, standalone_mode=False, **kwargs)
        except (Interrupted, KeyboardInterrupt, typer.Abort):
            return INTERRUPTED
        except SystemExit as end:
            # Typer's own way out when whoever reads its --help has left; 1 would mean a slower comparison.
            if end.code != 1:
                raise
            return 0
        except (FlopprofError, CommandLineError, OSError) as error:
            return _complain(error)
        return result if isinstance(result, int) else 0


class RunsProgram(PlainCommand):
    """A command that exits with a program's exit code, so that its own errors must not look like one of those."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the command line. Raises ProfileError for what is wrong with it."""
        try:
            return super().make_context(*args, **kwargs)
        except CommandLineError as error:
            raise ProfileError(_sentence(error)) from error


_CHECKERS_WORDS = re.compile(r"Value error, |(?<=: )Input (?=should be )|, unable to parse string as an? \w+")
"""What the library that checks options says of itself."""


def _complain(error: BaseException) -> int:
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        # Whoever read the output has left; nothing more may be written to it, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if told := " ".join(clean(_sentence(error)).split()):
        tell(f"flopprof: {told}")
    return getattr(error, "exit_code", USER_ERROR)


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}"
    if isinstance(error, CommandLineError):
        context = getattr(error, "ctx", None)
        message = str(getattr(error, "format_message", error.__str__)()).rstrip(".")
        message = _CHECKERS_WORDS.sub("", message)
        if not message:
            return ""  # no command was given, so help was shown
        more = " See" if message.endswith("?") else "; see"
        return f"{message}{more} '{context.command_path} --help'" if context else message
    return str(error)
