"""Demangled kernel names: which template one is an instance of, and how it is spelled in little room.

Libraries instantiate one kernel for many types and block shapes; two instances are the same kernel to a
reader, two templates are not. Names are C++ and untrusted: what does not parse stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ..words import ELLIPSIS

_OPEN, _CLOSE = frozenset("<([{"), frozenset(">)]}")

_OPERATOR = re.compile(r"operator\s*(<<=|>>=|<=>|->\*|<<|>>|<=|>=|->|<|>|\(\))")

_LIBRARY_VERSION = re.compile(r"\b(?:CUB|THRUST)_\d\w*::")

MOST_READ = 1 << 20
"""Characters of a name that are looked at: names may be megabytes long."""

_LEAST_NAME = 16
"""Characters of a template's name that still tell which one it is."""

_LEAST_START = 3
"""The same before what the kernel does."""

_OPERATION = re.compile(r"[^<(]+\(|[^<]*Functor")
"""An argument that is what a generic kernel does, and says more than the middle of the kernel's name."""

_CAST = re.compile(r"\((?:unsigned |long |short )*(?:int|bool|char|long|short|size_t)\)(?=-?\d)")

_INLINE_NAMESPACE = re.compile(r"\b(?:CUB_\d+_SM(?:_\d+)+|THRUST_\d+_SM(?:_\d+)+|__\d+)::")

_ANONYMOUS = re.compile(r"(?:\(anonymous namespace\)|<unnamed>|\(anonymous\)|_GLOBAL__N_\w{0,200})::")

_AFTER_ARGUMENTS = re.compile(r"(?: const)?(?: ?\[[^\]]*\])*")

_LAMBDA = re.compile(r"::operator \(\)|\[lambda[^\[\]]*\]")


_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\(anonymous namespace\)|<unnamed>|\(anonymous\)"), "_"),
    (re.compile(r"\(bool\)1\b"), "true"),
    (re.compile(r"\(bool\)0\b"), "false"),
    (re.compile(r"\((?:unsigned |signed )?(?:long long|long|int|short|char|size_t)\)(?=-?\d)"), ""),
    (re.compile(r"\b(\d+)(?:ull|ul|u|ll|l)\b"), r"\1"),
    (re.compile(r"\[lambda\b[^\[\]]* \(instance (\d+)\)\]"), r"{lambda#\1}"),
    (re.compile(r"\{lambda\b[^{}]*\}?#(\d+)\}"), r"{lambda#\1}"),
    (re.compile(r"operator ?\(\)"), "operator_call"),
    (re.compile(r"\bconst\b"), ""),
    (re.compile(r"\bvoid (?=[A-Za-z_:])"), ""),
)

_PARAMETERS = re.compile(r"\([^()]*\)")


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


@lru_cache(maxsize=4096)
def unify_spelling(kernel: str) -> str:
    """The same text for one symbol, whoever demangled it.

    Left out is what Nsight Systems and torch.profiler say differently: parameters (whose types are numbers of template
    arguments for one of them, so that overloads share the text), ``const``, return types and spaces.

    >>> unify_spelling("void f::<unnamed>::g<(int)4, h<const float>, a<char *, (unsigned long)2>>(T1, T2)")
    'f::_::g<4,h<float>,a<char*,2>>'
    >>> unify_spelling("void f::(anonymous namespace)::g<4, h<float const>, a<char*, 2ul> >(h<float>, int)")
    'f::_::g<4,h<float>,a<char*,2>>'
    """
    text = kernel
    for pattern, spelling in _REWRITES:
        text = pattern.sub(spelling, text)
    text = find_signature(text)
    bare = _PARAMETERS.sub("", text)
    while bare != text:
        text, bare = bare, _PARAMETERS.sub("", bare)
    return bare.replace(" ", "") or kernel


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
    path, arguments = _split_template(find_signature(text))
    if not path:
        return text
    spelling = text
    for spelling in _list_spellings(path, arguments, width):
        if len(spelling) <= width:
            break
    return spelling


def spell_label(label: str, width: int = 60) -> str:
    """The label of a pair, in which long names of kernels are spelt as `spell_kernel` does; paths of ranges stay.

    >>> spell_label("void at::native::reduce_kernel<(int)512, at::ReduceOp<float, f<float>>>(T3) → cupy_sum", 40)
    'at::…::reduce_kernel<512, ReduceOp<…>> → cupy_sum'
    >>> spell_label("step › data")
    'step › data'
    """
    return " → ".join(_spell_side(side, width) for side in label.split(" → "))


def _spell_side(side: str, width: int) -> str:
    is_kernel = len(side) > width and " › " not in side and "(" in side
    return spell_kernel(side[:MOST_READ], width) if is_kernel else side


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


def find_signature(text: str) -> str:
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
    """A template argument by its last name: ``a::b<c, d> *`` as ``b<…>*``; a lambda by the function that it is in.

    >>> _fold_argument("void at::sqrt_kernel_cuda(at::TensorIteratorBase &)::() const::"), _fold_argument("a<b>*")
    ('sqrt_kernel_cuda', 'a<…>*')
    """
    pointer = "*" if argument.endswith("*") else ""
    head, bracket, _ = argument.rstrip("* &").partition("<")
    function, parameters, _ = head.partition("(")
    if parameters and function.strip():
        return function.split()[-1].rsplit("::", 1)[-1]
    name = head.rsplit("::", 1)[-1].strip()
    return f"{name}<{ELLIPSIS}>{pointer}" if bracket else f"{name}{pointer}"


def _leave_out_middle(name: str, width: int) -> str:
    """The beginning and the end of a name; all of it where too little of it would stay."""
    if not _LEAST_NAME <= width < len(name):
        return name
    end = (width - len(ELLIPSIS)) // 2
    return f"{name[: width - len(ELLIPSIS) - end]}{ELLIPSIS}{name[len(name) - end :]}"


def _list_spellings(path: str, arguments: tuple[str, ...], width: int) -> Iterator[str]:
    """From the richest: fewer arguments first, then fewer namespaces, then less of the name; at last a single argument,
    or none.
    """
    # An argument takes three characters at least, so that more would not fit whatever they are.
    most = min(len(arguments), max(width // 3, 0) + 1)
    folded = [_fold_argument(argument) for argument in arguments[:most]]
    first, last = path.split("::", 1)[0], path.rsplit("::", 1)[-1]
    inner = f"{first}::{ELLIPSIS}::{last}" if path.count("::") > 1 else last
    for prefix in dict.fromkeys((path, inner, last)):
        for kept in range(len(folded), min(2, len(folded)) - 1, -1):
            shown = folded[:kept] + ([ELLIPSIS] if kept < len(arguments) else [])
            yield f"{prefix}<{', '.join(shown)}>" if folded else prefix
    does = next((at for at in range(min(2, len(folded))) if _OPERATION.match(arguments[at])), None)
    if len(folded) > 1 and does is not None:
        shown = f"<{', '.join([*folded[:2], *([ELLIPSIS] if len(arguments) > 2 else [])])}>"
        yield f"{_leave_out_middle(last, width - len(shown))}{shown}"
        if (room := width - len(folded[does]) - len(f"<{ELLIPSIS}>")) >= _LEAST_START:
            yield f"{last[:room]}{ELLIPSIS}<{folded[does]}>"
    yield from [f"{last}<{folded[0]}>"] if len(arguments) == 1 else [inner, last]
