"""A scrubbed copy analyses the same and betrays nothing."""

from __future__ import annotations

import lzma
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from drawing.tree import DATA
from flopprof.analysis.archives.scrub import ScrubError, scrub_trace
from flopprof.analysis.breakdown.analyze import analyze_file
from flopprof.analysis.errors import TraceError
from flopprof.analysis.trace.public_texts import UNKNOWN_DIAGNOSTIC, is_public_setting, public_diagnostic
from flopprof.scenarios.errors import FlopprofError

CANARY = "zq7/canary=19x"
RANGE_EVENTS = (33, 34, 59, 60, 70, 71, 75)
TRACES = [
    "torch_axis0",
    "streams",
    "crash",
    "nvtx_all_types_2022.4",
    "nvtx_all_types_2024.2",
    "invalid_utf8_2024.2",
]


def unpack(name: str, folder: Path) -> Path:
    path = folder / f"{name}.sqlite"
    path.write_bytes(lzma.decompress((DATA / f"{name}.sqlite.xz").read_bytes()))
    return path


def open_bytes(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    return connection


def tables_of(connection: sqlite3.Connection) -> dict[str, list[str]]:
    names = [n.decode() for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {n: [r[1].decode() for r in connection.execute(f"PRAGMA table_info({n})")] for n in names}


def poison(path: Path) -> None:
    """Put the canary into every text of every table but kernel, API, range and domain names."""
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    for table, columns in tables_of(connection).items():
        if table == "StringIds":
            continue
        for column in columns:
            kept = (
                f"AND eventType NOT IN {RANGE_EVENTS}" if (table, column) == ("NVTX_EVENTS", "text") else ""
            )
            connection.execute(
                f"UPDATE {table} SET {column} = ? WHERE (typeof({column}) = 'text'"
                f" OR ({column} IS NULL AND '{column}' IN ('jsonText', 'binaryData', 'text'))) {kept}",
                (f"{column} {CANARY}",),
            )
    environment = f"HOME=/root\0TOKEN={CANARY}\0PATH=/bin".encode()
    strings = [environment, CANARY.encode(), f"/home/{CANARY}/out.txt".encode()]
    first = int(connection.execute("SELECT coalesce(max(id), 0) FROM StringIds").fetchone()[0]) + 1
    for i, text in enumerate(strings):
        connection.execute("INSERT INTO StringIds VALUES (?, CAST(? AS TEXT))", (first + i, text))
    connection.execute("INSERT INTO ThreadNames VALUES (?, 20, 281474993487872)", (first + 1,))
    connection.execute("INSERT INTO PROCESSES VALUES (281474993487872, 1, ?)", (CANARY,))
    connection.execute("INSERT INTO ProcessStreams VALUES (281474993487872, ?, ?)", (first + 2, first + 1))
    connection.execute("INSERT INTO TARGET_INFO_SYSTEM_ENV VALUES (0, ?, 'Hostname', 1, ?)", (CANARY, CANARY))
    connection.execute(
        "INSERT INTO TARGET_INFO_SYSTEM_ENV VALUES (0, 'x', 'DeviceEnvironment', 1, CAST(? AS TEXT))",
        (environment,),
    )
    connection.execute("INSERT INTO PROFILER_OVERHEAD VALUES (1, 2, 3, ?, 0)", (first,))
    connection.execute(f"CREATE TABLE SECRET_{first} (a TEXT DEFAULT '{CANARY}')")
    connection.execute(f"ALTER TABLE PROFILER_OVERHEAD ADD COLUMN note TEXT DEFAULT '{CANARY}'")
    connection.execute(f"CREATE VIEW leak AS SELECT '{CANARY}' AS a")
    connection.execute(f"INSERT INTO SECRET_{first} VALUES (?)", (CANARY,))
    if "META_DATA_CAPTURE" in tables_of(connection):
        rows = [
            ("PROCESS_0:ENVIRONMENT_VARIABLE", CANARY),
            ("PROCESS_0:ARGUMENT_3", CANARY),
            (CANARY, "true"),
        ]
        connection.executemany("INSERT INTO META_DATA_CAPTURE VALUES (?, ?)", rows)
    if "DIAGNOSTIC_EVENT" in tables_of(connection):
        text = f"Not all CUDA events might have been collected. See {CANARY}"
        connection.execute("INSERT INTO DIAGNOSTIC_EVENT VALUES (5, 1, 1, 2, ?, 0)", (text,))
    connection.commit()
    connection.close()


def assert_clean(path: Path, canary: str) -> None:
    raw = path.read_bytes()
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        assert canary.encode(encoding) not in raw


@pytest.mark.parametrize("name", TRACES)
def test_no_byte_of_a_secret_survives_in_any_text_column(name: str, tmp_path: Path):
    source = unpack(name, tmp_path)
    poison(source)
    assert CANARY.encode() in source.read_bytes()
    target = tmp_path / "scrubbed.sqlite"
    scrub_trace(source, target)
    assert_clean(target, CANARY)
    assert_clean(target, "canary")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([source.name, target.name])


@pytest.mark.parametrize("name", TRACES)
def test_numbers_and_names_are_copied_exactly_and_in_order(name: str, tmp_path: Path):
    source = unpack(name, tmp_path)
    target = tmp_path / "scrubbed.sqlite"
    scrub_trace(source, target)
    before, after = open_bytes(source), open_bytes(target)
    kept = [
        t
        for t in tables_of(before)
        if t.startswith(("CUPTI", "NVTX", "PROFILER", "ANALYSIS_DETAILS", "TARGET_INFO_CUDA"))
    ]
    assert "NVTX_EVENTS" in kept
    names = ("nameId", "demangledName", "shortName", "mangledName", "textId")
    for table in kept:
        columns = tables_of(before)[table]
        assert tables_of(after)[table] == columns
        where = f"eventType IN {RANGE_EVENTS}" if table == "NVTX_EVENTS" else "1"
        listed = ", ".join(f'"{c}"' for c in columns)
        query = f"SELECT rowid, {listed} FROM {table} WHERE {where}"
        assert after.execute(query).fetchall() == before.execute(query).fetchall()
        for column in set(columns) & set(names):
            query = (
                f"SELECT t.rowid, s.value FROM {table} t JOIN StringIds s ON s.id = t.{column}"
                f" WHERE {where} ORDER BY 1"
            )
            assert after.execute(query).fetchall() == before.execute(query).fetchall()


@pytest.mark.parametrize("name", TRACES)
def test_the_copy_analyses_the_same(name: str, tmp_path: Path):
    source = unpack(name, tmp_path)
    target = tmp_path / "scrubbed.sqlite"
    scrub_trace(source, target)
    before, after = (analyze_file(path).to_json() for path in (source, target))
    for document in (before, after):
        del document["trace"]["path"], document["trace"]["sha256"]
    assert after == before


def test_a_second_scrub_changes_nothing(tmp_path: Path):
    source = unpack("torch_axis0", tmp_path)
    once, twice = tmp_path / "once.sqlite", tmp_path / "twice.sqlite"
    scrub_trace(source, once)
    scrub_trace(once, twice)
    before, after = open_bytes(once), open_bytes(twice)
    assert tables_of(before) == tables_of(after)
    for table in tables_of(before):
        assert (
            before.execute(f"SELECT * FROM {table}").fetchall()
            == after.execute(f"SELECT * FROM {table}").fetchall()
        )


def test_foreign_processes_go_and_traced_ones_lose_their_names(tmp_path: Path):
    source = unpack("torch_axis0", tmp_path)
    connection = sqlite3.connect(source)
    traced = connection.execute("SELECT globalPid FROM CUPTI_ACTIVITY_KIND_KERNEL LIMIT 1").fetchone()[0]
    connection.executemany(
        "INSERT INTO PROCESSES VALUES (?, ?, ?)", [(traced, 7, "python3"), (traced + 2**24, 8, "x")]
    )
    connection.commit()
    connection.close()
    scrub_trace(source, tmp_path / "out.sqlite")
    assert open_bytes(tmp_path / "out.sqlite").execute("SELECT * FROM PROCESSES").fetchall() == [
        (traced, 7, None)
    ]


def test_loss_messages_stay_and_their_paths_go(tmp_path: Path):
    source = unpack("crash", tmp_path)
    connection = sqlite3.connect(source)
    connection.execute("UPDATE DIAGNOSTIC_EVENT SET text = text || ' /home/me/run.py --token s3'")
    connection.commit()
    connection.close()
    scrub_trace(source, tmp_path / "out.sqlite")
    texts = (
        open_bytes(tmp_path / "out.sqlite")
        .execute("SELECT text FROM DIAGNOSTIC_EVENT WHERE severity = 2")
        .fetchall()
    )
    assert texts == [
        (b"Not all NVTX events might have been collected.",),
        (b"Not all CUDA events might have been collected.",),
    ]
    assert_clean(tmp_path / "out.sqlite", "/home/me")


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("Loaded CUPTI library: /opt/me/libcupti.so", "Loaded CUPTI library."),
        ("CUPTI dropped 17 records", "CUPTI dropped 17 records."),
        *(
            (
                f"Not all {kind}events might have been collected: /x",
                f"Not all {kind}events might have been collected.",
            )
            for kind in ("", "CUDA ", "OS runtime libraries ")
        ),
        ("Injection storage file /tmp/x has reached 80% of size limit", "reached 80% of size limit."),
        ("Number of incomplete CUPTI events dropped: 3", "Number of incomplete CUPTI events dropped: 3."),
        ("cannot open /etc/passwd", UNKNOWN_DIAGNOSTIC),
        ("", UNKNOWN_DIAGNOSTIC),
    ],
)
def test_only_known_sentences_of_a_diagnostic_are_public(text: str, public: str):
    assert public_diagnostic(text) == public
    if public != UNKNOWN_DIAGNOSTIC:
        assert public_diagnostic(public) == public


