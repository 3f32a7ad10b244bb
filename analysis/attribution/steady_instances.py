"""Which instances of a trace's ranges are compared: those after start-up and warm-up.

A step is a range with at least five instances whose last message names a step or an iteration, or else is
numbered, or else is the only one that repeats at the top. Its first instances that are not steady
(arithmetic/steady.py) are set aside with everything inside them, so that all figures speak of the same instances.
Other ranges that repeat, as operations do in a benchmark, keep all of theirs: what looks like warm-up in a few
calls of microseconds is as often the noise of one start of the program.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import Ints, ints
from ..arithmetic.nesting import split_levels
from ..arithmetic.steady import count_warm_up
from ..trace.trace import Trace
from .counting_words import COUNTER
from .range_names import spell_message

FEWEST_INSTANCES = 5

_STEP = re.compile(r"(?:^|[^a-z])(?:train|training|iter|iteration|step)s?(?:$|[^a-z])|Step|Iteration")

_NUMBERED = re.compile(rf"{COUNTER}(?!\d)")
"""A folded counter; ``request #5`` is a name as it was recorded."""

RangePath = tuple[tuple[str, str], ...]
"""(domain, message) from the outermost range inwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instances:
    """What the user asked for: ``--exact-names``, ``--skip N``, ``--all``."""

    exact_names: bool = False
    skip: int | None = None
    """So many first instances of what repeats, whatever their times; None: as many as are not steady."""
    every: bool = False
    """Warm-up, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """The first instances of one range that are not compared."""

    range: str
    count: int
    of: int
    skip: int | None = None
    """What ``--skip`` asked for; None: they are start-up and warm-up."""

    @property
    def is_all(self) -> bool:
        """Whether ``--skip`` asked for every instance, of which the last is kept all the same."""
        return asks_for_all(self.skip, self.of)


def asks_for_all(skip: int | None, of: int) -> bool:
    """Whether ``--skip`` leaves none of so many instances."""
    return skip is not None and skip >= of


def name_paths(paths: Iterable[RangePath]) -> dict[RangePath, str]:
    """Each by its messages; those that differ by a domain alone with their domains, as ``--range`` takes them.

    >>> list(name_paths([(("", "step"),), (("train", "step"),), (("train", "eval"),)]).values())
    ['step', 'train:step', 'eval']
    """
    names = {path: " / ".join(message for _, message in path) for path in paths}
    times = Counter(names.values())
    return {path: name if times[name] == 1 else name_with_domains(path) for path, name in names.items()}


def name_with_domains(path: RangePath) -> str:
    """A path by its messages, each behind its domain."""
    return " / ".join(spell_message(*part) for part in path)


def tell_skipped(name: str, of: int, skip: int) -> str:
    """How many there were, what was asked and what was kept.

    >>> tell_skipped("step", 30, 1000)
    'step has 30 instances, --skip 1000 was asked, 1 is kept'
    """
    return f"{name} has {of} instances, --skip {skip} was asked, 1 is kept"


def tell_unskipped(skip: int) -> str:
    """What was asked of a trace without a step, and what would have been one.

    >>> tell_unskipped(3)
    '--skip 3 was asked; a step has 5 instances or more'
    """
    return f"--skip {skip} was asked; a step has {FEWEST_INSTANCES} instances or more"


def drop_warm_up(
    trace: Trace, members: Mapping[RangePath, Ints], times: NDArray[np.float64], wanted: Instances
) -> tuple[dict[RangePath, Ints], tuple[SetAside, ...]]:
    """The rows of each path without warm-up, and what was set aside; ``times`` are those of every range."""
    if wanted.every:
        return dict(members), ()
    dropped = np.zeros(len(trace.ranges), np.bool_)
    aside: list[SetAside] = []
    counts = {path: len(rows) for path, rows in members.items()}
    names = name_paths(find_step_paths(counts) if wanted.skip is None else find_repeating(counts))
    for path, name in names.items():
        rows = members[path]
        count = _count(times[rows], wanted)
        if count:
            dropped[rows[:count]] = True
            aside.append(SetAside(range=name, count=count, of=len(rows), skip=wanted.skip))
    if not aside:
        return dict(members), ()
    _spread_inwards(trace, dropped)
    kept = {path: rows[~dropped[rows]] for path, rows in members.items()}
    return {path: rows for path, rows in kept.items() if len(rows)}, tuple(aside)


def find_repeating(counts: Mapping[RangePath, int]) -> list[RangePath]:
    """The steps, and in the trees without one the outermost paths that repeat."""
    return _keep_outermost(_list_often(counts), find_step_paths(counts))


def find_step_paths(counts: Mapping[RangePath, int]) -> list[RangePath]:
    """The paths that are the steps of their trees, given how many instances each path has."""
    often = _list_often(counts)
    named = _keep_outermost([path for path in often if _STEP.search(path[-1][1])], [])
    top = [path for path in often if len(path) == 1]
    alone = top if len(top) == 1 else []
    return _keep_outermost([path for path in often if path in alone or _NUMBERED.search(path[-1][1])], named)


def _list_often(counts: Mapping[RangePath, int]) -> list[RangePath]:
    return sorted((path for path, count in counts.items() if count >= FEWEST_INSTANCES), key=len)


def _keep_outermost(paths: Sequence[RangePath], first: Sequence[RangePath]) -> list[RangePath]:
    """``first``, and the paths that neither lie in nor hold one that is kept already."""
    kept = list(first)
    for path in paths:
        if not any(_is_inside(path, other) or _is_inside(other, path) for other in kept):
            kept.append(path)
    return kept


def _is_inside(path: RangePath, other: RangePath) -> bool:
    return path[: len(other)] == other


def _count(times: NDArray[np.float64], wanted: Instances) -> int:
    if wanted.skip is not None:
        return min(wanted.skip, len(times) - 1)
    return count_warm_up(times.tolist())


def _spread_inwards(trace: Trace, dropped: NDArray[np.bool_]) -> None:
    """Everything inside a range that is set aside is set aside as well."""
    parent = ints(trace.ranges, "parent")
    for level in split_levels(ints(trace.ranges, "depth"))[1:]:
        dropped[level] |= dropped[parent[level]]
