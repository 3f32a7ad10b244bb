"""Sentences of a page: terms of the glossary as links where they stand, what is typed as code, units with numbers."""

from __future__ import annotations

import re

from markupsafe import Markup

from .glossary import GLOSSARY, Term
from .wrapping import tie_units

_FORMS: dict[str, Term] = {
    form: term
    for term in GLOSSARY
    if not term.common
    for form in (*(name.strip() for name in term.name.split(",")), *term.said)
    if len(form) > 1
}

_ANY = re.compile(
    r"(?<![\w.=<@/-])("
    + "|".join(re.escape(form) for form in sorted(_FORMS, key=len, reverse=True))
    + r")(?![\w=(<@/-]|\.\w| test\b)"
)
"""A rank test is no test of ranks of a job."""


_CODE = re.compile(r"`([^`]+)`")


class Terms:
    """Marks terms in sentences of one page and keeps those that it met."""

    def __init__(self) -> None:
        self._met: dict[str, Term] = {}

    def explain(self, text: str) -> Markup:
        """The sentence with the first place of each of its terms as a link to the glossary; what stands between
        backticks is code, and says what it says.
        """
        seen: set[str] = set()
        pieces = _CODE.split(tie_units(text))  # every second one is code
        return Markup("").join(
            Markup("<code>{}</code>").format(piece) if at % 2 else self._explain(piece, seen)
            for at, piece in enumerate(pieces)
        )

    def _explain(self, text: str, seen: set[str]) -> Markup:
        parts: list[Markup] = []
        end = 0
        for found in _ANY.finditer(text):
            term = _FORMS[found[0]]
            if term.name in seen:
                continue
            seen.add(term.name)
            parts += [Markup("{}").format(text[end : found.start()]), self.link(term, found[0])]
            end = found.end()
        return Markup("").join([*parts, Markup("{}").format(text[end:])])

    def link(self, term: Term, text: str) -> Markup:
        """A word that says what it means when pointed at, and leads to the glossary."""
        self.meet(term)
        return Markup('<a class="term" href="#{}" title="{}">{}</a>').format(term.anchor, term.means, text)

    def meet(self, term: Term) -> None:
        """Have it in this page's glossary."""
        self._met[term.name] = term

    @property
    def met(self) -> tuple[Term, ...]:
        """The page's glossary, in the alphabet's order."""
        return tuple(sorted(self._met.values(), key=lambda term: term.name.lower()))