@pytest.mark.parametrize(
    ("name", "value", "public"),
    [
        ("EXPORT_SCHEMA_VERSION", "3.20.3", True),
        ("EXPORT_PRODUCT_VERSION", "2024.2.3.38-242334140272v0", True),
        ("EXPORT_SCHEMA_VERSION", "/home/me", False),
        ("PROCESS_0:CUDA_GRAPH_TRACE_OPTIONS:MODE", "Node", True),
        ("PROCESS_0:ENVIRONMENT_VARIABLE", "1", False),
        ("PROCESS_0:ARGUMENT_1", "true", False),
        ("EXPORT_USER", "", False),
        ("Hostname", "1", False),
        ("NvDriverVersion", "580.95.05", True),
        ("NvDriverVersion", "580\nTOKEN=x", False),
    ],
)
def test_settings_are_public_only_by_name_and_shape(name: str, value: str, public: bool):
    assert is_public_setting(name, value) is public


def test_a_partial_export_stays_recognisable(tmp_path: Path):
    source = unpack("torch_axis0", tmp_path)
    connection = sqlite3.connect(source)
    connection.execute(
        "UPDATE META_DATA_EXPORT SET value = ? WHERE name = 'EXPORT_PARAM_TABLES_TO_EXPORT'", (CANARY,)
    )
    connection.commit()
    connection.close()
    scrub_trace(source, tmp_path / "out.sqlite")
    query = "SELECT value FROM META_DATA_EXPORT WHERE name = 'EXPORT_PARAM_TABLES_TO_EXPORT'"
    assert open_bytes(tmp_path / "out.sqlite").execute(query).fetchall() == [(b"(withheld)",)]


