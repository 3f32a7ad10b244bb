"""Names from outside — kernels, ranges, reasons — made safe and short enough to show.

They are untrusted: a kernel or a range may be called anything. ``clean`` makes control and invisible
characters visible, for every format; each format escapes its own mark-up on top. The full names stay in
JSON and CSV.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

ELLIPSIS = "…"

OWN_DOMAIN = "flopprof"

_HIDDEN_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")

_MOST_READ = 1 << 20
"""Characters of a name that are looked at: names may be megabytes long."""

_OPEN, _CLOSE = "<([{", ">)]}"

_CAST = re.compile(r"\((?:unsigned |long |short )*(?:int|bool|char|long|short|size_t)\)(?=-?\d)")

_INLINE_NAMESPACE = re.compile(r"\b(?:CUB_\d+_SM(?:_\d+)+|THRUST_\d+_SM(?:_\d+)+|__\d+)::")

_ANONYMOUS = re.compile(r"(?:\(anonymous namespace\)|<unnamed>|\(anonymous\)|_GLOBAL__N_\w{0,200})::")

_AFTER_ARGUMENTS = re.compile(r"(?: const)?(?: ?\[[^\]]*\])*")

_LAMBDA = re.compile(r"::operator \(\)|\[lambda[^\[\]]*\]")


def clean(text: str) -> str:
    r"""The text on one line, with characters a reader cannot see written as escapes.

    >>> clean("a\x1b[31mb\nc")
    'a\\x1b[31mb c'
    """
    return text if text.isprintable() else "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char in "\n\r\t":
        return " "
    if unicodedata.category(char) in _HIDDEN_CATEGORIES:
        return char.encode("unicode_escape", "backslashreplace").decode("ascii")
    return char


def join_path(domain: str, path: Sequence[str]) -> str:
    """A range by its messages from the outermost; flopprof's own domain goes without saying.

    >>> join_path("flopprof", ("step", "forward")), join_path("CCCL", ("Sum",))
    ('step › forward', 'CCCL: Sum')
    """
    names = " › ".join(path)
    return f"{domain}: {names}" if domain not in ("", OWN_DOMAIN) else names


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


def fold_kernel_name(name: str, width: int = 60) -> str:
    """A demangled kernel name without return type, arguments, casts and nested template arguments.

    The plain template arguments stay, because they tell launches of one template apart:

    >>> fold_kernel_name("void at::reduce_kernel<(int)128, (int)4, at::ReduceOp<float, f<g>>>(T3)")
    'at::reduce_kernel<128, 4, ReduceOp<…>>'
    >>> fold_kernel_name("cupy_sum")
    'cupy_sum'
    """
    text = clean(name if len(name) <= _MOST_READ else name[:_MOST_READ])
    text = _LAMBDA.sub("", _ANONYMOUS.sub("", _INLINE_NAMESPACE.sub("", _CAST.sub("", text))))
    path, arguments = _split_template(_signature(text))
    if not path:
        return shorten(text, width)
    return _fit(path, arguments, width)


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


def _signature(text: str) -> str:
    """``space::kernel<…>``: without the return type before it and the argument list after it."""
    depth, start, end = 0, 0, len(text)
    for at, char in enumerate(text):
        if char == "(" and depth == 0 and at > start:
            end = at
        elif char == " " and depth == 0:
            start = at + 1
        depth += (char in _OPEN) - (char in _CLOSE)
        if depth < 0:
            return text
        if depth == 0 and end < len(text):
            return text[start:end] if _AFTER_ARGUMENTS.fullmatch(text, at + 1) else text
    return text[start:] if depth == 0 and start < len(text) else text


def _split_template(signature: str) -> tuple[str, tuple[str, ...]]:
    """Qualified name and the top-level template arguments of its last part."""
    at = signature.find("<")
    if at < 0 or not signature.endswith(">"):
        return signature, ()
    return signature[:at], tuple(_split_arguments(signature[at + 1 : -1]))


def _split_arguments(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        if char == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
        depth += (char in _OPEN) - (char in _CLOSE)
    return [*parts, text[start:].strip()]


def _fold_argument(argument: str) -> str:
    """A template argument by its last name: ``a::b<c, d> *`` as ``b<…>*``."""
    pointer = "*" if argument.endswith("*") else ""
    head, bracket, _ = argument.rstrip("* &").partition("<")
    name = head.rsplit("::", 1)[-1].strip()
    return f"{name}<{ELLIPSIS}>{pointer}" if bracket else f"{name}{pointer}"


def _fit(path: str, arguments: tuple[str, ...], width: int) -> str:
    """The richest spelling that fits: fewer arguments first, then fewer namespaces, then a cut."""
    # An argument takes three characters at least, so that more would not fit whatever they are.
    most = min(len(arguments), max(width // 3, 0) + 1)
    folded = [_fold_argument(argument) for argument in arguments[:most]]
    first, last = path.split("::", 1)[0], path.rsplit("::", 1)[-1]
    inner = f"{first}::{ELLIPSIS}::{last}" if path.count("::") > 1 else last
    for prefix in dict.fromkeys((path, inner, last)):
        for kept in range(len(folded), min(2, len(folded)) - 1, -1):
            shown = folded[:kept] + ([ELLIPSIS] if kept < len(arguments) else [])
            text = f"{prefix}<{', '.join(shown)}>" if folded else prefix
            if len(text) <= width:
                return text
    bare = [f"{last}<{folded[0]}>"] if len(arguments) == 1 else [inner, last]
    return next((text for text in bare if len(text) <= width), shorten(bare[-1], width))
