"""What a job's report says and draws, against the job it is of."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawing.jobs import Job, SimRank, ddp
from flopprof.analysis.ranks.whole_job import JobAnalysis, RanksRequest, analyse_job
from flopprof.reports.charts.chart import draw_canvas
from flopprof.reports.charts.colours import PRINT
from flopprof.reports.charts.legend import list_key
from flopprof.reports.data.ranks_json import job_to_json
from flopprof.reports.document.units import choose_unit
from flopprof.reports.ranks.compose import compose_job
from flopprof.reports.ranks.figures import list_figures
from flopprof.reports.ranks.sentences import list_verdicts
from flopprof.reports.render.formats import Format, render_document
from matplotlib.colors import to_hex
from running.engines import Inline


def late(rank: SimRank, step: int) -> tuple[int, int]:
    return 0, 2_000_000 if rank.number == 1 and 5 <= step < 10 else 0


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> JobAnalysis:
    folder = tmp_path_factory.mktemp("job")
    paths = Job(3, seed=4).run_in_ranges(ddp(late), 15).write(folder, off_ns=[0, 0, 3_600_000_000_000])
    broken = folder / "job_rank3.sqlite"
    broken.write_text("no trace")
    return analyse_job([*paths, broken], Inline(), RanksRequest())


def test_a_cell_of_the_heat_map_is_what_a_rank_waited_in_a_step(job: JobAnalysis) -> None:
    (panel,) = list_figures(job)["waiting"].panels
    assert [series.label for series in panel.series] == ["rank 0", "rank 1", "rank 2"]
    for at, series in enumerate(panel.series):
        assert list(series.x) == list(range(15))
        assert list(series.y) == [step.wait_ns[at] for step in job.steps]


def test_transfers_of_one_collective_lie_below_each_other_though_clocks_are_an_hour_apart(
    job: JobAnalysis,
) -> None:
    (panel,) = list_figures(job)["lanes"].panels
    ends: dict[float, list[float]] = {}
    for bar in panel.series:
        if bar.label == "transfer" and bar.high:
            ends.setdefault(bar.x[0], []).append(bar.high[0])
    assert sorted(ends) == [2.0, 5.0, 8.0]  # the third row of each rank
    for one, other in zip(ends[2.0], ends[8.0], strict=True):
        assert abs(one - other) < 20_000


def test_the_lanes_are_of_the_step_that_cost_most_and_show_its_parts(job: JobAnalysis) -> None:
    figure = list_figures(job)["lanes"]
    most = max(job.steps, key=lambda step: step.lost_ns or 0)
    assert figure.title == f"Step {most.instance} on one clock"
    labels = {bar.label for bar in figure.panels[0].series}
    assert labels == {"data", "forward", "backward", "optimizer", "wait", "transfer"}


def test_what_is_drawn_as_a_bar_in_a_lane_has_a_bar_as_its_key(job: JobAnalysis) -> None:
    key = {entry.label: entry for entry in list_key(list_figures(job)["lanes"])}
    assert {"wait", "transfer"} < key.keys()
    assert {entry.sample for entry in key.values()} == {"fill"}
    bars = draw_canvas(list_figures(job)["lanes"], PRINT).axes[0].patches
    colours = {to_hex(bar.get_facecolor()) for bar in bars}
    assert {key["wait"].colour.lower(), key["transfer"].colour.lower()} < colours


def test_the_axis_of_lanes_has_the_unit_that_a_column_of_their_ends_has(job: JobAnalysis) -> None:
    figure = list_figures(job)["lanes"]
    unit = choose_unit([end for series in figure.panels[0].series for end in series.high], "time")
    assert unit is not None and unit.name != "ns"
    assert draw_canvas(figure, PRINT).axes[0].get_xlabel() == f"{figure.x_label}, {unit.name}"


def test_a_point_is_a_collectives_transfer_and_longest_wait(job: JobAnalysis) -> None:
    (panel,) = list_figures(job)["collectives"].panels
    points = {point for series in panel.series for point in zip(series.x, series.y, strict=True)}
    assert points == {
        (float(one.transfer_ns), float(max(*one.wait_ns.values(), 1))) for one in job.collectives
    }


def test_runs_of_steps_are_sentences(job: JobAnalysis) -> None:
    first, second, third = list_verdicts(job)
    assert first.startswith("Steps 0–4: no rank is late for one reason for long; ranks wait ")
    assert second.startswith("Steps 5–9: rank 1 is late, forward +20")
    assert "in kernels; the others wait 17" in second
    assert third.startswith("Steps 10–14: no rank is late for one reason for long")


FORMATS: tuple[Format, ...] = ("text", "markdown", "html")


@pytest.mark.parametrize("format", FORMATS)
def test_a_rank_that_failed_is_a_row_with_its_reason_in_every_format(
    job: JobAnalysis, format: Format
) -> None:
    words = " ".join(render_document(compose_job(job), format).replace("\\", "").split())
    assert "rank 3" in words
    (reason,) = [row.reason for row in job.rows if row.reason]
    assert reason.partition(": ")[2].partition(";")[0] in words
    assert "rank 2 is 1.00 h later than rank 0" in words


def test_sums_of_a_rank_are_those_of_its_collectives(job: JobAnalysis) -> None:
    data = job_to_json(job)
    for row in data["ranks"][:3]:
        mine = [one["wait_ns"][str(row["rank"])] for one in data["collectives"]]
        assert (row["wait_ns"], row["matched"]) == (sum(mine), len(mine))
        assert row["collective_ns"] == row["wait_ns"] + row["transfer_ns"]
    failed = data["ranks"][3]
    assert (failed["status"], failed["wait_ns"], failed["offset_ns"]) == ("failed", None, None)


def test_of_many_ranks_the_late_one_is_in_the_short_table(tmp_path: Path) -> None:
    def last_is_late(rank: SimRank, step: int) -> tuple[int, int]:
        return 0, 2_000_000 if rank.number == 23 else 0

    paths = Job(24, seed=4).run_in_ranges(ddp(last_is_late), 4).write(tmp_path)
    text = render_document(compose_job(analyse_job(paths, Inline(), RanksRequest())), "text")
    table = text[text.index("Ranks\n") :].splitlines()
    assert [line.split("  ")[0] for line in table if line.startswith("rank ")][1:17] == [
        *(f"rank {rank}" for rank in range(15)),
        "rank 23",
    ]


@pytest.mark.parametrize(("others", "whose"), [(2, "the others'"), (1, "the other's")])
def test_without_collectives_the_rank_of_longer_steps_is_named_with_its_range(
    tmp_path: Path, others: int, whose: str
) -> None:
    def program(rank: SimRank, step: int) -> None:
        with rank.range("data"):
            rank.host(10_000_000 if rank.number == 1 else 4_000_000)
        with rank.range("compute"):
            rank.host(8_000_000)

    paths = Job(1 + others).run_in_ranges(program, 6).write(tmp_path)
    analysed = analyse_job(paths, Inline(), RanksRequest())
    (sentence,) = list_verdicts(analysed)
    assert sentence.startswith(
        f"Steps 0–5: a step of rank 1 takes 1.50× the time of {whose} (18.0 ms against 12.0 ms), most of it "
        "data +6000 µs; who waited for whom is not known; "
    )
    lines = render_document(compose_job(analysed), "text").splitlines()
    assert lines[0].startswith("flopprof ranks")
    head = next(at for at, line in enumerate(lines) if line.startswith("rank ") and "step ms" in line)
    assert [line.split()[3] for line in lines[head + 1 : head + 2 + others]] == ["12.0", "18.0", "12.0"][
        : 1 + others
    ]


def test_warm_up_is_not_in_what_a_step_takes(tmp_path: Path) -> None:
    """Beside the medians of ranks stands a median, not a mean."""

    def program(rank: SimRank, step: int) -> None:
        rank.host(4_000_000 if step > 1 else 400_000_000)

    paths = Job(2).run_in_ranges(program, 12).write(tmp_path)
    (sentence,) = list_verdicts(analyse_job(paths, Inline(), RanksRequest()))
    assert sentence.startswith("Steps 0–11: who waited for whom is not known; 400")
    assert sentence.endswith(" µs a step.")


def test_ranks_of_steps_alike_are_not_told_apart(tmp_path: Path) -> None:
    def program(rank: SimRank, step: int) -> None:
        rank.host(4_000_000 + 100_000 * rank.number)

    paths = Job(3).run_in_ranges(program, 6).write(tmp_path)
    (sentence,) = list_verdicts(analyse_job(paths, Inline(), RanksRequest()))
    assert sentence.startswith("Steps 0–5: who waited for whom is not known; ")


def test_what_is_said_of_a_job_stands_above_its_notes_and_below_its_title(job: JobAnalysis) -> None:
    text = render_document(compose_job(job), "text")
    markdown = render_document(compose_job(job), "markdown")
    for shown, title, note in (
        (text, "flopprof ranks", "WARNING"),
        (markdown, "# flopprof ranks", "> [!WARNING]"),
    ):
        assert shown.startswith(title)
        assert shown.index("Steps 5–9: rank 1 is late") < shown.index("Clocks: ") < shown.index(note)