def test_a_source_may_be_replaced_by_its_own_copy(tmp_path: Path):
    source = unpack("torch_axis0", tmp_path)
    poison(source)
    scrub_trace(source, source)
    assert_clean(source, CANARY)
    assert [p.name for p in tmp_path.iterdir()] == [source.name]


def test_a_source_that_is_no_trace_leaves_no_target(tmp_path: Path):
    source = tmp_path / "text.sqlite"
    source.write_text("not a database\n" * 100)
    with pytest.raises(TraceError, match="not a SQLite file"):
        scrub_trace(source, tmp_path / "out.sqlite")
    assert [p.name for p in tmp_path.iterdir()] == ["text.sqlite"]


def test_damage_met_while_copying_leaves_the_old_target(tmp_path: Path):
    source = unpack("torch_axis0", tmp_path)
    root = (
        open_bytes(source)
        .execute("SELECT rootpage FROM sqlite_master WHERE name LIKE '%RUNTIME'")
        .fetchone()[0]
    )
    raw = bytearray(source.read_bytes())
    raw[(root - 1) * 4096 : root * 4096] = b"\xfe" * 4096
    source.write_bytes(raw)
    target = tmp_path / "out.sqlite"
    target.write_text("older")
    with pytest.raises(TraceError, match="is damaged"):
        scrub_trace(source, target)
    assert target.read_text() == "older"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.sqlite", source.name]


def test_a_target_folder_that_is_missing_is_one_line(tmp_path: Path):
    with pytest.raises(ScrubError, match="cannot be written: No such file or directory") as raised:
        scrub_trace(unpack("crash", tmp_path), tmp_path / "none" / "out.sqlite")
    assert "\n" not in str(raised.value)


def test_a_target_that_is_a_directory_is_one_line_and_leaves_nothing(tmp_path: Path):
    source = unpack("crash", tmp_path)
    (tmp_path / "out").mkdir()
    with pytest.raises(FlopprofError, match="cannot be written"):
        scrub_trace(source, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == [source.name, "out"]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path):
    source = unpack("torch_axis0", tmp_path)
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "from flopprof.analysis.archives.scrub import ScrubError, scrub_trace\n"
        "try: scrub_trace(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except ScrubError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(source), str(tmp_path / "out.sqlite")],
        capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(f"{tmp_path / 'out.sqlite'}: the scrubbed copy cannot be written: ")
    assert done.stdout.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == [source.name]
