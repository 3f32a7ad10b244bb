"""Names from outside — kernels, ranges, reasons — made safe and short enough to show.

They are untrusted: a kernel or a range may be called anything. ``clean`` makes control and invisible
characters visible, for every format; each format escapes its own mark-up on top. The full names stay in
JSON and CSV.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import takewhile

from ...analysis.words import ELLIPSIS

HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's categories of characters that a reader cannot see."""


def clean(text: str) -> str:
    r"""The text on one line, with characters a reader cannot see written as escapes.

    >>> clean("a\x1b[31mb\nc")
    'a\\x1b[31mb c'
    """
    return text if text.isprintable() else "".join(_visible(char) for char in text)


def list_names(names: Iterable[str]) -> str:
    """One or several in a sentence: ``kernels, copies and windows``.

    >>> list_names(["kernels", "copies", "windows"]), list_names(["kernels"])
    ('kernels, copies and windows', 'kernels')
    """
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _visible(char: str) -> str:
    if char in "\n\r\t":
        return " "
    if unicodedata.category(char) in HIDDEN:
        return char.encode("unicode_escape", "backslashreplace").decode("ascii")
    return char


def shorten(text: str, width: int) -> str:
    """At most ``width`` characters, cut in the middle so that both ends of a name stay readable.

    >>> shorten("sm80_xmma_gemm_f32f32_nn_cublas", 16)
    'sm80_xmma…cublas'
    """
    if len(text) <= width:
        return text
    head = ((width - 1) * 3 + 2) // 5
    tail = width - 1 - head
    return text[:head] + ELLIPSIS + (text[-tail:] if tail > 0 else "")


def shorten_apart(texts: Iterable[str], width: int) -> dict[str, str]:
    """Each text shortened; where several would look the same, the words in which they differ stay.

    >>> list(shorten_apart(["point n=1000 axis=0", "point n=4000 axis=0"], 12).values())
    ['p…n=1000…s=0', 'p…n=4000…s=0']
    """
    short = {text: shorten(text, width) for text in texts}
    alike: dict[str, list[str]] = {}
    for text, shown in short.items():
        alike.setdefault(shown, []).append(text)
    for group in (group for group in alike.values() if len(group) > 1):
        apart = {text: _keep_words(text, *_find_differing(text, group), width) for text in group}
        short |= apart if len(set(apart.values())) == len(group) else {}
    return short


def _find_differing(text: str, group: Sequence[str]) -> tuple[int, int]:
    """Where the words of a text begin and end in which it differs from others."""
    start = _count_shared(group)
    shared = _count_shared([other[start:][::-1] for other in group])
    end = len(text) - shared
    start = text.rfind(" ", 0, start) + 1
    after = text.find(" ", end)
    return start, after if after >= 0 else len(text)


def _count_shared(texts: Sequence[str]) -> int:
    """How many characters all begin with."""
    return sum(1 for _ in takewhile(lambda chars: len(set(chars)) == 1, zip(*texts, strict=False)))


def _keep_words(text: str, start: int, end: int, width: int) -> str:
    """A text cut before and after the words at a place; the middle is cut where these are too long."""
    room = width - (end - start) - 2
    if room < 0:
        return shorten(text, width)
    tail = min(room - room // 3, len(text) - end)
    head = min(room - tail, start)
    before = text[:start] if head == start else text[:head] + ELLIPSIS
    after = text[end:] if tail == len(text) - end else ELLIPSIS + text[len(text) - tail :]
    return before + text[start:end] + after


def fold_kernel_name(name: str, width: int = 60) -> str:
    """A kernel name as it is shown, in at most ``width`` characters.

    >>> fold_kernel_name("void at::reduce_kernel<(int)128, (int)4, at::ReduceOp<float, f<g>>>(T3)")
    'at::reduce_kernel<128, 4, ReduceOp<…>>'
    """
    from ...analysis.breakdown.kernel_names import (  # patterns that --json never asks for
        MOST_READ,
        spell_kernel,
    )

    return shorten(spell_kernel(clean(name[:MOST_READ]), width), width)


def name_pair(label: str) -> str:
    """The label of a pair as sentences have it: long names of kernels as they are spelt elsewhere."""
    from ...analysis.breakdown.kernel_names import spell_label

    return clean(spell_label(label))


def fold_names(names: Iterable[str], width: int = 60) -> dict[str, str]:
    """Full name to folded name, numbered where two different kernels fold to the same text."""
    folded: dict[str, str] = {}
    seen: dict[str, int] = {}
    for name in names:
        if name in folded:
            continue
        short = fold_kernel_name(name, width)
        count = seen[short] = seen.get(short, 0) + 1
        if count > 1:
            suffix = f" #{count}"
            short = shorten(short, width - len(suffix)) + suffix
        folded[name] = short
    return folded
