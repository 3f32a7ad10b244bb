"""Terms are explained where they stand, from one glossary, which the manual shows too."""

from __future__ import annotations

import re

import pytest
from drawing.report_samples import ALL, gpu_run
from drawing.tree import ROOT
from flopprof.reports.render.glossary import BY_KEY, GLOSSARY, write_glossary
from flopprof.reports.render.terms import Terms
from flopprof.reports.run.publish import render

OWN_NAMES = re.compile("param_.+|where|step|what|how")


def test_no_term_is_explained_twice():
    names = [term.name for term in GLOSSARY]
    assert len(names) == len(set(names))
    assert len(BY_KEY) == sum(len(term.keys) for term in GLOSSARY)
    assert len({term.anchor for term in GLOSSARY}) == len(GLOSSARY)


def test_the_manual_shows_the_same_glossary():
    page = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")
    assert write_glossary() in page, "run: python tools/document_words.py"


def test_a_sentence_links_the_first_place_of_each_term():
    terms = Terms()
    said = terms.explain("2 slots are slots <b>, as sum is underfilled")
    assert said.count('class="term"') == 2
    assert (
        '<a class="term" href="#g-slots" title="the blocks that the GPU holds at once">slots</a> are slots'
        in said
    )
    assert "&lt;b&gt;" in said
    assert [term.name for term in terms.met] == ["slots", "underfilled"]


def test_names_and_parameters_are_no_terms():
    assert "<a" not in Terms().explain("rep=3 my_rep reps.count --reps roof_share")


@pytest.mark.parametrize("name", [name for name in ALL if name != "hostile"])
def test_every_heading_of_a_report_says_what_it_means(name: str):
    page = render(ALL[name](), "html")
    heads = re.findall(r'<th [^>]*data-key="([^"]+)"([^>]*)>', page)
    assert {key for key, rest in heads if "title=" not in rest and not OWN_NAMES.fullmatch(key)} == set()


def test_what_is_linked_is_in_the_page():
    page = render(gpu_run(), "html")
    anchors = set(re.findall(r'<dt id="(g-[^"]+)"', page))
    assert set(re.findall(r'href="#(g-[^"]+)"', page)) <= anchors
