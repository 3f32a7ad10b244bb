# pyright: strict
"""Runs, traces and comparisons as objects for a notebook: shown as HTML, their tables as DataFrames, their
figures as matplotlib axes.

>>> import flopprof
>>> run = flopprof.run("outer")                               # doctest: +SKIP
>>> run = flopprof.Run("outer@latest")                        # doctest: +SKIP
>>> run.steps[["label", "untraced_ns", "roof_share"]]         # doctest: +SKIP
>>> run.plot_time()                                           # doctest: +SKIP
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from ..analysis.attribution.attribution import GraphRanges
from ..analysis.breakdown.analyze import analyze_file
from ..analysis.compare.comparability import refuse_caveats
from ..analysis.compare.compare import compare_by, compare_sides
from ..analysis.compare.sides import FindRun, Side, read_side, side_of_run, side_of_trace
from ..analysis.runs.account import account_run
from ..analysis.runs.results import RunResult
from ..analysis.store.address import find_run, run_finder
from ..analysis.store.place import find_store
from .charts.chart import draw_canvas
from .charts.colours import PRINT
from .comparison.compose import compose_comparison
from .data.run_csv import csv_tables
from .document.document import Document, Figure, Table
from .document.format import Format
from .document.units import RATES, choose_units, format_cell, head_in_unit
from .render.formats import list_figures, render_document
from .run.compose import compose
from .trace.compose import compose_analysis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas


SHOWN_ROWS = 30


class Shown:
    """What the three have in common: a document, tables by name, figures by name."""

    _document: Document

    @cached_property
    def frames(self) -> dict[str, pd.DataFrame]:
        """Every table by its name, with raw values: times in ns, rates in the unit their name ends in."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> pd.DataFrame:
        """A table by its name: ``run.steps``, ``trace.kernels``, ``comparison.pairs``."""
        if not name.startswith("_") and name in self.frames:
            return self.frames[name]
        raise AttributeError(
            f"{type(self).__name__} has no {name!r}; its tables are {', '.join(self.frames)}"
        )

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.frames]

    @property
    def figures(self) -> tuple[str, ...]:
        """The names that ``plot`` takes."""
        return tuple(figure.name for figure in list_figures(self._document))

    def plot(self, name: str) -> list[Axes]:
        """Draw a figure; its axes, one a panel. Raises KeyError for a figure that there is not."""
        canvas = draw_canvas(self._figure(name), PRINT, make=new_canvas)
        return [axes for axes in canvas.axes if axes.get_visible()]

    def _figure(self, name: str) -> Figure:
        for figure in list_figures(self._document):
            if figure.name == name:
                return figure
        known = ", ".join(self.figures) or "none"
        raise KeyError(f"there is no figure {name!r} of this; there is: {known}")

    def render(self, format: Format = "text") -> str:
        """The whole report in a format of `flopprof report`."""
        return render_document(self._document, format)

    def __repr__(self) -> str:
        return self.render("text")

    def _repr_html_(self) -> str:
        return document_to_html(self._document)


class Run(Shown):
    """A run by its folder, id, tag, ``latest`` or ``SCENARIO@latest``. Raises UnknownRun, RunError, TraceError."""

    result: RunResult

    def __init__(self, address: str | Path, store: str | Path | None = None) -> None:
        folder = find_run(str(address), find_store(None if store is None else Path(store)))
        self._show(account_run(folder))

    @classmethod
    def of_result(cls, result: RunResult) -> Run:
        """One that is already accounted for."""
        run = cls.__new__(cls)
        run._show(result)
        return run

    def _show(self, result: RunResult) -> None:
        self.result, self._document = result, compose(result)

    @cached_property
    def frames(self) -> dict[str, pd.DataFrame]:
        """``steps``, ``ops``, ``kernels``, ``launches``, ``copies``: the columns of the run's CSV files."""
        texts = csv_tables(self._document.data)
        return {name.removesuffix(".csv"): pd.read_csv(io.StringIO(text)) for name, text in texts.items()}

    def plot_time(self) -> list[Axes]:
        """Run time against size, a panel per backend and device."""
        return self.plot("time")

    def plot_ratio(self) -> list[Axes]:
        """Each variant's time over the reference's against size, with its interval."""
        return self.plot("ratio")

    def plot_layers(self) -> list[Axes]:
        """Where the time of each step goes."""
        return self.plot("layers")

    def plot_roof(self) -> list[Axes]:
        """Every op under its device's roof."""
        return self.plot("roof")


