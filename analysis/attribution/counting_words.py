"""Which numbers in a name only count instances: ``training_step_17``, ``iter 3/100``, ``op_id = 5``.

A number says nothing of identity where the word before it counts (step, iter, epoch, op_id, …). It says which
thing is meant where the word names a place or a size (layer, rank, conv, n=1000). Of other words the name alone
cannot tell: those numbers are left to who sees all names, see folding.py. An identifier (``0x7f3a90``, a UUID,
eight hexadecimal digits and more) is no size, and counts behind words whose number may count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from .number_words import COUNTING, COUNTING_ENDS, COUNTING_IDS, IDS, NUMBERING, PLACES

COUNTER = "#"
"""What stands in a folded name where a number counted."""

_HEX_WORD = r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}"

_IDENTIFIER = re.compile(
    r"(?<![0-9A-Za-z])(?:0x[0-9a-f]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|"
    + _HEX_WORD
    + r")(?![0-9A-Za-z])",
    re.IGNORECASE,
)

_NUMBER = re.compile(r"(?<![0-9])(?<!\d\.)\d+(?![0-9A-Za-z]|\.\d)")

_THOUSANDS = re.compile(r"(?:,\d{3})+(?![0-9A-Za-z.,])")

_FRACTION = re.compile(r"(?<![\w.])\d+\.\d+(?:e[-+]?\d+)?(?![\w.])", re.IGNORECASE)
"""A measured value, such as a loss."""

_TOTAL = re.compile(r"\s*(?:/|of)\s*\d+(?![0-9A-Za-z.])")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_BEFORE = re.compile(r"([A-Za-z_\s\-]*?)([\s_#:=\-\[\(/.,@]*)\Z")

_SEQUENCE = re.compile(r"\bseq = \Z")

_LONGEST_SIZE = 6
"""Digits; a request's longer number is its identifier."""

_LONGEST_NUMBER = 18
"""Digits of what counts."""

Kind = Literal["counts", "numbers", "unknown", "place"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message with one more number folded."""

    folded: str
    number: int | None
    """None where it is an identifier, which has no order."""
    may_number: bool
    """Whether the word before it is known to number."""


@dataclass(frozen=True, slots=True)
class _Number:
    """Where a number stands, with the total behind it, and what it is."""

    start: int
    end: int
    kind: Kind
    value: int | None


def fold_counting(message: str) -> str:
    """The message with ``#`` for every number that only counts, and for what was measured of such an instance.

    >>> fold_counting("training_step_17"), fold_counting("iter 3/100"), fold_counting("ProfilerStep#12")
    ('training_step_#', 'iter #', 'ProfilerStep##')
    >>> fold_counting("aten::add, seq = 7, op_id = 5, sizes = [[2, 3]]")
    'aten::add, seq = #, op_id = #, sizes = [[2, 3]]'
    >>> fold_counting("point n=1000 layer_3"), fold_counting("step 3 loss=0.25"), fold_counting("req 0x7f3a90")
    ('point n=1000 layer_3', 'step # loss=#', 'req #')
    """
    counting = [(number.start, number.end) for number in _find_numbers(message) if number.kind == "counts"]
    if counting:
        counting += [found.span() for found in _FRACTION.finditer(message)]
    return _fold(message, sorted(counting))


def list_candidates(message: str) -> Iterator[Candidate]:
    """The message with one more number folded, for each number of which its word does not tell.

    >>> list(list_candidates("batch_7"))
    [Candidate(folded='batch_#', number=7, may_number=True)]
    >>> list(list_candidates("work 0x7f3a90"))
    [Candidate(folded='work #', number=None, may_number=False)]
    >>> list(list_candidates("conv1")), list(list_candidates("n=1000"))
    ([], [])
    """
    for number in _find_numbers(message):
        if number.kind in ("numbers", "unknown"):
            folded = _fold(message, [(number.start, number.end)])
            yield Candidate(folded, number.value, number.kind == "numbers")


def _fold(message: str, spans: list[tuple[int, int]]) -> str:
    for start, end in reversed(spans):
        message = f"{message[:start]}{COUNTER}{message[end:]}"
    return message


def _find_numbers(message: str) -> Iterator[_Number]:
    """The numbers and identifiers from left to right, none inside another."""
    identifiers = {found.start(): found for found in _IDENTIFIER.finditer(message)}
    found = [*identifiers.values(), *_NUMBER.finditer(message)]
    after = 0
    for number in sorted(found, key=lambda one: (one.start(), -one.end())):
        if number.start() >= after:
            one = _describe(message, number, is_identifier=number.start() in identifiers)
            after = one.end
            yield one


def _describe(message: str, number: re.Match[str], *, is_identifier: bool) -> _Number:
    start, end = number.span()
    total = _TOTAL.match(message, end)
    is_long = is_identifier or end - start > _LONGEST_SIZE
    if _SEQUENCE.search(message, 0, start):
        kind: Kind = "counts"
    else:
        kind = _classify(*_read_word(message[:start]), is_counted=is_long or total is not None)
    if kind == "place" and is_identifier and not _names_place(_read_word(message[:start])[0]):
        kind = "unknown"
    more = total or (_THOUSANDS.match(message, end) if kind == "counts" else None)
    value = None if is_identifier or end - start > _LONGEST_NUMBER else int(number[0])
    return _Number(start, more.end() if more else end, kind, value)


def _read_word(before: str) -> tuple[list[str], str]:
    """The words before a number, in lower case, and what joins the last one to it; "…" where something else does."""
    match = _BEFORE.search(before)
    words = [word.lower() for word in _WORD.findall(match[1] if match else "")]
    joint = match[2] if match else ""
    return words, joint if words or joint == before else f"…{joint}"


def _classify(words: Sequence[str], joint: str, *, is_counted: bool) -> Kind:
    is_id = len(words) > 1 and words[-1] in IDS
    words = words[:-1] if is_id else words
    word = words[-1] if words else ""
    if word in COUNTING or word.endswith(COUNTING_ENDS) or (is_id and word in COUNTING_IDS):
        return "counts"
    if _names_place(words) or "…" in joint:
        return "place"
    if word in NUMBERING and (is_id or "=" not in joint):
        return "counts" if is_counted else "numbers"
    return "place" if any(sign in joint for sign in "=.") else "unknown"


def _names_place(words: Sequence[str]) -> bool:
    word = words[-1] if words else ""
    return word in PLACES or word.removesuffix("s") in PLACES
