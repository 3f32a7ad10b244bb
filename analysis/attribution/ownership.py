"""The one rule by which an instant on a thread belongs to a range, for device work and for idle time alike.

The innermost owner range open on the thread itself owns; else, where it is certain, one of another thread of the
process; else the innermost that is open in the process and ends on another thread than it began on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, distinct, find_run
from ..arithmetic.nesting import Nest

BY_NONE, BY_THREAD, BY_PROCESS = 0, 1, 2
"""How something came to its range; index into ATTRIBUTIONS."""

ATTRIBUTIONS = ("none", "thread", "process")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundByProcess:
    """Instants that another thread's ranges own, and those for which several threads compete."""

    at: Ints
    thread: Ints
    place: Ints
    ambiguous: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """For some instants the rows of their owners (-1 for none), and how that is known."""

    row: Ints
    kind: NDArray[np.int8]
    elsewhere: FoundByProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Ranges that may own, and what decides between threads."""

    threads: Nest
    """Of ranges that stay on their thread, by thread."""
    processes: Nest
    """Of those that end on another thread than they began on, by process."""
    process_of: Codes
    """The process of each thread."""
    launches: tuple[Codes, Ints]
    """(thread, time) of every call that launched device work, in that order."""

    def own(self, thread: Codes, time: Ints) -> Owned:
        """Who owns each of some instants on threads."""
        place = find_innermost(self.threads, thread, time)
        row = self.threads.rows_of(place)
        kind = np.where(place >= 0, BY_THREAD, BY_NONE).astype(np.int8)
        process = self.process_of[thread] if len(thread) else thread
        found = self._own_by_process(process, time, np.flatnonzero(place < 0))
        row[found.at] = self.threads.rows_of(found.place)
        homeless = row < 0
        homeless[found.ambiguous] = False
        free = np.flatnonzero(homeless)
        row[free] = self.processes.rows_of(find_innermost(self.processes, process[free], time[free]))
        kind[(place < 0) & (row >= 0)] = BY_PROCESS
        return Owned(row=row, kind=kind, elsewhere=found)

    def switches(self, thread: int) -> Ints:
        """When the innermost range on a thread changes."""
        low, high = self.threads.first[thread], self.threads.first[thread + 1]
        return _limits(self.threads, np.arange(low, high))

    def switches_elsewhere(self, process: int) -> Ints:
        """When anything changes that decides who owns an instant of a thread without a range."""
        first = self.threads.first
        mine = [
            np.arange(first[t], first[t + 1]) for t in np.flatnonzero(self.process_of == process).tolist()
        ]
        crossing = np.arange(self.processes.first[process], self.processes.first[process + 1])
        places = np.concatenate([np.zeros(0, np.int64), *mine])
        return distinct(np.concatenate([_limits(self.threads, places), _limits(self.processes, crossing)]))

    def _own_by_process(self, of_process: Codes, time: Ints, homeless: Ints) -> FoundByProcess:
        """Give instants on threads without an open range to another thread of their process, when it is certain.

        Candidates are the threads with a range open at that moment. One candidate owns; of several, the one that
        launched device work itself inside its outermost open range, if it is the only one.
        """
        threads = self.threads
        launch_thread, launch_time = self.launches
        open_threads, working_threads = np.zeros((2, len(homeless)), np.int32)
        only, worker = np.full((2, len(homeless)), NONE, np.int64)
        for one in threads.threads() if len(homeless) else ():
            near = np.flatnonzero(of_process[homeless] == self.process_of[one])
            outer = threads.outermost(one, time[homeless[near]])
            near, outer = near[outer >= 0], outer[outer >= 0]
            if not len(near):
                continue
            works = _launches_inside(threads, launch_time[find_run(launch_thread, one)], outer)
            open_threads[near] += 1
            only[near] = one
            working_threads[near[works]] += 1
            worker[near[works]] = one
        sure = np.where(open_threads == 1, only, np.where(working_threads == 1, worker, NONE))
        chosen = np.flatnonzero(sure >= 0)
        at, thread = homeless[chosen], sure[chosen]
        return FoundByProcess(
            at=at,
            thread=thread,
            place=find_innermost(threads, thread.astype(np.int32), time[at]),
            ambiguous=homeless[(open_threads > 1) & (sure < 0)],
        )


class Switches:
    """When the owner of a thread's time may change, asked a stretch of time after another and looked for once."""

    def __init__(self, rule: Ownership) -> None:
        self.rule = rule
        self._of_thread = cache(rule.switches)
        self._elsewhere = cache(rule.switches_elsewhere)

    def of_thread(self, thread: int, low: np.int64, high: np.int64) -> Ints:
        """By its own ranges."""
        return _between(self._of_thread(thread), low, high)

    def elsewhere(self, thread: int, low: np.int64, high: np.int64) -> Ints:
        """By those of its process, where it has none."""
        return _between(self._elsewhere(int(self.rule.process_of[thread])), low, high)


def _between(times: Ints, low: np.int64, high: np.int64) -> Ints:
    return times[slice(*np.searchsorted(times, [low, high]))]


def find_innermost(nest: Nest, group: Codes, time: Ints) -> Ints:
    """The innermost range open at each time in each group (thread or process), by its place in the nest."""
    place = np.full(len(time), NONE, np.int64)
    if not len(nest.row) or not len(time):
        return place
    order = slice(None) if (np.diff(group) >= 0).all() else np.argsort(group, kind="stable")
    sorted_group, sorted_time = group[order], time[order]
    sorted_place = place.copy()
    for one in nest.threads():
        mine = find_run(sorted_group, one)
        if mine.stop > mine.start:
            sorted_place[mine] = nest.innermost(one, sorted_time[mine])
    place[order] = sorted_place
    return place


def _limits(nest: Nest, places: Ints) -> Ints:
    return distinct(np.concatenate([nest.start[places], nest.end[places]]))


def _launches_inside(owners: Nest, launch_times: Ints, place: Ints) -> Bools:
    """Whether any of a thread's launches lies inside each range."""
    first = np.searchsorted(launch_times, owners.start[place])
    return np.searchsorted(launch_times, owners.end[place]) > first
