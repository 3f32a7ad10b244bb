"""Which template a demangled kernel name is an instance of.

Libraries instantiate one kernel for many types and block shapes; two instances are the same kernel to a
reader, two templates are not.
"""

from __future__ import annotations

import re
from functools import lru_cache

_OPERATOR = re.compile(r"operator\s*(<<=|>>=|<=>|->\*|<<|>>|<=|>=|->|<|>|\(\))")

_LIBRARY_VERSION = re.compile(r"\b(?:CUB|THRUST)_\d\w*::")


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


def _drop_groups(name: str) -> str:
    """The text outside of every <…>, (…) and […]; `<unnamed>` and `(anonymous namespace)` stay as `_`."""
    text = name.replace("<unnamed>", "_").replace("(anonymous namespace)", "_")
    kept: list[str] = []
    depth = 0
    for letter in text:
        if letter in "<([{":
            if letter == "(" and depth == 0:
                break
            depth += 1
        elif letter in ">)]}":
            depth = max(depth - 1, 0)
        elif depth == 0:
            kept.append(letter)
    return "".join(kept)
