"""An engine that runs tasks at once, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any


class AtOnce(Executor):
    """Runs what it is given before it returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Inline:
    """Tasks in this process, one after the other."""

    at_once: int | None = 1
    remote = False

    @contextmanager
    def open(self, tasks: int) -> Iterator[Executor]:
        yield AtOnce()

    def is_loss(self, error: BaseException) -> bool:
        return False

    def explain(self, error: BaseException) -> str | None:
        return None

    def why_stuck(self) -> str | None:
        return None
