"""Copying a database in use."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from sigdep.adapters.sqlite.copying import PAGES_A_STEP, copy_database


def test_a_copy_is_one_moment_of_a_database_that_is_being_written(tmp_path: Path) -> None:
    source, target = tmp_path / "source.db", tmp_path / "target.db"
    stop, begun = threading.Event(), threading.Event()
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE pair (number INTEGER PRIMARY KEY, twice INTEGER, filler BLOB)")

    def write() -> None:
        with closing(sqlite3.connect(source, isolation_level=None)) as connection:
            number = 0
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO pair VALUES (?, 0, zeroblob(3000))", (number,))
                connection.execute("UPDATE pair SET twice = number * 2 WHERE number = ?", (number,))
                connection.execute("COMMIT")
                number += 1
                if number == PAGES_A_STEP * 3:
                    begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    steps: list[tuple[int, int]] = []
    try:
        assert begun.wait(60)
        copy_database(source, target, lambda done, total: steps.append((done, total)))
    finally:
        stop.set()
        writer.join()
    assert len(steps) >= 3
    assert steps[-1][0] == steps[-1][1]
    assert len({total for _, total in steps}) == 1
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        count, highest, wrong = copy.execute(
            "SELECT count(*), max(number), sum(twice <> number * 2) FROM pair"
        ).fetchone()
    assert count == highest + 1 >= PAGES_A_STEP * 3
    assert wrong == 0
    assert not target.with_name("target.db-wal").exists()


def test_a_copy_never_overwrites(tmp_path: Path) -> None:
    source, target = tmp_path / "source.db", tmp_path / "target.db"
    sqlite3.connect(source).close()
    target.write_text("precious")
    with pytest.raises(FileExistsError):
        copy_database(source, target, lambda done, total: None)
    assert target.read_text() == "precious"
