"""A trace whose ranges are called without the numbers that count their instances.

``training_step_0`` … ``training_step_11`` are twelve instances of one range: identity is the name with the
counter folded. A name is folded

- where its word counts (see counting_words.py) and at least two names under one parent become one, or
- where a word may number and at least two names under one parent have numbers that follow each other, or
- where nothing is known of the word, but at least five names under one parent have numbers that follow each
  other in the order of time, up or down, each name once on its thread. ``layer_3`` comes back in every step and
  stays. Identifiers (``0x7f3a90``) have no order: five that never come back on their thread are enough.

What a trace of the other side folds is folded here too, so that both sides have the same names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from ..arithmetic.arrays import NONE, Bools, Codes, Ints, ints
from ..arithmetic.grouped import code_combinations
from ..arithmetic.nesting import split_levels
from ..trace.trace import Trace
from .counting_words import Candidate, fold_counting, list_candidates
from .own_ranges import STEP_PREFIX

FULL_NAME = "full_name"
"""The column that a folded trace's ranges have besides: the code of the name as it was recorded."""

FEWEST_UNKNOWN = 5

_OWN_STEP = re.compile(rf"{STEP_PREFIX}[0-9a-f]{{8,}}")
"""flopprof's own steps are called by a digest."""

_DIGIT = re.compile(r"\d")

Fold = tuple[str, str, str]
"""Domain, the folded name of the range around it, the folded name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A trace with folded names, and what was folded."""

    trace: Trace
    folds: frozenset[Fold]
    examples: dict[str, tuple[str, ...]]
    """Folded name -> the full names of its ranges, in the order in which they came."""


def fold_ranges(trace: Trace, also: Iterable[Fold] = ()) -> Folded:
    """The trace with counters folded in its ranges' names; the same trace where nothing counts."""
    names = _Names(trace, frozenset(also))
    for level in split_levels(ints(trace.ranges, "depth")):
        names.fold_level(level)
    if not names.folds:
        return Folded(trace=trace, folds=frozenset(), examples={})
    full = trace.ranges["name"]
    ranges = trace.ranges.assign(name=names.folded.astype(np.int32), **{FULL_NAME: full})
    return Folded(
        trace=replace(trace, ranges=ranges, names=(*trace.names, *names.added)),
        folds=frozenset(names.folds),
        examples=names.list_examples(),
    )


def names_of_ranges(trace: Trace) -> list[Ints]:
    """The codes of the ranges' names; where names were folded as they were recorded, too."""
    return [ints(trace.ranges, column) for column in ("name", FULL_NAME) if column in trace.ranges]