class Trace(Shown):
    """Any recording of Nsight Systems, with `flopprof analyze`'s options. Raises TraceError."""

    def __init__(
        self,
        path: str | Path,
        *,
        range_glob: str | None = None,
        domains: Sequence[str] | None = None,
        window: Literal["host", "device"] = "host",
        graph_ranges: GraphRanges = "launch",
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self.analysis = analyze_file(
            Path(path),
            range_glob=range_glob,
            domains=domains,
            window=window,
            graph_ranges=graph_ranges,
            announce=announce,
        )
        self._document = compose_analysis(self.analysis)

    @cached_property
    def frames(self) -> dict[str, pd.DataFrame]:
        """``windows``, ``owners``, ``ranges``, ``range_kernels``, ``kernels``, ``copies``."""
        data = self._document.data
        frames = {
            name: pd.json_normalize(data[name], sep="_")
            for name in ("windows", "ranges", "range_kernels", "kernels", "copies")
        }
        owners = [
            {"window": at, **owner} for at, window in enumerate(data["windows"]) for owner in window["owners"]
        ]
        return {**frames, "windows": frames["windows"].drop(columns="owners"), "owners": pd.DataFrame(owners)}

    def plot_owners(self, window: int = 0) -> Axes:
        """Whose time one window is, as bars stacked by layer."""
        owners = self.frames["owners"]
        mine = owners[owners["window"] == window]
        names = [" › ".join(path) or "(no range)" for path in mine["path"]]
        table = mine.assign(owner=names).pivot_table(
            index="owner", columns="layer", values="ns", aggfunc="sum"
        )
        ordered = table.fillna(0).loc[table.sum(axis=1).sort_values().index] / 1e6
        axes = new_canvas(figsize=(7, 0.4 * len(ordered) + 1.2), layout="constrained").subplots()
        ordered.plot.barh(stacked=True, ax=axes, width=0.8)
        axes.set(xlabel="ms", ylabel="")
        return axes


SideLike = str | Path | Run | Trace
"""A run or a trace, as itself or as `flopprof compare` names it."""


class Comparison(Shown):
    """Two runs, traces or selections, or one side and ``by=``. Raises CompareError, TraceError, RunError."""

    def __init__(
        self,
        a: SideLike,
        b: SideLike | None = None,
        *,
        by: str | None = None,
        maps: Sequence[str] = (),
        domains: Sequence[str] | None = None,
        strict: bool = False,
        store: str | Path | None = None,
    ) -> None:
        if (b is None) == (by is None):
            raise TypeError("give two sides, or one side and by=NAME")
        finder = run_finder(find_store(None if store is None else Path(store)))
        owners = tuple(domains) if domains else None
        side = _side_of(a, finder, owners)
        if b is None or by is not None:
            self.comparison = compare_by(side, str(by))
        else:
            self.comparison = compare_sides(side, _side_of(b, finder, owners), maps)
        if strict:
            refuse_caveats(self.comparison.comparable)
        self._document = compose_comparison(self.comparison)

    @cached_property
    def frames(self) -> dict[str, pd.DataFrame]:
        """``pairs`` and ``kernels``."""
        pairs = self._document.data["pairs"]
        plain = [{key: value for key, value in pair.items() if key != "kernels"} for pair in pairs]
        kernels = [{"label": pair["label"], **kernel} for pair in pairs for kernel in pair["kernels"]]
        return {"pairs": pd.json_normalize(plain, sep="_"), "kernels": pd.json_normalize(kernels, sep="_")}

    def plot_layers(self) -> list[Axes]:
        """From A's time over the layers' differences to B's."""
        return self.plot("waterfall")

    def plot_samples(self) -> list[Axes]:
        """The reps of both sides beside each other."""
        return self.plot("spread")


def _side_of(value: SideLike, finder: FindRun, domains: tuple[str, ...] | None) -> Side:
    if isinstance(value, Run):
        return side_of_run(value.result)
    if isinstance(value, Trace):
        return side_of_trace(value.analysis.trace, str(value.analysis.trace.path), domains)
    return read_side(str(value), finder, domains)


def new_canvas(*, figsize: tuple[float, float], layout: Literal["constrained"]) -> Canvas:
    """A figure that the notebook shows by itself."""
    from matplotlib import pyplot

    return pyplot.figure(figsize=figsize, layout=layout)  # pyright: ignore[reportUnknownMemberType]  its **kwargs


def document_to_html(document: Document) -> str:
    """The head of a report and its first table: what fits a cell. Names come from traces, so all is escaped."""
    lines = [f"<b>{escape(document.title)}</b> {escape(document.about)}"]
    lines += [f"<i>{escape(notice.severity)}: {escape(notice.text)}</i>" for notice in document.warnings]
    lines += [escape(sentence) for sentence in (*document.opening, document.summary) if sentence]
    body = "".join(f"<p>{line}</p>" for line in lines)
    tables = [table for section in document.sections for table in section.tables]
    return f"<div>{body}{''.join(table_to_html(table) for table in tables[:1])}</div>"


def table_to_html(table: Table) -> str:
    """A table's main rows."""
    places = [at for at, column in enumerate(table.columns) if not column.detail]
    rows = [row for row in table.rows if row.main][:SHOWN_ROWS]
    units = choose_units(table.columns, rows, RATES)
    head = _line("th", [head_in_unit(table.columns[at], units[at]) for at in places])
    cells = [[format_cell(row.cells[at], table.columns[at], units[at]) for at in places] for row in rows]
    more = len(table.rows) - len(rows)
    rest = f"<p>{more} more rows: see the tables by name</p>" if more else ""
    return f"<p><b>{escape(table.title)}</b></p><table>{head}{''.join(_line('td', row) for row in cells)}</table>{rest}"


def _line(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
