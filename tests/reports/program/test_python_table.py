"""Where Python was: times add up, and what to mark divides them."""

from __future__ import annotations

from pathlib import Path

from drawing.programs import SECOND, put_program, sampled
from flopprof.analysis.programs.folder import analyse_program, read_program_folder
from flopprof.reports.charts.first_picture import draw_picture
from flopprof.reports.program.compose import compose_program
from flopprof.reports.program.python_table import choose_parts, describe_parts, list_places, parts_picture
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.lists(st.sampled_from(["main", "load", "compute", "LIB", "DEEP"]), min_size=1, max_size=5)


@given(st.lists(st.tuples(NAMES, st.integers(1, 50)), min_size=1, max_size=8))
def test_times_alone_sum_to_the_thread_and_no_total_is_more(stacks: list[tuple[list[str], int]]) -> None:
    samples = sampled(*((" ".join(names), count / 10, count / 20) for names, count in stacks))
    (thread,) = samples.threads
    places = list_places(samples, thread)
    assert round(sum(place.alone_ns for place in places)) == thread.ns
    for place in places:
        assert place.alone_ns <= place.total_ns <= thread.ns
        assert place.cpu_ns is not None and place.cpu_ns <= place.total_ns


def test_what_to_mark_lies_inside_what_holds_all_the_time() -> None:
    samples = sampled(
        ("main train load READ", 3.0, 0.3),
        ("main train compute", 6.0, 6.0),
        ("main train", 0.2, 0.1),
        ("main train log", 0.1, 0.1),
    )
    (thread,) = samples.threads
    found = [(place.function.name, place.total_ns / SECOND) for place in choose_parts(samples, thread)]
    assert found == [("compute", 6.0), ("load", 3.0)]


def test_a_function_that_has_most_of_the_time_itself_is_what_to_mark() -> None:
    samples = sampled(
        ("<module> slow <listcomp>", 3.6, 3.6),
        ("<module> slow", 4.8, 4.8),
        ("<module> slow help", 0.9, 0.9),
        ("<module>", 0.7, 0.7),
    )
    (thread,) = samples.threads
    parts = choose_parts(samples, thread)
    assert [(place.function.name, round(place.total_ns / SECOND, 1)) for place in parts] == [("slow", 9.3)]
    assert 'mark what it does with `with flopprof.annotate("slow"):`' in describe_parts(parts, thread)


def test_a_program_without_ranges_is_told_what_to_mark(tmp_path: Path) -> None:
    samples = sampled(("main load", 1.0, 0.25), ("main compute", 3.0, 3.0))
    program = read_program_folder(put_program(tmp_path, "no_nvtx_2024.2", samples=samples))
    document = compose_program(program, analyse_program(program))
    assert document.headlines == (
        "python3 train.py …: its main thread was looked at 100 times a second for 4000 ms, in which it computed "
        "81.2 % and waited otherwise.",
        "It was in compute (work.py:3) 75.0 %, load (work.py:2) 25.0 %: mark what these do with "
        '`with flopprof.annotate("compute"):`, and the next report divides its time by your names.',
    )
    assert document.picture is not None
    assert [bar.label for bar in document.picture.groups[0].bars] == [
        "compute (work.py:3)",
        "load (work.py:2)",
    ]
    assert document.sections[0].name == "python"


def test_without_samples_it_is_told_how_to_have_them(tmp_path: Path) -> None:
    program = read_program_folder(put_program(tmp_path, "no_nvtx_2024.2"))
    assert "--sample-python 100" in compose_program(program, analyse_program(program)).headlines[-1]


def test_a_thread_has_no_reps() -> None:
    samples = sampled(("main load READ", 3.0, 0.3), ("main compute", 6.0, 6.0))
    (thread,) = samples.threads
    drawn = draw_picture(parts_picture(thread, choose_parts(samples, thread)))
    assert "compute 6000 ms<" in drawn
    assert " of a rep" not in drawn
