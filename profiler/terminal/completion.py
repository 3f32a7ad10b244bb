"""What the shell offers while a command line is typed: runs, tags, scenarios, names to pair by.

It must be there at once, so it reads the store's database as it is and imports nothing heavy; where that cannot be
read it offers less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...analysis.store.place import DATABASE, find_store
from ...analysis.words import STEP_NAMES

_NAMES = """SELECT name FROM tags UNION ALL SELECT DISTINCT scenario || '@latest' FROM runs
    UNION ALL SELECT id FROM (SELECT id FROM runs ORDER BY started_at DESC)"""

_STEP_NAMES = """SELECT DISTINCT steps.params FROM steps JOIN runs ON runs.id = steps.run
    WHERE runs.id = :run OR runs.scenario || '@latest' = :run OR :run = 'latest'
    OR runs.id IN (SELECT run FROM tags WHERE name = :run) LIMIT 200"""


def complete_run(incomplete: str) -> list[str]:
    """Names of runs: latest, tags, SCENARIO@latest, ids."""
    return _begin_with(incomplete, ("latest", *_ask(_NAMES)))


def complete_kept_scenario(incomplete: str) -> list[str]:
    """Scenarios and programs of which the store has runs."""
    from ...analysis.store.queries import SCENARIOS

    return _begin_with(incomplete, _ask(SCENARIOS))


def complete_scenario(incomplete: str) -> list[str]:
    """The shipped scenarios, and YAML files where the user is."""
    found = find_spec("flopprof.scenarios")
    folders = found.submodule_search_locations or () if found is not None else ()
    shipped = sorted(path.stem for folder in folders for path in Path(folder).glob("*.yaml"))
    return _begin_with(incomplete, (*shipped, *_list_files(incomplete)))


def complete_by(ctx: Any, incomplete: str) -> list[str]:
    """What steps of the run that is typed already can be paired by."""
    import json

    run = str(ctx.params.get("a") or "latest").partition(":")[0]
    swept = [name for params in _ask(_STEP_NAMES, run=Path(run).name) for name in json.loads(params)]
    return _begin_with(incomplete, (*STEP_NAMES, *swept))


def _ask(query: str, **values: str) -> list[str]:
    """The first column; nothing where there is no store that can be read now."""
    import sqlite3

    from ...analysis.store.access import connect_read_only

    try:
        with closing(connect_read_only(find_store(None) / DATABASE)) as connection:
            connection.execute("PRAGMA busy_timeout = 200")
            return [str(row[0]) for row in connection.execute(query, values)]
    except (OSError, sqlite3.Error):
        return []


def _list_files(incomplete: str) -> Iterator[str]:
    folder = Path(incomplete).parent
    prefix = "" if str(folder) == "." else f"{folder}/"
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix in (".yaml", ".yml"):
                yield f"{prefix}{path.name}"
    except OSError:
        return


def _begin_with(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in dict.fromkeys(words) if word.startswith(incomplete)]