@dataclass(slots=True)
class _Names:
    """Names of all ranges, folded level by level from the outermost."""

    trace: Trace
    also: frozenset[Fold]
    added: dict[str, int] = field(default_factory=dict)
    folds: set[Fold] = field(default_factory=set)
    folded: Codes = field(init=False)
    _texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folded = ints(self.trace.ranges, "name").copy()

    def fold_level(self, rows: Ints) -> None:
        """Fold the names of one depth, each among those that have the same domain and parent."""
        frame = self.trace.ranges
        parent = ints(frame, "parent")[rows]
        siblings = pd.DataFrame(
            {
                "row": rows,
                "name": ints(frame, "name")[rows],
                "domain": ints(frame, "domain")[rows],
                "around": np.where(parent >= 0, self.folded[parent], NONE),
                "thread": ints(frame, "thread")[rows],
                "start": ints(frame, "start_ns")[rows],
            }
        )
        numbered = [code for code in siblings["name"].unique().tolist() if self._is_numbered(code)]
        siblings = siblings[siblings["name"].isin(numbered)]
        siblings = siblings[self._may_count(siblings)]
        for _, group in siblings.groupby(["domain", "around"], sort=False):
            domain, around = (int(group[column].iloc[0]) for column in ("domain", "around"))
            self._fold_siblings(self._text(domain), self._text(around), group)

    def _may_count(self, siblings: pd.DataFrame) -> Bools:
        """Ranges with others of another name beside them, and those that `also` are to be folded: a few of most."""
        place = code_combinations(ints(siblings, "domain"), ints(siblings, "around"))
        pairs = pd.DataFrame({"place": place, "name": ints(siblings, "name")}).drop_duplicates()
        some = np.bincount(ints(pairs, "place")) > 1
        if self.also:
            asked = {(domain, around) for domain, around, _ in self.also}
            first = siblings.iloc[np.unique(place, return_index=True)[1]]
            places = zip(first["domain"].tolist(), first["around"].tolist(), strict=True)
            found = [(self._text(domain), self._text(around)) in asked for domain, around in places]
            some |= np.array(found, np.bool_)
        return some[place]

    def _is_numbered(self, code: int) -> bool:
        text = self.trace.name(code)
        return bool(_DIGIT.search(text)) and not _OWN_STEP.fullmatch(text)

    def _fold_siblings(self, domain: str, around: str, group: pd.DataFrame) -> None:
        texts = {code: self.trace.name(code) for code in group["name"].unique().tolist()}
        for text, codes in _gather((code, fold_counting(name)) for code, name in texts.items()).items():
            differs = any(texts[code] != text for code in codes)
            if differs and (len(codes) > 1 or (domain, around, text) in self.also):
                texts |= dict.fromkeys(codes, text)
        names = dict(texts)
        for text, series in _list_series(names).items():
            members = [member for member in series if texts[member[0]] == names[member[0]]]
            if members and ((domain, around, text) in self.also or _is_series(members, group)):
                texts |= {code: text for code, _ in members}
        self._rename(domain, around, group, texts)

    def _rename(self, domain: str, around: str, group: pd.DataFrame, texts: dict[int, str]) -> None:
        changed = {code: text for code, text in texts.items() if text != self.trace.name(code)}
        for text in dict.fromkeys(changed.values()):
            if text not in self.added:
                self.added[text] = len(self.trace.names) + len(self.added)
                self._texts.append(text)
            self.folds.add((domain, around, text))
        new = {code: self.added[text] for code, text in changed.items()}
        mine = group[group["name"].isin(new)]
        self.folded[mine["row"].to_numpy()] = mine["name"].map(new).to_numpy()

    def _text(self, code: int) -> str:
        known = len(self.trace.names)
        return self.trace.name(code) if code < known else self._texts[code - known]

    def list_examples(self) -> dict[str, tuple[str, ...]]:
        """The full names of every folded one, in the order of their starts."""
        frame = self.trace.ranges
        changed = np.flatnonzero(self.folded >= len(self.trace.names))
        changed = changed[np.argsort(ints(frame, "start_ns")[changed], kind="stable")]
        pairs = pd.DataFrame({"new": self.folded[changed], "old": ints(frame, "name")[changed]})
        found: dict[str, list[str]] = {}
        for new, old in pairs.drop_duplicates().itertuples(index=False):
            found.setdefault(self._text(int(new)), []).append(self.trace.name(int(old)))
        return {text: tuple(names) for text, names in found.items()}


_Member = tuple[int, Candidate]
"""Code of a name, and its name with one more number folded."""


def _gather(pairs: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for code, text in pairs:
        found.setdefault(text, []).append(code)
    return found


def _list_series(texts: dict[int, str]) -> dict[str, list[_Member]]:
    """Names that differ in one more number, by what they have in common, the longest series first."""
    series: dict[str, list[_Member]] = {}
    for code, text in texts.items():
        for candidate in list_candidates(text):
            series.setdefault(candidate.folded, []).append((code, candidate))
    return dict(sorted(series.items(), key=lambda item: -len(item[1])))


def _is_series(members: list[_Member], group: pd.DataFrame) -> bool:
    """Whether the numbers follow each other as a counter's do, or are identifiers that never come back."""
    may_number = members[0][1].may_number
    number_of = {code: candidate.number for code, candidate in members}
    numbers = sorted({number for number in number_of.values() if number is not None})
    has_identifiers = len(numbers) < len(number_of)
    if len(number_of) < 2 or not (has_identifiers or numbers[-1] - numbers[0] == len(numbers) - 1):
        return False
    if may_number:
        return True
    if len(number_of) < FEWEST_UNKNOWN:
        return False
    mine = group[group["name"].isin(number_of)].sort_values(["thread", "start"], kind="stable")
    runs = [one["name"].tolist() for _, one in mine.groupby("thread")]
    if has_identifiers:
        return all(len(set(run)) == len(run) for run in runs)
    return all(_counts([number_of[code] or 0 for code in run]) for run in runs)


def _counts(numbers: list[int]) -> bool:
    """Up, or down as the time steps of a diffusion do."""
    steps = [after - before for before, after in pairwise(numbers)]
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)
