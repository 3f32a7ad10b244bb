"""One call of a PyTorch operation, as a formula sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


class Uncountable(Exception):
    """A call whose work its arguments do not say; the text says why."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The names of an operation's parameters with their positions, and what they are where nothing is given."""

    position: Mapping[str, int]
    default: tuple[Any, ...]

    @classmethod
    def of(cls, schema: Any) -> Parameters:
        """Those of an operation's schema."""
        arguments = schema.arguments
        return cls(
            {argument.name: at for at, argument in enumerate(arguments)},
            tuple(argument.default_value for argument in arguments),
        )


@dataclass(frozen=True, slots=True)
class Call:
    """Arguments, as the dispatcher passes them (defaults left out), and the result."""

    parameters: Parameters
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    out: Any

    def __getitem__(self, name: str) -> Any:
        """The argument of that name."""
        if name in self.kwargs:
            return self.kwargs[name]
        at = self.parameters.position[name]
        return self.args[at] if at < len(self.args) else self.parameters.default[at]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors among the arguments, those in lists included."""
        return tuple(tensors_in((*self.args, *self.kwargs.values())))


def tensors_in(values: Sequence[Any]) -> Iterator[Tensor]:
    """Tensors among values, and in lists among them."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(value)
