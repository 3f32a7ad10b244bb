"""Terms are explained where they stand, from one glossary, which the manual shows too."""

from __future__ import annotations

import re

import pytest
from drawing.draws import one_in
from drawing.programs import sampled
from drawing.report_samples import ALL, copying_run, gpu_run, page_of, uncontrolled_run
from drawing.traces import read_recorded
from drawing.tree import ROOT
from flopprof.analysis.breakdown.analyze import analyze_trace
from flopprof.reports.document.document import Document
from flopprof.reports.document.tables import ColumnOf, columns_of_part
from flopprof.reports.program.python_table import python_table
from flopprof.reports.render.glossary import BY_KEY, GLOSSARY, explain_column, write_glossary
from flopprof.reports.render.terms import Terms
from flopprof.reports.run.compose import compose
from flopprof.reports.trace.compose import compose_analysis

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


def test_a_rank_test_is_not_of_a_jobs_ranks():
    assert "<a" not in str(Terms().explain("it excludes 1 and the rank test agrees"))
    assert "<a" in str(Terms().explain("the rank that waits"))


def test_names_and_parameters_are_no_terms():
    assert "<a" not in Terms().explain("rep=3 my_rep reps.count --reps roof_share")


@pytest.mark.parametrize("name", one_in(3, [name for name in ALL if name != "hostile"]))
def test_every_heading_of_a_report_says_what_it_means(name: str):
    page = page_of(name)
    heads = re.findall(r'<th [^>]*data-key="([^"]+)"([^>]*)>', page)
    assert {key for key, rest in heads if "title=" not in rest and not OWN_NAMES.fullmatch(key)} == set()


def test_what_is_linked_is_in_the_page():
    page = page_of("gpu")
    anchors = set(re.findall(r'<dt id="(g-[^"]+)"', page))
    assert set(re.findall(r'href="#(g-[^"]+)"', page)) <= anchors


def terms_of(document: Document, name: str) -> dict[str, str | None]:
    (table,) = (t for section in document.sections for t in section.tables if t.name == name)
    found = {column.key: explain_column(column) for column in table.columns}
    return {key: term.name if term is not None else None for key, term in found.items()}


def test_a_traced_time_is_never_explained_as_an_untraced_one():
    run = compose(gpu_run())
    assert terms_of(run, "steps")["time"] == "untraced"
    assert terms_of(compose(uncontrolled_run()), "steps")["time"] == "traced"
    assert terms_of(compose(copying_run()), "copies")["time"] == "traced"
    trace = compose_analysis(analyze_trace(read_recorded("ddp")))
    assert terms_of(trace, "owners")["time"] == "traced"
    assert terms_of(trace, "step")["time"] == "traced"


def test_one_key_has_the_meaning_that_its_table_gives_it():
    run = compose(gpu_run())
    assert terms_of(run, "ops")["host"] == "host time"
    assert terms_of(run, "layers")["host"] == "host"
    assert terms_of(run, "ops")["bytes"] == "least bytes"
    assert terms_of(compose(copying_run()), "copies")["bytes"] == "payload"
    trace = compose_analysis(analyze_trace(read_recorded("ddp")))
    assert terms_of(trace, "kernels")["latency"] == "queue latency"
    ranges = terms_of(trace, "ranges")
    assert (ranges["wall"], ranges["kernel_sum"]) == ("host time", "total")
    assert terms_of(trace, "copies")["gbps"] == "copy rate"
    samples = sampled(("main load READ", 3.0, 0.3), ("main compute", 6.0, 6.0))
    functions = python_table(samples, samples.threads[0])
    assert {c.key: explain_column(c) for c in functions.columns}["total"] is None


def test_a_column_of_a_part_keeps_its_term():
    column: ColumnOf[float] = ColumnOf(key="host", title="host", term="host time", value=lambda ns: ns)

    def part(item: str) -> float:
        return float(item)

    assert columns_of_part([column], part)[0].term == "host time"


def test_what_is_typed_is_code_and_numbers_keep_their_units():
    said = str(Terms().explain("in `flopprof ranks` it took 13.5 % of 1.60 GB, <b>"))
    assert said == "in <code>flopprof ranks</code> it took 13.5\xa0% of 1.60\xa0GB, &lt;b&gt;"
    assert "<code>" not in str(Terms().explain("one ` alone"))
