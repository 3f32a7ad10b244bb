"""Demangled kernel names: which template one is an instance of, and how it is spelled in little room.

Libraries instantiate one kernel for many types and block shapes; two instances are the same kernel to a
reader, two templates are not. Names are C++ and untrusted: what does not parse stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

ELLIPSIS = "…"

_OPEN, _CLOSE = frozenset("<([{"), frozenset(">)]}")

_OPERATOR = re.compile(r"operator\s*(<<=|>>=|<=>|->\*|<<|>>|<=|>=|->|<|>|\(\))")

_LIBRARY_VERSION = re.compile(r"\b(?:CUB|THRUST)_\d\w*::")

_CAST = re.compile(r"\((?:unsigned |long |short )*(?:int|bool|char|long|short|size_t)\)(?=-?\d)")

_INLINE_NAMESPACE = re.compile(r"\b(?:CUB_\d+_SM(?:_\d+)+|THRUST_\d+_SM(?:_\d+)+|__\d+)::")

_ANONYMOUS = re.compile(r"(?:\(anonymous namespace\)|<unnamed>|\(anonymous\)|_GLOBAL__N_\w*)::")

_AFTER_ARGUMENTS = re.compile(r"(?: const)?(?: ?\[[^\]]*\])*")

_LAMBDA = re.compile(r"::operator \(\)|\[lambda[^\[\]]*\]")


@lru_cache(maxsize=4096)
def read_template(kernel: str) -> str:
    """The kernel's qualified name without return type, template arguments, parameters and library version.

    >>> read_template("void at::native::reduce_kernel<(int)128, (int)4, F<float>>(T3)")
    'at::native::reduce_kernel'
    >>> read_template("cupy_sum")
    'cupy_sum'
    """
    bare = _drop_groups(_OPERATOR.sub("operator", kernel)).strip()
    name = bare.split()[-1] if bare else kernel
    return _LIBRARY_VERSION.sub("", name) or kernel


def spell_kernel(name: str, width: int) -> str:
    """A name without return type, parameters, casts and nested template arguments, the richest that fits.

    The plain template arguments stay, because they tell launches of one template apart. Where nothing fits it is
    the barest, which is longer than `width`.

    >>> spell_kernel("void at::reduce_kernel<(int)128, (int)4, at::ReduceOp<float, f<g>>>(T3)", 60)
    'at::reduce_kernel<128, 4, ReduceOp<…>>'
    >>> spell_kernel("void at::reduce_kernel<(int)128, (int)4, at::ReduceOp<float, f<g>>>(T3)", 12)
    'reduce_kernel'
    """
    text = _LAMBDA.sub("", _ANONYMOUS.sub("", _INLINE_NAMESPACE.sub("", _CAST.sub("", name))))
    path, arguments = _split_template(_signature(text))
    if not path:
        return text
    spellings = list(_list_spellings(path, arguments))
    return next((one for one in spellings if len(one) <= width), spellings[-1])


def _walk(text: str) -> Iterator[tuple[int, str, int]]:
    """(place, letter, how many brackets are open before it), then the end of the text as an empty letter.

    What closes nothing counts for nothing.
    """
    depth = 0
    for at, letter in enumerate(text):
        yield at, letter, depth
        if letter in _OPEN:
            depth += 1
        elif letter in _CLOSE:
            depth = max(depth - 1, 0)
    yield len(text), "", depth


def _drop_groups(name: str) -> str:
    """The text before its parameters and outside of every <…>, […]; nameless namespaces stay as `_`."""
    text = name.replace("<unnamed>", "_").replace("(anonymous namespace)", "_")
    kept: list[str] = []
    for _, letter, depth in _walk(text):
        if letter == "(" and depth == 0:
            break
        if depth == 0 and letter not in _OPEN and letter not in _CLOSE:
            kept.append(letter)
    return "".join(kept)


def _signature(text: str) -> str:
    """``space::kernel<…>``: without the return type before it and the argument list after it."""
    start, end = 0, len(text)
    for at, letter, depth in _walk(text):
        if letter == "(" and depth == 0 and at > start:
            end = at
        elif letter == " " and depth == 0:
            start = at + 1
        elif letter in _CLOSE and depth == 0:
            break
        elif letter in _CLOSE and depth == 1 and end < len(text):
            return text[start:end] if _AFTER_ARGUMENTS.fullmatch(text, at + 1) else text
        elif not letter and depth == 0:
            return text[start:] or text
    return text


def _split_template(signature: str) -> tuple[str, tuple[str, ...]]:
    """Qualified name and the top-level template arguments of its last part."""
    at = signature.find("<")
    if at < 0 or not signature.endswith(">"):
        return signature, ()
    return signature[:at], tuple(_split_arguments(signature[at + 1 : -1]))


def _split_arguments(text: str) -> Iterator[str]:
    start = 0
    for at, letter, depth in _walk(text):
        if not letter or (letter == "," and depth == 0):
            yield text[start:at].strip()
            start = at + 1


def _fold_argument(argument: str) -> str:
    """A template argument by its last name: ``a::b<c, d> *`` as ``b<…>*``."""
    pointer = "*" if argument.endswith("*") else ""
    head, bracket, _ = argument.rstrip("* &").partition("<")
    name = head.rsplit("::", 1)[-1].strip()
    return f"{name}<{ELLIPSIS}>{pointer}" if bracket else f"{name}{pointer}"


def _list_spellings(path: str, arguments: tuple[str, ...]) -> Iterator[str]:
    """From the richest: fewer arguments first, then fewer namespaces; at last a single argument, or none."""
    folded = [_fold_argument(argument) for argument in arguments]
    first, last = path.split("::", 1)[0], path.rsplit("::", 1)[-1]
    inner = f"{first}::{ELLIPSIS}::{last}" if path.count("::") > 1 else last
    for prefix in dict.fromkeys((path, inner, last)):
        for kept in range(len(folded), min(2, len(folded)) - 1, -1):
            shown = folded[:kept] + ([ELLIPSIS] if kept < len(folded) else [])
            yield f"{prefix}<{', '.join(shown)}>" if folded else prefix
    yield from [f"{last}<{folded[0]}>"] if len(folded) == 1 else [inner, last]
